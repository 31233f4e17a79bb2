//! Rankings by signals: `mnas proxy-report`, and searches by a score.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Workplace, names, number, refused, stdout};

/// Writes `truth.csv`: networks of the space whose accuracies grow with their strings' length, so that some signals agree.
fn write_truth(place: &Workplace, networks: usize) {
    let line = format!("space space.toml --sample {networks} --seed 5 --json");
    let drawn: Vec<String> = serde_json::from_str(&stdout(&place.run(&line).success())).unwrap();
    let mut text = "architecture,accuracy\n".to_owned();
    for (at, network) in drawn.iter().enumerate() {
        let accuracy = 40.0 + network.len() as f64 / 4.0 + (at % 7) as f64;
        writeln!(text, "\"{network}\",{accuracy}").unwrap();
    }
    place.write("truth.csv", text);
}

const REPORT: &str = "proxy-report --space space.toml --truth table:truth.csv";

#[test]
fn a_report_has_a_row_for_every_ranking_and_names_the_best() {
    let place = Workplace::new();
    write_truth(&place, 90);
    let line = format!("{REPORT} --data demo --networks 40 --seed 3");
    let report = |flags: &str| -> Value {
        let text = stdout(&place.run(&format!("{line} --json {flags}")).success());
        serde_json::from_str(&text).unwrap()
    };
    let found = report("--workers 2 -o report");
    assert_eq!(found["networks"], 40);
    let rows = found["rows"].as_array().unwrap();
    let name = |row: &Value| row["name"].as_str().unwrap().to_owned();
    let row_names: Vec<String> = rows.iter().map(name).collect();
    for expected in [
        "macs",
        "params",
        "naswot",
        "entropy",
        "naswot+entropy+depth",
        "gp-20",
        "gp-signals-20",
    ] {
        assert!(
            row_names.iter().any(|name| name == expected),
            "{expected}: {row_names:?}"
        );
    }
    for row in rows {
        for field in ["tau", "tau_better_half", "tau_top_tenth"] {
            assert!(
                row[field].as_f64().is_none_or(|tau| (-1.0..=1.0).contains(&tau)),
                "{field}: {row}"
            );
        }
        assert!(row["cpu_minutes"].as_f64().unwrap() >= 0.0, "{row}");
    }
    // 50 labels leave nothing of 40 networks to judge by.
    assert!(!row_names.iter().any(|name| name == "gp-50"));
    let best = found["best"].as_str().unwrap();
    let free: Vec<&Value> = rows.iter().filter(|row| row["labels"] == 0).collect();
    let tau = |row: &Value| row["tau"].as_f64().unwrap_or(-1.0);
    let greatest = free.iter().map(|row| tau(row)).fold(-1.0, f64::max);
    assert_eq!(
        free.iter().find(|row| name(row) == best).map(|row| tau(row)),
        Some(greatest)
    );

    assert_eq!(
        names(&place.path("report")),
        [
            "correlations.csv",
            "correlations.png",
            "correlations.svg",
            "signals.csv"
        ]
    );
    assert_eq!(place.read("report/correlations.csv").lines().count(), rows.len() + 1);
    assert_eq!(place.read("report/signals.csv").lines().count(), 41);
    // Everything but the cost follows from the seed.
    let without_cost = |report: &Value| -> Vec<Value> {
        let mut rows = report["rows"].as_array().unwrap().clone();
        for row in &mut rows {
            row["cpu_minutes"] = Value::Null;
        }
        rows
    };
    assert_eq!(without_cost(&report("--workers 1")), without_cost(&found));
}

#[test]
fn without_images_the_signals_that_need_them_are_left_out() {
    let place = Workplace::new();
    write_truth(&place, 40);
    let run = place.run(&format!("{REPORT} --networks 12 --workers 1")).success();
    let run = refused(run, 0, &["naswot is left out", "--data"]);
    let table = stdout(&run);
    assert!(table.contains("entropy") && !table.contains("naswot"), "{table}");
    assert!(table.contains("--evaluator proxy:"), "{table}");
    let free = stdout(
        &place
            .run(&format!("{REPORT} --networks 12 --signals free,macs"))
            .success(),
    );
    assert!(free.contains("free") && !free.contains("entropy"), "{free}");
}

#[test]
fn reports_that_are_impossible_say_why() {
    let place = Workplace::new();
    write_truth(&place, 40);
    for (flags, code, texts) in [
        (
            "--signals naswto",
            2,
            vec!["`naswto` is not a signal", "macs, params, depth, naswot, entropy"],
        ),
        (
            "--signals naswot+depth",
            2,
            vec!["naswot+depth needs images", "--data PATH"],
        ),
        (
            "--space nas-bench-macro",
            3,
            vec!["none of the", "belongs to the space `nas-bench-macro`"],
        ),
        (
            "--truth nowhere",
            2,
            vec!["nowhere", "table:FILE or the folder of a study"],
        ),
        ("--truth table:nowhere.csv", 3, vec!["nowhere.csv"]),
        ("--truth .", 3, vec!["holds no study"]),
        ("--data nowhere", 3, vec!["nowhere"]),
    ] {
        let mut words: Vec<&str> = REPORT.split_whitespace().collect();
        let given: Vec<&str> = flags.split_whitespace().collect();
        if let Some(at) = words.iter().position(|word| *word == given[0]) {
            words[at + 1] = given[1];
        } else {
            words.extend(given);
        }
        refused(place.run(&words.join(" ")), code, &texts);
    }
    let without_space = place.run("proxy-report --truth table:truth.csv");
    refused(without_space, 2, &["name the search space", "--space"]);
    let hasty = place.run(&format!("{REPORT} --signals entropy --workers 1 --time 1ms"));
    refused(
        hasty,
        2,
        &["--time 1ms is too short", "entropy of", "--networks", "--signals free"],
    );
}

const SEARCH: &str = "search --budget 0.07ms --device fake --space space.toml --trials 10 --workers 2 --profile-time 60s \
     --tables tables --seed 4";

#[test]
fn a_search_by_a_score_reports_scores_and_no_accuracies() {
    let place = Workplace::new();
    let run = place
        .run(&format!(
            "{SEARCH} --evaluator proxy:naswot+entropy+depth --data demo --out study"
        ))
        .success();
    let table = stdout(&run);
    assert!(table.contains("score") && !table.contains('%'), "{table}");
    assert!(table.contains("are not accuracies"), "{table}");
    let rows = place.rows("study/trials.csv");
    assert_eq!(rows.len(), 10);
    for row in &rows {
        assert_eq!(row["top1"], "");
        assert!((0.0..=100.0).contains(&number(row, "score")), "{row:?}");
    }
    let svg = place.read("study/front.svg");
    assert!(svg.contains("score by naswot+entropy+depth") && !svg.contains("accuracy (%)"));

    // Neither the number of workers nor a continuation changes a score.
    let again = format!("{SEARCH} --evaluator proxy:naswot+entropy+depth --data demo --out other");
    // A table of its own: the measurements of a first search would change the predictions of a second one.
    let again = again.replace("--tables tables", "--tables other-tables");
    place.run(&again.replace("--workers 2", "--workers 1")).success();
    let resumed = place
        .run("search --resume --out other --trials 12 --tables other-tables --json")
        .success();
    let document: Value = serde_json::from_str(&stdout(&resumed)).unwrap();
    assert!(
        document["best"]["accuracy"].is_null() && document["best"]["score"].is_number(),
        "{document}"
    );
    let scores = |file: &str| -> Vec<String> { place.rows(file).iter().map(|row| row["score"].clone()).collect() };
    assert_eq!(scores("other/trials.csv")[..10], scores("study/trials.csv"));
    // Scores are not accepted as accuracies.
    let report = place.run("proxy-report --truth study --signals free");
    refused(report, 3, &["study", "scores in place of accuracies"]);
}

#[test]
fn searches_by_a_score_that_are_impossible_say_why() {
    let place = Workplace::new();
    for (flags, texts) in [
        ("--evaluator proxy:zen", vec!["`zen` is not a signal", "naswot"]),
        (
            "--evaluator proxy:naswot",
            vec!["proxy:naswot needs images", "--data PATH"],
        ),
        (
            "--evaluator proxy:entropy --epochs 3",
            vec!["--epochs is for trainings"],
        ),
        (
            "--evaluator proxies",
            vec!["`proxies` is not an evaluator", "proxy:NAME"],
        ),
    ] {
        refused(place.run(&format!("{SEARCH} --out study {flags}")), 2, &texts);
    }
    let without_bound = place.run("search --evaluator proxy:entropy --space space.toml --out study");
    refused(without_bound, 2, &["no budget is given"]);
    assert!(!place.exists("study"));
}
