//! Searches with successive halving, from the command to the files.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Workplace, number, refused, stdout};

const FLAGS: &str = "--trials 9 --seed 5 --halving 3 --references 1";

type Rows = Vec<BTreeMap<String, String>>;

fn with_epochs<'a>(rows: &'a Rows, epochs: &'a str) -> impl Iterator<Item = &'a BTreeMap<String, String>> {
    rows.iter().filter(move |row| row["epochs"] == epochs)
}

#[test]
fn the_best_third_is_trained_for_longer_and_every_file_says_for_how_long() {
    let place = Workplace::new();
    let done = place.search(&format!("{FLAGS} --json")).success();
    let trials = place.rows("study/trials.csv");
    assert!(
        with_epochs(&trials, "1")
            .filter(|row| row["kind"] == "candidate")
            .count()
            == 9
    );
    let longer: Vec<_> = with_epochs(&trials, "3").collect();
    assert!(longer.len() >= 4, "{trials:?}");
    assert!(longer.iter().any(|row| row["kind"] == "reference"));
    for row in &longer {
        assert_eq!(row["status"], "complete", "{row:?}");
        let shorter: Vec<_> = with_epochs(&trials, "1")
            .filter(|other| other["id"] == row["id"])
            .collect();
        assert_eq!(shorter.len(), 1, "{row:?}");
        assert_eq!(shorter[0]["on_front"], "false", "a network is on the front twice");
    }
    // Every training had the epochs that were missing.
    let journal = place.read("study/trials.jsonl");
    let lines = journal.lines().filter(|line| line.contains("\"finished\""));
    let trained = lines.map(|line| line.matches("\"epoch\":").count());
    let mut trained: Vec<usize> = trained.collect();
    trained.sort_unstable();
    assert_eq!(trained, [vec![1; 10], vec![2; longer.len()]].concat());
    assert!(journal.contains("\"start-from\":") || journal.contains("\"start_from\":"));
    // The best is chosen among the longest trainings.
    let document: Value = serde_json::from_str(&stdout(&done)).unwrap();
    let within = longer.iter().filter(|row| row["within_budget"] == "true");
    let most = within.map(|row| number(row, "top1")).fold(0.0, f64::max);
    assert_eq!(document["best"]["epochs"], 3);
    assert_eq!(document["best"]["accuracy"].as_f64(), Some(most));
    assert!(
        document["front"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["epochs"].is_u64())
    );
    assert_eq!(document["references"].as_array().unwrap().len(), 1);
    assert!(place.exists("study/best/weights.safetensors") && place.exists("study/front.svg"));
    let config = place.read("study/study.toml");
    assert!(
        config.contains("[evaluator.train.halving]") && config.contains("lookahead = 12"),
        "{config}"
    );
}

#[test]
fn a_killed_search_with_halving_ends_with_the_same_trials() {
    let whole = Workplace::new();
    whole.search(FLAGS).success();
    let place = Workplace::new();
    let mut running = place.start_search(FLAGS);
    place.wait_for_trials(&mut running, 7);
    running.signal("KILL");
    assert_eq!(running.exit_code(), None);
    place.resume("study").success();
    for file in ["study/trials.csv", "study/front.csv"] {
        assert_eq!(place.rows(file), whole.rows(file), "{file}");
    }
    refused(
        place.run("search --resume --out study --halving 2"),
        3,
        &["--halving 2 (the study has 3)"],
    );
}

#[test]
fn what_cannot_be_halved_is_refused() {
    let place = Workplace::new();
    refused(
        place.search("--halving 4"),
        3,
        &["halving.factor = 4", "at most 3", "3 epochs of recipe tiny"],
    );
    refused(place.search("--halving 1"), 3, &["halving.factor = 1", "at least 2"]);
    refused(
        place.search("--halving 3 --min-epochs 0"),
        3,
        &["min-epochs = 0", "at least 1"],
    );
    refused(place.search("--min-epochs 2"), 2, &["--min-epochs", "--halving 3"]);
    refused(
        place.search("--halving 3 --warm-start other"),
        2,
        &["--warm-start", "--halving", "leave one of the two out"],
    );
    place.write(
        "table.csv",
        "architecture,accuracy\nin32,conv_k3_s2_c8_nhs,head_o4,50\n",
    );
    refused(
        place.run("search --evaluator table:table.csv --space space.toml --halving 3"),
        2,
        &["--halving is for trainings"],
    );
}
