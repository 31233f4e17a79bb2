//! Help texts of the command.

use crate::support::{Workplace, stdout};

fn shown(line: &str) -> String {
    stdout(&Workplace::new().run(line).success())
}

#[test]
fn help() {
    insta::assert_snapshot!(shown("--help"));
}

#[test]
fn help_of_search() {
    insta::assert_snapshot!(shown("search --help"));
}

#[test]
fn help_of_inspect() {
    insta::assert_snapshot!(shown("inspect --help"));
}

#[test]
fn help_of_space_and_references() {
    insta::assert_snapshot!(shown("space --help"));
    insta::assert_snapshot!(shown("refs --help"));
}

#[test]
fn references_of_a_family() {
    insta::assert_snapshot!(shown("refs mobilenet-v3"));
}

#[test]
fn everything_published_of_a_reference() {
    insta::assert_snapshot!(shown("refs mobilenet-v4-conv-small"));
}

#[test]
fn inspection_of_a_reference() {
    insta::assert_snapshot!(shown("inspect mobilenet-v2"));
}

#[test]
fn comparison_of_two_references() {
    insta::assert_snapshot!(shown("inspect mobilenet-v2 --vs mobilenet-v3-small --vs-width 0.75"));
}

#[test]
fn a_search_space() {
    insta::assert_snapshot!(shown("space nas-bench-macro"));
    insta::assert_snapshot!(shown("space tiny"));
}
