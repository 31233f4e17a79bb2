//! Tests of the test data's rules: tables of facts are in the repository, and missing external files fail in continuous
//! integration.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::PathBuf;

#[test]
fn facts_are_part_of_the_repository() {
    for name in ["golden_counts.csv", "reference_points.csv", "counted.csv", "README.md"] {
        assert!(support::fact_table(name).exists(), "{name}");
    }
}

#[test]
#[should_panic(expected = "no such file is missing; set MNAS_TEST_DATA")]
fn a_missing_file_fails_a_test_in_continuous_integration() {
    support::real_data::existing(PathBuf::from("no such file"), true);
}
