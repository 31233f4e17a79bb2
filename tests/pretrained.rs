//! Searches from a pretrained network: its fine-tuning, candidates that inherit, and what a user would do by hand beside them.

use std::collections::BTreeMap;

use crate::support::{Workplace, real_data, recipe, refused, stderr};

const PARENT: &str = "in24,conv_k3_s2_c16_nr6,ir_r2_k3_s2_e3_c24_nr6,ir_r2_k3_s2_e3_c32_nr6,head_o10";

const SEARCH: &str = "search --pretrained parent.safetensors --data demo --images 60 --device fake --budget 0.07ms --recipe recipe.toml \
     --final-recipe final.toml --final-images 60 --trials 4 --references 1 --finalists 1 --seed 5 --workers 2 --profile-time 60s \
     --tables tables --config search.toml --out";

/// A folder with the weights of a small network.
fn workplace() -> Workplace {
    let place = Workplace::new();
    place.write("final.toml", recipe("final", 4));
    let train =
        format!("train {PARENT} --data demo --images 60 --recipe final.toml --threads 1 --output parent.safetensors");
    place.run(&train).success();
    place
}

fn names(rows: &[BTreeMap<String, String>]) -> Vec<&str> {
    rows.iter().map(|row| row["name"].as_str()).collect()
}

#[test]
fn candidates_inherit_from_the_fine_tuned_parent() {
    let place = workplace();
    let done = place.run(&format!("{SEARCH} study")).success();
    let told = stderr(&done);
    assert!(told.contains("it took 100.0 % of its parameters from"), "{told}");
    assert!(place.exists("study/parent/weights.safetensors") && place.exists("study/parent/weights.svg"));
    let journal = place.read("study/trials.jsonl");
    let inherited = journal.lines().filter(|line| line.contains("\"inherited\":")).count();
    let rows = place.rows("study/trials.csv");
    // Every trial and every final training tells what it inherited.
    assert!(inherited > rows.len(), "{inherited} of {}", rows.len());
    let found = names(&rows);
    assert!(
        found[..2] == ["Parent, lower resolution 1.0x 16", "Parent, narrowed 0.5x 24"],
        "{found:?}"
    );
    let space = place.read("study/space.toml");
    assert!(space.contains("name = \"around parent\""), "{space}");

    // The same again with a table of its own, and resumed after half of its journal is lost.
    let again = SEARCH.replace("--tables tables", "--tables other-tables");
    place.run(&format!("{again} again")).success();
    assert_eq!(place.rows("again/trials.csv"), rows);
    assert_eq!(place.rows("again/finalists.csv"), place.rows("study/finalists.csv"));
    let kept: Vec<&str> = journal.lines().take(journal.lines().count() / 2).collect();
    place.write("again/trials.jsonl", kept.join("\n") + "\n");
    place.resume("again").success();
    assert_eq!(place.rows("again/trials.csv"), rows);
    let other = place.run("search --resume --out again --tables tables --pretrained study/parent/weights.safetensors");
    refused(other, 3, &["--pretrained", "the study has"]);
}

#[test]
fn a_dry_run_trains_nothing() {
    let place = workplace();
    place.run(&format!("{SEARCH} study --dry-run")).success();
    assert!(!place.exists("study/parent/weights.safetensors"));
}

#[test]
fn parents_that_do_not_fit_are_refused() {
    let place = workplace();
    let search = |flags: &str| place.run(&format!("{SEARCH} study {flags}"));
    refused(
        search("--parent mobilenet-v2"),
        3,
        &["parent.safetensors", "architecture"],
    );
    refused(
        search("--space space.toml"),
        3,
        &["does not contain the pretrained network", "--space"],
    );
    refused(
        search("--evaluator proxy:naswot"),
        2,
        &["--pretrained", "another source of accuracies"],
    );
    refused(search("--warm-start other"), 2, &["--warm-start", "another parent"]);
    place.write("broken.safetensors", "no weights");
    let broken = SEARCH.replace("parent.safetensors", "broken.safetensors");
    refused(place.run(&format!("{broken} study")), 3, &["broken.safetensors"]);
    let without = SEARCH.replace("--pretrained parent.safetensors", "--parent mobilenet-v2");
    refused(place.run(&format!("{without} study")), 2, &["--parent", "--pretrained"]);
    assert!(!place.exists("study/study.toml"));
}

#[test]
fn weights_of_the_world_need_the_name_of_their_network() {
    let Some(weights) = real_data("pretrained/mobilenet_v2-1.0-224.safetensors") else {
        return;
    };
    let place = Workplace::new();
    let search = |flags: &str| {
        let line = format!(
            "search --pretrained {} --data demo --images 60 --device fake --budget 5ms --profile-time 60s --tables tables --workers 1 \
             --threads-per-worker 1 --dry-run --out study {flags}",
            weights.display()
        );
        place.run(&line)
    };
    refused(search(""), 2, &["architecture"]);
    search("--parent mobilenet-v2 --parent-resolution 64").success();
}
