//! A device that is known from published figures: predicted, never measured.

use crate::support::{Workplace, refused, stderr, stdout};

#[test]
fn pixel1_predicts_wherever_the_program_runs() {
    let place = Workplace::new();
    let line = "latency mobilenet-v2 --width 0.75 --resolution 160 --device pixel1 --json";
    let found: serde_json::Value = serde_json::from_str(&stdout(&place.run(line).success())).unwrap();
    let number = |key: &str| found[key].as_f64().unwrap_or_else(|| panic!("{key}: {found}"));
    // Published: 30.4 ms.
    assert!((number("predicted_ms") / 30.4 - 1.0).abs() < 0.1, "{found}");
    assert!(number("low_ms") < 30.4 && 30.4 < number("high_ms"), "{found}");
    assert!(found["measured_ms"].is_null() && number("coverage") < 0.5, "{found}");
}

#[test]
fn pixel1_cannot_be_measured() {
    let place = Workplace::new();
    for line in [
        "profile --device pixel1",
        "latency mobilenet-v2 --device pixel1 --measure",
        "latency mobilenet-v2 --device pixel1 --missing measure",
        "refs --plot --device pixel1 --measure",
    ] {
        refused(
            place.run(line),
            1,
            &["`pixel1` cannot be measured", "published figures"],
        );
    }
}

#[test]
fn a_search_on_pixel1_marks_its_winners_as_predicted() {
    let place = Workplace::new();
    let asserted = place.search("--device pixel1 --out study --budget 30ms").success();
    assert!(stderr(&asserted).contains("winners are not measured, their latencies are predicted"));
    assert!(
        place
            .rows("study/trials.csv")
            .iter()
            .all(|row| row["latency_measured_ms"].is_empty())
    );
    assert!(place.read("study/latency/0/device.toml").contains("[published]"));
}

#[test]
fn published_networks_are_drawn_over_their_cost() {
    let place = Workplace::new();
    let asserted = place.run("refs --plot --device pixel1 --out figure").success();
    assert!(stdout(&asserted).contains("0 measured"));
    let table = place.read("figure/references.csv");
    assert!(table.lines().count() > 70 && table.lines().skip(1).all(|row| row.contains(",predicted,")));
    // Drawn though its source carries a remark.
    assert!(table.contains("mnasnet-a1,MnasNet-A1,0.35,160,59.3,"), "{table}");
    assert!(place.read("figure/references.svg").contains("multiply-adds (million)"));
    assert!(place.exists("figure/references.png"));
    let missing = place.run("refs --plot --device fake --tables tables");
    refused(missing, 5, &["tables/fake holds no latency table", "--measure"]);
}
