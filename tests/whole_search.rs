//! A search from its command to its files, and the commands that work on them.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::{BUDGET_MS, Workplace, contains_all, has_litert, names, number, refused, stdout};

#[test]
fn a_search_leaves_a_complete_study() {
    let place = Workplace::new();
    let done = place.search("--trials 6 --seed 3 --references 1 --json").success();
    let study = place.path("study");
    for file in [
        "study.toml",
        "space.toml",
        "trials.jsonl",
        "trials.csv",
        "front.csv",
        "front.svg",
        "front.png",
        "latency/0/device.toml",
        "best/architecture.toml",
        "best/weights.safetensors",
        "best/model.onnx",
        "best/model.tflite",
        "best/labels.txt",
        "best/recipe.toml",
        "best/README.md",
    ] {
        let size = fs::metadata(study.join(file))
            .unwrap_or_else(|error| panic!("{file}: {error}"))
            .len();
        assert!(size > 0, "{file} is empty");
    }
    let trials = place.rows("study/trials.csv");
    let candidates: Vec<_> = trials.iter().filter(|row| row["kind"] == "candidate").collect();
    assert_eq!((candidates.len(), trials.len()), (6, 7));
    for row in &candidates {
        assert_eq!(row["status"], "complete", "{row:?}");
        assert!(number(row, "latency_predicted_ms") <= BUDGET_MS, "{row:?}");
    }
    let document: Value = serde_json::from_str(&stdout(&done)).unwrap();
    let keys: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "best",
        "evaluations",
        "finalist_references",
        "finalists",
        "front",
        "hypervolume",
        "hypervolume_reference",
        "references",
        "study",
        "trials",
    ];
    assert_eq!(keys, expected);
    the_references_are_compared(&place, &document);
    assert_eq!(
        (document["study"].as_str(), document["trials"].as_u64()),
        (Some("study"), Some(7))
    );
    let best = document["best"].as_object().unwrap();
    assert_eq!(best["accuracy_kind"], "trial, validation top-1");
    for key in ["id", "architecture", "accuracy", "latency_ms", "params", "macs"] {
        assert!(!best[key].is_null(), "{key}");
    }
    // The best network is the most accurate one that keeps the budget as measured, too, and is the same in every file.
    let fit = trials.iter().filter(|row| row["within_budget"] == "true");
    let most = fit.map(|row| number(row, "top1")).fold(0.0, f64::max);
    assert_eq!(best["accuracy"].as_f64(), Some(most));
    let row = trials
        .iter()
        .find(|row| row["architecture"] == best["architecture"].as_str().unwrap())
        .unwrap();
    assert_eq!(Some(row["id"].as_str()), best["id"].as_str());
    assert!(row["on_front"] == "true" || row["kind"] == "reference");
    assert!(
        place
            .read("study/best/architecture.toml")
            .contains(best["architecture"].as_str().unwrap())
    );
    redrawing_reproduces_the_files(&place);
    evaluating_reproduces_the_accuracy(&place, most);
    the_model_card_names_what_the_search_found(&place, best["id"].as_str().unwrap());
    the_best_network_can_be_exported(&place);
    refused(
        place.search("--trials 6 --seed 3"),
        3,
        &["study holds a study already", "--resume", "--out"],
    );
}

fn the_references_are_compared(place: &Workplace, document: &Value) {
    let references = document["references"].as_array().unwrap();
    assert_eq!(references.len(), 1);
    let trials = place.rows("study/trials.csv");
    let reference = trials.iter().find(|row| row["kind"] == "reference").unwrap();
    let found = &references[0];
    assert_eq!(found["name"].as_str(), Some(reference["name"].as_str()));
    // The figures follow from the rows of the trials.
    let latency = |row: &BTreeMap<String, String>| {
        let measured = row["latency_measured_ms"].parse().ok();
        measured.unwrap_or_else(|| number(row, "latency_predicted_ms"))
    };
    let candidates = || {
        let wanted = |row: &&BTreeMap<String, String>| row["kind"] == "candidate" && row["within_budget"] == "true";
        trials.iter().filter(wanted)
    };
    let no_slower = candidates().filter(|row| latency(row) <= latency(reference));
    let most = no_slower.map(|row| number(row, "top1")).max_by(f64::total_cmp);
    let points = most.map(|most| most - number(reference, "top1"));
    assert_eq!(found["points"].as_f64(), points);
    let as_accurate = candidates().filter(|row| number(row, "top1") >= number(reference, "top1"));
    let least = as_accurate.map(latency).min_by(f64::total_cmp);
    assert_eq!(found["ms"].as_f64(), least.map(|least| latency(reference) - least));
    let volume = document["hypervolume"].as_f64().unwrap();
    assert!((0.0..1.0).contains(&volume), "{volume}");
    let bound = &document["hypervolume_reference"];
    assert_eq!(
        (bound["metric"].as_str(), bound["value"].as_f64()),
        (Some("latency_ms"), Some(BUDGET_MS))
    );
    let evaluations = document["evaluations"].as_u64().unwrap();
    assert!((1..=7).contains(&evaluations));
    let file = place.read("study/references.csv");
    assert!(file.lines().count() == 2 && file.contains(&reference["name"]), "{file}");
}

fn redrawing_reproduces_the_files(place: &Workplace) {
    let drawn = ["trials.csv", "front.csv", "references.csv", "front.svg", "front.png"]
        .map(|file| place.path("study").join(file));
    let before = drawn.clone().map(|file| fs::read(file).unwrap());
    for file in &drawn {
        fs::remove_file(file).unwrap();
    }
    place.run("plot study").success();
    for (file, before) in drawn.iter().zip(before) {
        assert!(
            fs::read(file).unwrap() == before,
            "{} came out different",
            file.display()
        );
    }
}

fn evaluating_reproduces_the_accuracy(place: &Workplace, accuracy: f64) {
    let eval = "eval --weights study/best/weights.safetensors --data demo --images 60 --data-seed 3 --json";
    let found: Value = serde_json::from_str(&stdout(&place.run(eval).success())).unwrap();
    assert_eq!(
        (found["top1"].as_f64(), found["images"].as_u64()),
        (Some(accuracy), Some(60))
    );
    assert!(found["top5"].as_f64().unwrap() >= accuracy);
}

fn the_model_card_names_what_the_search_found(place: &Workplace, id: &str) {
    let card = place.read("study/best/README.md");
    contains_all(
        &card,
        &[
            id,
            "| latency on fake | measured ",
            "budget 0.070 ms",
            "| validation top-1 | ",
            "| `model.tflite` | network for LiteRT (TensorFlow Lite), 32-bit floats; ",
            "mnas train study/best/architecture.toml --data demo --images 60 --data-seed 3 --recipe study/best/recipe.toml",
        ],
    );
    if has_litert() {
        let row = "| `model-int8.tflite` | network for LiteRT, 8-bit integers; read back by LiteRT, ";
        assert!(card.contains(row), "{card}");
        assert!(place.exists("study/best/model-int8.tflite"));
    }
    assert_eq!(place.read("study/best/labels.txt").lines().count(), 10);
}

fn the_best_network_can_be_exported(place: &Workplace) {
    for format in ["onnx", "safetensors", "toml"] {
        let line = format!("export --weights study/best/weights.safetensors --format {format} -o out/model.{format}");
        place.run(&line).success();
    }
    assert_eq!(
        names(&place.path("out")),
        ["model.onnx", "model.safetensors", "model.toml"]
    );
    let same = |one: &str, other: &str| fs::read(place.path(one)).unwrap() == fs::read(place.path(other)).unwrap();
    assert!(same("out/model.onnx", "study/best/model.onnx"));
    assert!(same("out/model.toml", "study/best/architecture.toml"));
    // The written files are architectures and weights again.
    let inspected = stdout(&place.run("inspect out/model.toml --json").success());
    assert!(inspected.contains("\"head_o10\""), "{inspected}");
    place
        .run("eval --weights out/model.safetensors --data demo --images 20")
        .success();
}

#[test]
fn small_networks_among_larger_ones_evaluate_as_they_were_compared() {
    // Images are kept at the largest resolution of the space while candidates are compared.
    let place = Workplace::new();
    place.search("--trials 5 --budget 0.045ms").success();
    let rows = place.rows("study/trials.csv");
    assert!(rows.iter().any(|row| row["resolution_px"] != "24"));
    let mut evaluated = 0;
    for row in &rows {
        let weights = format!("study/weights/{}.safetensors", row["trial"]);
        if place.exists(&weights) {
            let line = format!("eval --weights {weights} --data demo --images 60 --json");
            let found: Value = serde_json::from_str(&stdout(&place.run(&line).success())).unwrap();
            assert_eq!(found["top1"].as_f64(), Some(number(row, "top1")), "{row:?}");
            evaluated += 1;
        }
    }
    assert!(evaluated >= 3);
}

#[test]
fn a_trained_network_evaluates_as_its_training_said() {
    let place = Workplace::new();
    // Training on random parts keeps images larger than the network's input.
    place.edit(
        "recipe.toml",
        "{ crop-flip = { padding = 0.125 } }",
        "{ resized-crop-flip = { min-area = 0.35 } }",
    );
    let network = "in20,conv_k3_s2_c8_nr6,ir_k3_s2_e3_c16_nr6,head_o10";
    let line = format!("train {network} --data demo --images 60 --recipe recipe.toml -o w.safetensors --json");
    let trained: Value = serde_json::from_str(&stdout(&place.run(&line).success())).unwrap();
    let line = "eval --weights w.safetensors --data demo --images 60 --json";
    let found: Value = serde_json::from_str(&stdout(&place.run(line).success())).unwrap();
    assert_eq!((&found["top1"], &found["top5"]), (&trained["top1"], &trained["top5"]));
}

#[test]
fn the_seed_decides_everything_and_the_number_of_workers_nothing() {
    let (one, other) = (Workplace::new(), Workplace::new());
    one.search("--trials 8 --seed 1 --workers 2").success();
    other.search("--trials 8 --seed 2 --workers 2").success();
    let trials = |place: &Workplace| place.rows("study/trials.csv");
    for workers in [1, 3] {
        let again = Workplace::new();
        again
            .search(&format!("--trials 8 --seed 1 --workers {workers}"))
            .success();
        assert_eq!(trials(&one), trials(&again), "{workers} workers");
        assert_eq!(one.rows("study/front.csv"), again.rows("study/front.csv"));
    }
    let architectures = |place: &Workplace| -> Vec<String> {
        trials(place)
            .into_iter()
            .map(|mut row| row.remove("architecture").unwrap())
            .collect()
    };
    assert_ne!(architectures(&one), architectures(&other));
}

#[test]
fn a_dry_run_leaves_nothing_behind() {
    let place = Workplace::new();
    let done = place.search("--trials 6 --dry-run").success();
    assert!(stdout(&done).contains("nothing was trained"));
    assert!(!place.exists("study"));
}

#[test]
fn a_dry_run_of_more_trials_leaves_the_study_as_it_is() {
    let place = Workplace::new();
    place.search("--trials 2 --strategy random").success();
    let before = place.read("study/study.toml");
    place
        .run("search --resume --out study --trials 4 --tables tables --dry-run")
        .success();
    assert_eq!(place.read("study/study.toml"), before);
}

#[test]
fn more_trials_can_be_added_to_a_study() {
    let (grown, whole) = (Workplace::new(), Workplace::new());
    // Evolution's population follows from the number of trials; random search has none.
    grown.search("--trials 2 --strategy random").success();
    grown
        .run("search --resume --out study --trials 4 --tables tables")
        .success();
    whole.search("--trials 4 --strategy random").success();
    let proposed = |place: &Workplace| -> Vec<(String, String)> {
        let rows = place.rows("study/trials.csv").into_iter();
        rows.map(|row| (row["architecture"].clone(), row["top1"].clone()))
            .collect()
    };
    assert_eq!(proposed(&grown), proposed(&whole));
}
