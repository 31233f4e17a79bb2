//! What the command says about itself.

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
fn references() {
    insta::assert_snapshot!(shown("refs"));
}

#[test]
fn inspection_of_a_reference() {
    insta::assert_snapshot!(shown("inspect mobilenet-v2"));
}
