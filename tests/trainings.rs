//! `mnas train` and `mnas eval`: interruptions, the files they write, and weights of other programs.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use crate::support::{Running, Workplace, names, real_data, refused, stderr, stdout};

const NETWORK: &str = "in16,conv_k3_s2_c8_nr6,ir_k3_s2_e2_c16_nr6,head_o10";

fn line(output: &str) -> String {
    format!(
        "train {NETWORK} --data demo --images 60 --recipe recipe.toml --epochs 30 --threads 1 --checkpoint-every 0s -o {output}"
    )
}

fn start(place: &Workplace) -> Running {
    let stderr = fs::File::create(place.path("stderr.txt")).unwrap();
    let mut command = place.mnas(&line("w.safetensors"));
    Running {
        child: command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap(),
    }
}

/// The log without the columns of time.
fn log(place: &Workplace, file: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(place.path(file)).unwrap();
    let rows = reader.deserialize::<BTreeMap<String, String>>().map(Result::unwrap);
    rows.map(|mut row| {
        row.remove("images_per_second").unwrap();
        row.remove("data_wait_percent").unwrap();
        row.remove("seconds").unwrap();
        row
    })
    .collect()
}

#[test]
fn killed_twice_and_resumed_equals_undisturbed_to_the_last_bit() {
    let place = Workplace::new();
    // Every technique that has a state or draws at random.
    place.edit(
        "recipe.toml",
        "learning-rate",
        "ema = 0.99\ndropout = 0.1\nmixup = 0.2\nrandom-erasing = 0.2\noptimizer = { rmsprop = {} }\nlearning-rate",
    );
    place.edit("recipe.toml", "learning-rate = 1.0", "learning-rate = 0.1");
    place.run(&line("whole.safetensors")).success();
    for begin in 0..2 {
        let mut running = if begin == 0 {
            start(&place)
        } else {
            let mut command = place.mnas(&format!("{} --resume", line("w.safetensors")));
            Running {
                child: command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
            }
        };
        let checkpoint = place.path("w.checkpoint");
        let before = fs::read(&checkpoint).ok();
        running.wait_until("a checkpoint is written", || fs::read(&checkpoint).ok() != before);
        running.signal("KILL");
        assert_eq!(running.exit_code(), None);
        assert!(!place.exists("w.safetensors"));
    }
    // A checkpoint is not overwritten by accident.
    refused(place.run(&line("w.safetensors")), 3, &["w.checkpoint", "--resume"]);
    let other = format!("{} --resume --seed 9", line("w.safetensors"));
    refused(
        place.run(&other),
        3,
        &["w.checkpoint", "another training", "seed was 0, now it is 9"],
    );
    place.run(&format!("{} --resume", line("w.safetensors"))).success();
    let bytes = |name: &str| fs::read(place.path(name)).unwrap();
    assert!(bytes("w.safetensors") == bytes("whole.safetensors"));
    assert_eq!(log(&place, "w.csv"), log(&place, "whole.csv"));
    assert_eq!(log(&place, "w.csv").len(), 30);
    let left = names(&place.path(""));
    assert!(
        !left
            .iter()
            .any(|name| name.contains("checkpoint") || name.starts_with(".mnas")),
        "{left:?}"
    );
}

#[test]
fn ctrl_c_saves_everything_and_says_how_to_go_on() {
    let place = Workplace::new();
    place.edit("recipe.toml", "learning-rate = 1.0", "learning-rate = 0.1");
    let mut running = start(&place);
    running.wait_until("a checkpoint is written", || place.exists("w.checkpoint"));
    running.signal("INT");
    assert_eq!(running.exit_code(), Some(130));
    let said = place.read("stderr.txt");
    assert!(
        said.contains("interrupted in epoch") && said.contains("--resume"),
        "{said}"
    );
    let done = place.run(&format!("{} --resume", line("w.safetensors"))).success();
    assert!(stderr(&done).contains("resuming from w.checkpoint"));
    for name in ["w.safetensors", "w.csv", "w.svg", "w.png"] {
        assert!(place.exists(name), "{name}");
    }
}

#[test]
fn a_training_that_diverges_ends_with_a_reason() {
    let place = Workplace::new();
    place.edit("recipe.toml", "learning-rate = 1.0", "learning-rate = 1000");
    place.edit("recipe.toml", "weight-decay = 4e-5", "weight-decay = 1.0");
    let outcome = place.run(&line("w.safetensors"));
    refused(outcome, 1, &["the loss became", "a lower learning rate"]);
    assert!(!place.exists("w.safetensors"));
}

#[test]
fn recipes_are_refused_with_their_line() {
    let place = Workplace::new();
    place.edit("recipe.toml", "momentum = 0.9", "momentum = 0.9\nclip-norm = -1.0");
    refused(
        place.run(&line("w.safetensors")),
        3,
        &["recipe.toml, line 6", "clip-norm = -1", "leave it out"],
    );
    place.edit("recipe.toml", "clip-norm = -1.0", "clip-nrom = 1.0");
    refused(
        place.run(&line("w.safetensors")),
        3,
        &["recipe.toml, line 6", "clip-nrom"],
    );
}

#[test]
fn an_evaluation_tells_the_classes_apart() {
    let place = Workplace::new();
    place.edit("recipe.toml", "learning-rate = 1.0", "learning-rate = 0.1");
    place.run(&line("w.safetensors")).success();
    let eval = "eval --weights w.safetensors --data demo --images 60";
    let done = place.run(&format!("{eval} --json --confusion confusion.csv")).success();
    let document: serde_json::Value = serde_json::from_str(&stdout(&done)).unwrap();
    let classes = document["classes"].as_array().unwrap();
    assert_eq!(classes.len(), 10);
    let right: f64 = classes
        .iter()
        .map(|row| row["top1"].as_f64().unwrap() * row["images"].as_f64().unwrap())
        .sum();
    assert!((right / 60.0 - document["top1"].as_f64().unwrap()).abs() < 1e-9);
    let mut reader = csv::Reader::from_path(place.path("confusion.csv")).unwrap();
    let counted: u64 = reader
        .records()
        .flat_map(|row| {
            row.unwrap()
                .iter()
                .skip(1)
                .map(|count| count.parse::<u64>().unwrap())
                .collect::<Vec<_>>()
        })
        .sum();
    assert_eq!(counted, 60);
    let table = place.run(&format!("{eval} --per-class")).success();
    assert!(stdout(&table).contains("top-1"));
    place.write("map.toml", "nothing = 0\n");
    refused(
        place.run(&format!("{eval} --label-map map.toml")),
        3,
        &["is not among the network's 10", "--label-map"],
    );
}

#[test]
fn published_weights_reach_their_accuracy() {
    let (Some(images), Some(network), Some(weights)) = (
        real_data("imagenet-val-500.tar"),
        real_data("proxyless-w0.25-r112.json"),
        real_data("proxyless-w0.25-r112.safetensors"),
    ) else {
        return;
    };
    let place = Workplace::new();
    place.write(
        "map.toml",
        "n01440764 = 0\nn02102040 = 217\nn02979186 = 482\nn03000684 = 491\nn03028079 = 497\nn03394916 = 566\n\
         n03417042 = 569\nn03425413 = 571\nn03445777 = 574\nn03888257 = 701\n",
    );
    let done = place
        .run(&format!(
            "eval {} --resolution 112 --weights {} --data {} --split all --mean 0.5 --std 0.5 --label-map map.toml --json",
            network.display(),
            weights.display(),
            images.display()
        ))
        .success();
    let document: serde_json::Value = serde_json::from_str(&stdout(&done)).unwrap();
    assert_eq!(document["images"], 500);
    // Measured elsewhere: 44.6 %. One image more or less is rounding.
    let top1 = document["top1"].as_f64().unwrap();
    assert!((top1 - 44.6).abs() < 0.3, "{top1}");
}
