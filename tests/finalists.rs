//! Finalists of a search: the best networks trained in full beside the references, and tested.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::{Running, Workplace, has_litert, number, recipe, refused, search_line, stderr, stdout};

const FLAGS: &str = "--trials 4 --seed 5 --references 1 --finalists 2 --final-recipe final.toml --final-images 60";

fn workplace() -> Workplace {
    let place = Workplace::new();
    // A short final recipe.
    place.write("final.toml", recipe("final", 5));
    place
}

/// The rows of `finalists.csv`.
fn finalists(place: &Workplace) -> Vec<BTreeMap<String, String>> {
    place.rows("study/finalists.csv")
}

#[test]
fn the_best_networks_are_trained_to_the_end_beside_the_references_and_tested() {
    let place = workplace();
    let done = place.search(&format!("{FLAGS} --json")).success();
    let document: Value = serde_json::from_str(&stdout(&done)).unwrap();
    let found = document["finalists"].as_array().unwrap();
    assert_eq!(found.len(), 2);
    for row in found {
        for key in ["architecture", "latency_ms", "val_top1", "test_top1"] {
            assert!(!row[key].is_null(), "{key}: {row}");
        }
    }
    // Without flags, an evaluation takes the images and the split's size from the weights.
    let rows = finalists(&place);
    for row in &rows {
        let weights = format!("study/finalists/{}.safetensors", row["trial"]);
        for (split, column) in [("val", "val_top1"), ("test", "test_top1")] {
            let line = format!("eval --weights {weights} --split {split} --json");
            let found: Value = serde_json::from_str(&stdout(&place.run(&line).success())).unwrap();
            assert_eq!(found["top1"].as_f64(), Some(number(row, column)), "{split}: {row:?}");
        }
    }
    // The two most accurate trials that keep the budget, and the reference where it is not among them.
    let mut trials = place.rows("study/trials.csv");
    trials.retain(|row| row["within_budget"] == "true");
    trials.sort_by(|one, other| number(other, "top1").total_cmp(&number(one, "top1")));
    let chosen: Vec<&str> = rows
        .iter()
        .filter(|row| row["role"] == "finalist")
        .map(|row| row["trial"].as_str())
        .collect();
    assert_eq!(chosen, [trials[0]["trial"].as_str(), trials[1]["trial"].as_str()]);
    assert!(chosen.iter().all(|trial| {
        let row = trials.iter().find(|row| row["trial"] == *trial).unwrap();
        !row["latency_measured_ms"].is_empty()
    }));
    // The best is the most accurate on validation images, and its weights are those of the final training.
    let best: Vec<_> = rows.iter().filter(|row| row["best"] == "true").collect();
    let most = rows.iter().map(|row| number(row, "val_top1")).fold(0.0, f64::max);
    assert_eq!((best.len(), number(best[0], "val_top1")), (1, most));
    let final_weights = place.path(&format!("study/finalists/{}.safetensors", best[0]["trial"]));
    assert_eq!(
        fs::read(final_weights).unwrap(),
        fs::read(place.path("study/best/weights.safetensors")).unwrap()
    );
    assert_eq!(document["best"]["id"].as_str(), Some(best[0]["id"].as_str()));
    assert!(place.read("study/finalists.svg").contains("final, test top-1"));
    assert!(place.exists("study/finalists.png"));
    if has_litert() {
        accuracies_in_int8_are_those_of_the_exported_files(&place, &rows);
    }
    the_files_can_be_drawn_again(&place);
    more_finalists_are_added_by_going_on(&place);
}

/// Exported again, in both precisions, the network of the largest resolution has the accuracies of the table.
fn accuracies_in_int8_are_those_of_the_exported_files(place: &Workplace, rows: &[BTreeMap<String, String>]) {
    // The latency is measured on this machine only, which a device with invented times is not.
    assert!(rows.iter().all(|row| row["int8_latency_ms"].is_empty()));
    let input = |row: &BTreeMap<String, String>| row["architecture"].split([',', '_']).next().unwrap().to_owned();
    let largest = rows.iter().max_by_key(|row| input(row)).unwrap();
    let weights = format!("study/finalists/{}.safetensors", largest["trial"]);
    for (precision, column) in [("fp32", "test_top1"), ("int8", "int8_top1")] {
        let file = format!("{precision}.tflite");
        let line = format!("export --weights {weights} --format tflite --precision {precision} -o {file}");
        place.run(&line).success();
        let line = format!("eval --model {file} --data demo --data-seed 5 --split test --json");
        let found: Value = serde_json::from_str(&stdout(&place.run(&line).success())).unwrap();
        assert_eq!(
            found["top1"].as_f64(),
            Some(number(largest, column)),
            "{column}: {largest:?}"
        );
    }
}

fn the_files_can_be_drawn_again(place: &Workplace) {
    let files = ["finalists.csv", "finalists.svg", "finalists.png"].map(|file| place.path("study").join(file));
    let before = files.clone().map(|file| fs::read(file).unwrap());
    for file in &files {
        fs::remove_file(file).unwrap();
    }
    place.run("plot study").success();
    assert!(files.map(|file| fs::read(file).unwrap()) == before);
}

/// Trained finalists are kept, and the table shows all.
fn more_finalists_are_added_by_going_on(place: &Workplace) {
    let (before, trials) = (finalists(place), place.rows("study/trials.csv"));
    let more = place
        .run("search --resume --out study --tables tables --finalists 3")
        .success();
    let text = stdout(&more);
    assert!(text.contains("Trained in full (recipe final, 5 epochs):"), "{text}");
    let after = finalists(place);
    let same = |row: &&BTreeMap<String, String>| after.iter().any(|other| other["test_top1"] == row["test_top1"]);
    assert!(after.len() >= before.len() && before.iter().all(|row| same(&row)));
    assert!(after.iter().filter(|row| row["role"] == "finalist").count() >= 2);
    let accuracies = |rows: &[BTreeMap<String, String>]| -> Vec<(String, String)> {
        rows.iter()
            .map(|row| (row["architecture"].clone(), row["top1"].clone()))
            .collect()
    };
    assert_eq!(accuracies(&trials), accuracies(&place.rows("study/trials.csv")));
    let other = place.run("search --resume --out study --tables tables --final-epochs 9");
    refused(
        other,
        3,
        &["were trained with recipe final of 5 epochs", "--final-epochs"],
    );
}

#[test]
fn a_search_killed_among_its_finalists_goes_on_with_those_that_are_left() {
    let (whole, place) = (workplace(), workplace());
    whole.search(FLAGS).success();
    let stderr_file = fs::File::create(place.path("stderr.txt")).unwrap();
    let mut command = place.mnas(&search_line(FLAGS));
    let mut running = Running {
        child: command
            .stdout(std::process::Stdio::null())
            .stderr(stderr_file)
            .spawn()
            .unwrap(),
    };
    let settled = || {
        let journal = fs::read_to_string(place.path("study/trials.jsonl")).unwrap_or_default();
        journal
            .lines()
            .filter(|line| line.contains("{\"final\":{\"finished\""))
            .count()
    };
    running.wait_until("a finalist is trained", || settled() >= 1);
    running.signal("KILL");
    assert_eq!(running.exit_code(), None);
    let before = settled();
    place.resume("study").success();
    assert_eq!(finalists(&place), finalists(&whole));
    assert_eq!(settled(), finalists(&whole).len());
    assert!(before >= 1);
}

#[test]
fn finalists_that_cannot_be_trained_are_explained() {
    let place = workplace();
    let planned = stdout(
        &place
            .search("--trials 2 --finalists 2 --final-recipe final.toml --dry-run")
            .success(),
    );
    assert!(
        planned.contains("then the 2 best and the references within the budget in full"),
        "{planned}"
    );
    let unknown = place.search("--trials 2 --finalists 1 --final-recipe cifra");
    refused(unknown, 3, &["no recipe is called `cifra`", "cifar", "TOML file"]);
    assert!(!place.exists("study"));
    place.edit("final.toml", "epochs = 5", "epochs = 0");
    let unsound = place.search("--trials 2 --finalists 1 --final-recipe final.toml");
    refused(unsound, 3, &["epochs = 0"]);
    place.edit("final.toml", "epochs = 0", "epochs = 2");
    place.write(
        "table.csv",
        "architecture,accuracy\n\"in16,conv_k3_s2_c8_nr6,head_o10\",50\n",
    );
    let looked_up = place.run("search --evaluator table:table.csv --space space.toml --finalists 2 --out study");
    refused(looked_up, 2, &["--finalists is for trainings", "table.csv"]);
    // More finalists than networks: all are trained, and a message reports it.
    let few = place.search("--trials 1 --finalists 9 --final-recipe final.toml");
    let said = stderr(&few);
    few.success();
    assert!(
        said.contains(
            "9 finalists are asked for; networks evaluated that keep the constraints: 1, all of which are trained"
        ),
        "{said}"
    );
    assert_eq!(finalists(&place).len(), 1);
}
