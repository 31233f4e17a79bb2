//! Latency tables that are missing, damaged or of another device.

use crate::support::{Workplace, refused, stdout};

const NETWORK: &str = "in24,conv_k3_s2_c8_nr6,ir_k3_s2_e2_c16_nr6,ir_k3_s2_e2_c24_nhs,head_o10";

fn profiled() -> Workplace {
    let place = Workplace::new();
    place
        .run("profile --device fake --space space.toml --classes 10 --tables tables --time 60s")
        .success();
    place
}

#[test]
fn a_network_of_the_space_is_predicted_from_measured_layers() {
    let place = profiled();
    let line = format!("latency {NETWORK} --device fake --tables tables --measure --missing refuse --json");
    let found: serde_json::Value = serde_json::from_str(&stdout(&place.run(&line).success())).unwrap();
    let number = |key: &str| found[key].as_f64().unwrap_or_else(|| panic!("{key}: {found}"));
    assert!(number("coverage") >= 1.0, "{found}");
    assert!(number("low_ms") <= number("predicted_ms") && number("predicted_ms") <= number("high_ms"));
    assert!(
        (number("predicted_ms") / number("measured_ms") - 1.0).abs() < 0.1,
        "{found}"
    );
}

#[test]
fn without_a_table_nothing_is_predicted() {
    let place = Workplace::new();
    let missing = place.run(&format!("latency {NETWORK} --device fake --tables tables"));
    refused(
        missing,
        5,
        &["tables/fake holds no latency table", "mnas profile --device fake"],
    );
    assert!(!place.exists("tables"));
}

#[test]
fn layers_that_were_not_measured_are_refused_where_asked_for() {
    let place = profiled();
    let line = format!(
        "latency {} --device fake --tables tables --missing refuse",
        NETWORK.replace("k3_s2_e2", "k7_s2_e4")
    );
    refused(place.run(&line), 5, &["not in the table", "k7", "profile the device"]);
}

#[test]
fn a_table_of_another_device_is_refused() {
    for (from, what) in [
        ("cpu = \"", "processor"),
        ("runtime_version = \"", "runtime version"),
        ("threads = 1", "thread count"),
    ] {
        let place = profiled();
        place.edit("tables/fake/device.toml", from, &format!("{from}7"));
        let texts = ["tables/fake/device.toml", what, "move tables/fake away"];
        refused(
            place.run(&format!("latency {NETWORK} --device fake --tables tables")),
            5,
            &texts,
        );
        if what == "processor" {
            refused(place.search("--trials 2"), 5, &texts);
            assert!(!place.exists("study"), "a study is left behind");
            refused(
                place.run("profile --device fake --space space.toml --tables tables"),
                5,
                &texts,
            );
        }
    }
}

#[test]
fn a_damaged_row_is_refused_by_its_line() {
    let place = profiled();
    let table = place.read("tables/fake/table.csv");
    let third = table.lines().nth(2).unwrap();
    let mut fields: Vec<&str> = third.split(',').collect();
    // The key holds no comma; the median comes right after it.
    fields[1] = "quick";
    place.edit("tables/fake/table.csv", third, &fields.join(","));
    let texts = ["tables/fake/table.csv, line 3", "quick"];
    refused(
        place.run(&format!("latency {NETWORK} --device fake --tables tables")),
        3,
        &texts,
    );
    refused(place.search("--trials 2"), 3, &texts);
    assert!(!place.exists("study"), "a study is left behind");
}

#[test]
fn a_row_that_was_being_written_is_measured_again() {
    let place = profiled();
    let table = place.read("tables/fake/table.csv");
    place.write("tables/fake/table.csv", &table[..table.len() - 9]);
    place
        .run("profile --device fake --space space.toml --classes 10 --tables tables --time 60s")
        .success();
    let keys = |table: &str| -> Vec<String> {
        table
            .lines()
            .map(|line| line.split(',').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys(&place.read("tables/fake/table.csv")), keys(&table));
}
