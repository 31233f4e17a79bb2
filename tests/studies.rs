//! Searches over recorded tables, several constraints, workers of several commands, and resumed studies.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Workplace, number, real_data, refused, stderr, stdout};

/// A CSV table of networks of the test's space with the results of a search of it.
fn recorded(place: &Workplace) {
    place.search("--trials 12 --strategy random --out recorded").success();
    let mut reader = csv::Reader::from_path(place.path("recorded/trials.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let mut writer = csv::Writer::from_path(place.path("table.csv")).unwrap();
    writer.write_record(["architecture", "accuracy"]).unwrap();
    for row in reader.records().map(Result::unwrap) {
        writer
            .write_record([&row[column("architecture")], &row[column("top1")]])
            .unwrap();
    }
    writer.flush().unwrap();
}

/// NAS-Bench-Macro's table, where the data sets are.
fn macro_table() -> Option<PathBuf> {
    real_data("nas-bench-macro.json")
}

#[test]
fn a_recorded_table_is_searched_without_images_and_without_a_device() {
    let Some(table) = macro_table() else { return };
    let place = Workplace::new();
    let line = format!(
        "search --evaluator table:{} --trials 60 --strategy evolution --seed 1 --out study --json",
        table.display()
    );
    let done = place.run(&line).success();
    let document: Value = serde_json::from_str(&stdout(&done)).unwrap();
    let best = document["best"]["accuracy"].as_f64().unwrap();
    assert!(best > 91.0, "{best}");
    assert!(document["front"].as_array().unwrap().len() > 3);
    assert_eq!(document["trials"].as_u64(), Some(60));
    for file in ["trials.csv", "front.csv", "front.svg", "best/architecture.toml"] {
        assert!(place.exists(&format!("study/{file}")), "{file}");
    }
    assert!(!place.exists("study/best/model.onnx"));
    // The same search, interrupted and resumed.
    let line = line
        .replace("--trials 60", "--trials 25")
        .replace("--out study", "--out parts");
    place.run(&line).success();
    let line = line
        .replace("--trials 25", "--trials 60")
        .replace("--strategy evolution ", "");
    place.run(&format!("{line} --resume")).success();
    assert_eq!(place.rows("parts/trials.csv").len(), 60);
}

#[test]
fn networks_that_a_table_lacks_fail_with_its_name() {
    let place = Workplace::new();
    recorded(&place);
    let line = "search --evaluator table:table.csv --space space.toml --device fake --budget 0.07ms --tables tables --strategy evolution --trials 30 --out study";
    let done = place.run(line).success();
    let rows = place.rows("study/trials.csv");
    let count = |status: &str| rows.iter().filter(|row| row["status"] == status).count();
    assert!(count("complete") > 0 && count("failed") > 0);
    assert!(stderr(&done).contains("table.csv lacks this network"));
    for row in rows.iter().filter(|row| row["status"] == "complete") {
        assert!(number(row, "latency_predicted_ms") <= 0.07, "{row:?}");
    }
}

#[test]
fn unusable_tables_and_flags_that_do_not_fit_one_are_refused() {
    let place = Workplace::new();
    place.write("table.csv", "architecture,top\n");
    let search = |flags: &str| place.run(&format!("search --evaluator table:table.csv --out study {flags}"));
    refused(
        search("--space tiny"),
        3,
        &["table.csv, line 1", "no column `accuracy`"],
    );
    refused(search("--space tiny --epochs 3"), 2, &["--epochs is for trainings"]);
    place.write(
        "table.csv",
        "architecture,accuracy\n\"in16,conv_k3_c8_nre,head_o2\",50\n",
    );
    refused(search(""), 2, &["--space"]);
    refused(
        search("--space tiny"),
        3,
        &["table.csv", "none of 1000 networks", "--space"],
    );
    refused(
        place.run("search --evaluator oracle"),
        2,
        &["`oracle` is not an evaluator", "table:FILE"],
    );
    refused(
        place.run("search --evaluator table:none.csv --space tiny"),
        3,
        &["none.csv: cannot be read"],
    );
    assert!(!place.exists("study"));
}

#[test]
fn a_resumed_study_refuses_choices_that_contradict_it() {
    let place = Workplace::new();
    place.search("--trials 2 --seed 1").success();
    let before = place.read("study/trials.jsonl");
    let resume = |flags: &str| place.run(&format!("search --resume --out study --tables tables {flags}"));
    refused(
        resume("--strategy random --seed 99 --epochs 7 --device host"),
        3,
        &[
            "contradict the study in study",
            "--seed 99 (the study has 1)",
            "--strategy random (the study has model)",
            "--epochs 7 (the study has 3)",
            "--device host (the study has fake)",
            "without --resume",
        ],
    );
    for (flag, text) in [
        ("--budget 9ms", "--budget 9ms (the study has 0.07ms)"),
        ("--images 61", "--images 61 (the study has 60)"),
        ("--lookahead 2", "--lookahead 2 (the study has 4)"),
        ("--max-params 4M", "--max-params 4000000 (the study has none)"),
        ("--proxy-scale 0.5", "--proxy-scale 0.5 (the study has 1)"),
        ("--space mobilenet", "--space mobilenet (the study has tiny)"),
        ("--profile-time 3m", "--profile-time"),
        ("--references 1", "--references 1 (the study has 0)"),
        (
            "--evaluator table:a.csv",
            "--evaluator table:a.csv (the study has train)",
        ),
    ] {
        refused(resume(flag), 3, &[text]);
    }
    assert_eq!(place.read("study/trials.jsonl"), before);
    // Choices that agree with the study are accepted.
    resume("--seed 1 --device fake --budget 0.07ms --epochs 3 --workers 1").success();
}

#[test]
fn several_constraints_and_several_devices_hold_at_once() {
    let place = Workplace::new();
    place.write("slow.toml", "name = \"slow\"\nruntime = \"fake\"\nthreads = 2\n");
    let line =
        "--trials 5 --device fake --budget 0.07ms --device slow.toml --budget 0.2ms --max-params 20k --max-macs 600k";
    place.search(line).success();
    for row in place.rows("study/trials.csv") {
        assert!(
            number(&row, "params") <= 20_000.0 && number(&row, "macs") <= 600_000.0,
            "{row:?}"
        );
        assert!(number(&row, "latency_predicted_ms") <= 0.07, "{row:?}");
    }
    assert!(place.exists("study/latency/1/device.toml"));
    let impossible = place.search("--trials 2 --max-params 10 --out other");
    refused(
        impossible,
        4,
        &["the limit on params of 10", "the least in the space is"],
    );
    let pair = place.search("--trials 2 --budget 1ms --budget 2ms --out other");
    refused(pair, 2, &["2 budgets are given for 1 device"]);
    assert!(!place.exists("other"));
}

/// Networks that are either small and slow, or large and fast.
const TWO_KINDS: &str = include_str!("spaces/two-kinds.toml");

#[test]
fn contradicting_constraints_are_named_with_what_can_be_reached() {
    let place = Workplace::new();
    place.write("space.toml", TWO_KINDS);
    let search = |limits: &str| {
        place.run(&format!(
            "search --space space.toml --recipe recipe.toml --data demo --images 20 --proxy-scale 1 --workers 1 --references 0 \
             --trials 1 --out study {limits}"
        ))
    };
    let refusal = refused(
        search("--max-params 2k --max-macs 600k"),
        4,
        &[
            "no network of space either was found that keeps both the limit on params of 2 k and the limit on macs of 600 k",
            "raise one of the two",
            "the limit on params raised to",
            "the limit on macs raised to",
        ],
    );
    assert!(!place.exists("study"));
    // What is called reachable is.
    let said = stderr(&refusal);
    let (_, after) = said.split_once("the limit on macs raised to ").unwrap();
    let macs: f64 = after.split_whitespace().next().unwrap().parse().unwrap();
    search(&format!("--max-params 2k --max-macs {}k", (1000.0 * macs).ceil() + 1.0)).success();
}

#[test]
fn a_budget_needs_its_device() {
    let place = Workplace::new();
    for (flags, texts) in [
        (
            "--budget 1ms --budget 2ms",
            ["2 budgets are given and no device", "--budget 60ms --device pixel1"],
        ),
        (
            "--device fake --budget 1ms --budget 2ms",
            ["2 budgets are given for 1 device", "one --device for each --budget"],
        ),
        (
            "--device fake --device host --budget 1ms",
            ["2 devices have 1 budgets", "one --budget for each --device"],
        ),
        (
            "--device fake --budget 1ms --objective accuracy --objective latency:pixel9",
            ["latency:pixel9", "is not a metric"],
        ),
    ] {
        let line = format!("search --space space.toml --recipe recipe.toml --data demo --out study {flags}");
        let refusal = place.run(&line);
        let code = refusal.get_output().status.code();
        assert!(matches!(code, Some(2 | 3)), "{flags}: {code:?}");
        refused(refusal, code.unwrap_or_default(), &texts);
    }
    assert!(!place.exists("study"));
}

#[test]
fn two_studies_do_not_share_a_folder() {
    let place = Workplace::new();
    place.search("--trials 1").success();
    let before = place.read("study/trials.jsonl");
    refused(
        place.search("--trials 1 --seed 7"),
        3,
        &["study holds a study already", "--resume", "--out"],
    );
    assert_eq!(place.read("study/trials.jsonl"), before);
}

#[test]
fn workers_of_several_commands_train_one_study_and_a_dead_host_costs_nothing() {
    let (plain, place) = (Workplace::new(), Workplace::new());
    plain.search("--trials 4 --seed 2").success();
    let mnas = env!("CARGO_BIN_EXE_mnas");
    place.write(
        "search.toml",
        format!(
            "threads-per-worker = 1\n[[worker]]\ncommand = \"sh -c 'exit 255'\"\n[[worker]]\ncommand = \"{mnas} worker\"\ncount = 2\n"
        ),
    );
    let flags = "--trials 4 --seed 2";
    // Without --workers, which would replace those of the file.
    let line = crate::support::search_line(flags).replace("--workers 2 ", "");
    let refusal = place.run(&line);
    let said = stderr(&refusal);
    refusal.success();
    assert!(said.contains("255") && said.contains("was lost"), "{said}");
    assert_eq!(place.rows("study/trials.csv"), plain.rows("study/trials.csv"));
    let journal = fs::read_to_string(place.path("study/trials.jsonl")).unwrap();
    assert!(journal.contains("[[worker]]") || place.read("study/study.toml").contains("[[worker]]"));
    let missing = Workplace::new();
    let lost = missing.search("--trials 2 --worker-command ./no-such-program");
    refused(lost, 1, &["no-such-program", "--worker-command"]);
    assert!(!missing.exists("study"));
}

#[test]
fn the_journal_tells_when_by_whom_and_how_trials_were_trained() {
    let place = Workplace::new();
    place.search("--trials 2").success();
    let lines: Vec<Value> = place
        .read("study/trials.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["version"].as_u64(), Some(2));
    assert!(lines[1]["event"]["session"]["command"].as_array().unwrap().len() > 5);
    let finished: Vec<&Value> = lines
        .iter()
        .filter(|line| !line["event"]["finished"].is_null())
        .collect();
    assert_eq!(finished.len(), 2);
    for line in finished {
        let event = &line["event"]["finished"];
        assert!(line["at"].as_u64() > Some(1_700_000_000_000));
        assert!(event["worker"].as_str().unwrap().starts_with("local/"));
        assert_eq!(
            event["result"]["training"]["epochs"].as_array().unwrap().len(),
            3,
            "{event}"
        );
    }
}
