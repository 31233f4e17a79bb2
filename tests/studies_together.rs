//! Warm starts from other studies, and comparisons of studies.

use std::fs;

use mnas_space::{ArchitectureId, SearchSpace};
use serde_json::Value;

use crate::support::{Workplace, contains_all, refused, stderr, stdout};

/// Writes `NAME.csv`: networks of the test's space, each with an accuracy that follows from its size.
fn write_table(place: &Workplace, name: &str, add: f64) {
    let space = SearchSpace::from_toml(&place.read("space.toml")).unwrap();
    let mut rng = mnas_space::random::stream(0, "table", 0, 0);
    let mut known: Vec<ArchitectureId> = Vec::new();
    let mut lines = vec!["architecture,accuracy\n".to_owned()];
    for _ in 0..4000 {
        let network = space.express(&space.sample(&mut rng), 2);
        if !known.contains(&network.id()) {
            known.push(network.id());
            let accuracy = add + 10.0 * (network.cost().macs as f64).log10();
            lines.push(format!("\"{network}\",{accuracy}\n"));
        }
    }
    place.write(&format!("{name}.csv"), lines.concat());
}

/// A search of the table without a device; flags replace those of the line.
fn search(place: &Workplace, flags: &str) -> assert_cmd::assert::Assert {
    let mut words = vec!["search --evaluator table:table.csv", flags];
    for default in ["--space space.toml", "--strategy random"] {
        let flag = default.split_whitespace().next().unwrap_or_default();
        if !flags.contains(flag) {
            words.push(default);
        }
    }
    place.run(&words.join(" "))
}

/// Values of a column of a study's trials.
fn column(place: &Workplace, study: &str, name: &str) -> Vec<String> {
    let rows = place.rows(&format!("{study}/trials.csv"));
    rows.into_iter().map(|row| row[name].clone()).collect()
}

#[test]
fn a_study_begins_with_the_results_of_others_and_needs_their_folders_no_more() {
    let place = Workplace::new();
    write_table(&place, "table", 0.0);
    search(&place, "--trials 8 --seed 1 --out one").success();
    search(&place, "--trials 8 --seed 2 --out two").success();
    let flags = "--trials 6 --seed 3 --max-macs 400k --warm-start one --warm-start two --out warm --strategy model";
    let done = search(&place, flags).success();
    assert!(stderr(&done).contains("results of one"), "{}", stderr(&done));
    let ids = column(&place, "warm", "id");
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), ids.len(), "a network was tried twice");
    let imported = ids.len() - 6;
    assert!(imported > 2 && imported < 16, "{imported}");
    let others = [column(&place, "one", "id"), column(&place, "two", "id")].concat();
    assert!(ids[..imported].iter().all(|id| others.contains(id)));
    assert!(ids[imported..].iter().all(|id| !others[..imported].contains(id)));
    // Networks over the new limit are left out.
    let macs = column(&place, "warm", "macs");
    assert!(
        macs.iter().all(|macs| macs.parse::<f64>().unwrap() <= 400_000.0),
        "{macs:?}"
    );
    let config = place.read("warm/study.toml");
    assert!(
        config.contains("[[warm-start]]\nstudy = \"one\"\ntrials = "),
        "{config}"
    );

    // A study that is resumed after the other studies were removed equals an uninterrupted one.
    let whole = flags
        .replace("--trials 6", "--trials 12")
        .replace("--out warm", "--out whole");
    search(&place, &whole).success();
    fs::remove_dir_all(place.path("one")).unwrap();
    fs::remove_dir_all(place.path("two")).unwrap();
    place.run("search --resume --out warm --trials 12").success();
    assert_eq!(column(&place, "warm", "id"), column(&place, "whole", "id"));
    refused(
        place.run("search --resume --out warm --warm-start three"),
        3,
        &["--warm-start three (the study has one, two)"],
    );
}

#[test]
fn studies_that_cannot_be_begun_with_are_refused_with_file_reason_and_remedy() {
    let place = Workplace::new();
    write_table(&place, "table", 0.0);
    write_table(&place, "other", 1.0);
    search(&place, "--trials 4 --out one").success();
    let warm = |flags: &str| search(&place, &format!("--trials 4 {flags}"));
    refused(
        warm("--warm-start none --out two"),
        3,
        &["none holds no study", "give the folder of a study"],
    );
    place.write(
        "wide.toml",
        place
            .read("space.toml")
            .replace("width = [0.5, 1.0, 1.5]", "width = [0.5, 1.0, 2.0]"),
    );
    refused(
        warm("--warm-start one --space wide.toml --out two"),
        3,
        &[
            "one/space.toml",
            "another version of space `tiny`",
            "--space one/space.toml",
        ],
    );
    refused(
        place.run("search --evaluator table:other.csv --space space.toml --trials 4 --warm-start one --out two"),
        3,
        &[
            "one/trials.jsonl",
            "the table of this study holds",
            "search the same table",
        ],
    );
    place.write("one/trials.jsonl", "{}\n{}\n");
    refused(warm("--warm-start one --out two"), 3, &["one/trials.jsonl"]);
    assert!(!place.exists("two"));
    refused(
        warm("--warm-start one --out one"),
        3,
        &["one is the folder of the new study itself", "--resume"],
    );
}

#[test]
fn studies_are_compared_in_figures_tables_and_json() {
    let place = Workplace::new();
    write_table(&place, "table", 0.0);
    search(&place, "--trials 10 --out a/random").success();
    search(&place, "--trials 10 --strategy model --out a/model").success();
    let shown = place.run("compare a/random a/model --out together").success();
    let table = stdout(&shown);
    contains_all(
        &table,
        &[
            "random",
            "model",
            "best top-1",
            "hypervolume",
            "reference point: accuracy",
        ],
    );
    for file in [
        "fronts.svg",
        "fronts.png",
        "trials.svg",
        "time.png",
        "course.csv",
        "fronts.csv",
    ] {
        assert!(place.exists(&format!("together/{file}")), "{file}");
    }
    let course = place.read("together/course.csv");
    assert!(course.starts_with("study,strategy,seed,trials,seconds,best_top1,hypervolume_percent\n"));
    assert_eq!(course.lines().count(), 21);
    let document: Value =
        serde_json::from_str(&stdout(&place.run("compare a/random a/model --json").success())).unwrap();
    assert_eq!(document["objectives"], serde_json::json!(["accuracy", "macs"]));
    assert_eq!(document["studies"][1]["strategy"], "model");
    assert_eq!(document["studies"][1]["trials"], 10);
    assert!(document["studies"][0]["hypervolume_percent"].as_f64().unwrap() > 0.0);
    assert!(document["reference_point"].as_array().unwrap().len() == 2);

    search(
        &place,
        "--trials 4 --objective accuracy --objective params --out params",
    )
    .success();
    refused(
        place.run("compare a/random params"),
        3,
        &[
            "objectives differ (`accuracy, macs` and `accuracy, params`)",
            "compare studies with the same objectives",
        ],
    );
    refused(place.run("compare a/random none"), 3, &["none holds no study"]);
    refused(place.run("compare a/random a/random"), 2, &["given twice"]);
    refused(place.run("compare"), 2, &["STUDY"]);
}

#[test]
fn a_search_without_a_strategy_is_guided_by_a_model() {
    let place = Workplace::new();
    write_table(&place, "table", 0.0);
    place
        .run("search --evaluator table:table.csv --space space.toml --trials 5 --out study")
        .success();
    assert!(place.read("study/study.toml").contains("[strategy.model]"));
}
