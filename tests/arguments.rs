//! Mistakes on the command line and in configuration files, budgets and folders.

use crate::support::{Workplace, names, number, refused, stderr, stdout};

/// Asserts that the folder holds nothing new.
fn is_untouched(place: &Workplace) {
    for name in names(&place.path("")) {
        assert!(
            ["recipe.toml", "search.toml", "space.toml", "tables"].contains(&name.as_str()),
            "{name} is left behind"
        );
    }
}

#[test]
fn a_budget_has_to_be_given_with_its_unit() {
    let place = Workplace::new();
    refused(place.run("search"), 2, &["no budget is given", "--budget 20ms"]);
    refused(place.run("search --budget 20"), 2, &["`20` has no unit", "write 20ms"]);
    let mut command = place.mnas("search --budget");
    command.arg("20 mss");
    let slip = assert_cmd::Command::from_std(command).assert();
    refused(slip, 2, &["unknown unit `mss`", "expected us, ms or s"]);
    refused(place.run("search --budget=-3ms"), 2, &["`-3ms` is negative"]);
    is_untouched(&place);
}

#[test]
fn slips_in_a_configuration_file_are_shown_in_their_place() {
    for (text, line, problem) in [
        (
            "seed = 1\nbudget = \"20 mss\"\n",
            "line 2, column 10",
            "unknown unit `mss`",
        ),
        (
            "budget = 20\n",
            "line 1, column 10",
            "with its unit in quotes, such as \"20ms\"",
        ),
        (
            "budget = \"20ms\"\nbugdet = 3\n",
            "line 2, column 1",
            "unknown field `bugdet`",
        ),
        (
            "budget = \"20ms\"\ntrials = \"many\"\n",
            "line 2, column 10",
            "expected usize",
        ),
        (
            "budget = \"20ms\"\n[[worker]]\ncommand = \"mnas worker\"\ncuont = 3\n",
            "line 4, column 1",
            "unknown field `cuont`",
        ),
        ("budget = \"20ms\n", "line 1", "string"),
    ] {
        let place = Workplace::new();
        place.write("search.toml", text);
        let slip = place.run("search --config search.toml --device fake --tables tables --out study");
        refused(slip, 3, &["search.toml", line, problem]);
        is_untouched(&place);
    }
    let place = Workplace::new();
    refused(
        place.search("--config nowhere.toml"),
        3,
        &["nowhere.toml: cannot be read"],
    );
}

#[test]
fn slips_in_spaces_recipes_and_devices_are_shown_in_their_place() {
    let place = Workplace::new();
    place.edit("space.toml", "kernel = 3", "kernal = 3");
    refused(
        place.search("--trials 2"),
        3,
        &["space.toml, line 10", "unknown field `kernal`"],
    );
    let place = Workplace::new();
    place.edit("recipe.toml", "momentum = 0.9", "momentum = 1.9");
    refused(
        place.search("--trials 2"),
        3,
        &["recipe.toml", "momentum = 1.9", "0 to 0.9999"],
    );
    place.edit("recipe.toml", "momentum = 1.9", "momentum = \"much\"");
    refused(
        place.search("--trials 2"),
        3,
        &["recipe.toml, line 5, column 12", "expected f64"],
    );
    let place = Workplace::new();
    refused(
        place.search("--trials 2 --recipe nothing"),
        3,
        &["no recipe is called `nothing`", "quick"],
    );
    refused(
        place.search("--trials 2 --space nothing"),
        3,
        &["no search space is called `nothing`", "mobilenet"],
    );
    refused(
        place.search("--trials 2 --device nothing"),
        3,
        &["no device `nothing`", "host"],
    );
    place.write("device.toml", "name = \"mine\"\nruntime = \"fake\"\nthreds = 1\n");
    refused(
        place.search("--trials 2 --device device.toml"),
        3,
        &["device.toml, line 3", "threds"],
    );
    let place = Workplace::new();
    refused(place.search("--trials 0"), 3, &["trials = 0", "at least 1"]);
    refused(
        place.search("--trials 2 --proxy-scale 9"),
        3,
        &["proxy.resolution-scale = 9", "0.01 to 4"],
    );
    is_untouched(&place);
}

#[test]
fn an_impossible_budget_is_refused_before_any_training() {
    let place = Workplace::new();
    let refusal = refused(
        place.search("--budget 1us"),
        4,
        &["budget of 0.001 ms", "the fastest one takes 0.0", " ms"],
    );
    let said = stderr(&refusal);
    let (_, after) = said
        .split_once("the fastest network is ")
        .unwrap_or_else(|| panic!("{said}"));
    let named = after.split_whitespace().next().unwrap();
    assert!(!said.contains("[1/"), "{said}");
    is_untouched(&place);
    // The named network is the fastest: a budget of its latency can be met.
    let (_, takes) = said.split_once("the fastest one takes ").unwrap();
    let fastest: f64 = takes.split_whitespace().next().unwrap().parse().unwrap();
    place
        .search(&format!("--trials 1 --budget {:.4}ms", fastest + 0.0005))
        .success();
    assert!(number(&place.rows("study/trials.csv")[0], "latency_predicted_ms") > fastest - 0.0005);
    let found = stdout(
        &place
            .run(&format!("latency {named} --device fake --tables tables --json"))
            .success(),
    );
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert!(
        (found["predicted_ms"].as_f64().unwrap() - fastest).abs() < 0.05 * fastest,
        "{found}"
    );
}

#[test]
fn folders_that_hold_something_are_left_alone() {
    let place = Workplace::new();
    place.write("mine/notes.txt", "mine");
    refused(
        place.search("--out mine"),
        3,
        &["mine is not empty and holds no study", "--out"],
    );
    assert_eq!(names(&place.path("mine")), ["notes.txt"]);
    refused(
        place.run("search --resume --out mine"),
        3,
        &["mine holds no study", "no study.toml"],
    );
    refused(
        place.run("search --resume --out nowhere"),
        3,
        &["nowhere holds no study"],
    );
    refused(place.run("plot mine"), 3, &["mine holds no study"]);
    place.search("--out file/inside --trials 1").success();
    place.write("file2", "a file");
    refused(
        place.search("--out file2/inside --trials 1"),
        1,
        &["file2/inside: cannot be written"],
    );
    assert!(!place.exists("nowhere"));
}

#[test]
fn the_parts_of_a_study_that_are_fixed_cannot_be_changed_later() {
    let place = Workplace::new();
    place.search("--trials 2").success();
    let change = place.run("search --resume --out study --budget 3ms --tables tables");
    refused(
        change,
        3,
        &[
            "--budget 3ms (the study has 0.07ms)",
            "start another one without --resume",
        ],
    );
    place.edit("study/study.toml", "seed = 0", "sede = 0");
    refused(
        place.run("plot study"),
        3,
        &["study/study.toml, line 3", "unknown field `sede`"],
    );
}

#[test]
fn architectures_are_refused_at_the_column() {
    let place = Workplace::new();
    refused(
        place.run("inspect mobilenet-v9"),
        3,
        &["`mobilenet-v9`", "mobilenet-v1, mobilenet-v2", "mnas refs"],
    );
    refused(
        place.run("inspect in24,conv_k3_s2_c8_nr6,ir_k3_s2_e3_cx_nr6,head_o10"),
        3,
        &["line 1, column 36"],
    );
    refused(
        place.run("inspect in24,conv_k4_s2_c8_nr6,head_o10"),
        3,
        &["column 11", "k4"],
    );
    refused(place.run("inspect in24,conv_k3_s2_c8_nr6"), 3, &["head"]);
    refused(place.run("inspect nowhere.toml"), 3, &["nowhere.toml: cannot be read"]);
    refused(place.run("inspect mobilenet-v2 --resolution 0"), 3, &["resolution 0"]);
    refused(
        place.run("inspect mobilenet-v2 --width=-1"),
        3,
        &["width multiplier -1", "0.05 to 8"],
    );
    place.write("mine.toml", "resolution = 24\nclases = 10\n");
    refused(
        place.run("inspect mine.toml"),
        3,
        &["mine.toml, line 2, column 1", "clases"],
    );
}

#[test]
fn a_soft_budget_weighs_what_a_hard_one_refuses() {
    let place = Workplace::new();
    // No network of the space is that fast.
    let flags = "--budget 0.01ms --trials 5 --seed 3 --references 1";
    refused(place.search(flags), 4, &["no network of space tiny meets the budget"]);
    let done = place
        .search(&format!("{flags} --soft-budget -0.07 --strategy evolution --json"))
        .success();
    let rows = place.rows("study/trials.csv");
    assert_eq!(rows.len(), 6);
    let weighed = |row: &std::collections::BTreeMap<String, String>| {
        let measured = row["latency_measured_ms"].parse::<f64>().ok();
        let latency = measured.unwrap_or_else(|| number(row, "latency_predicted_ms"));
        number(row, "top1") * (latency / 0.01).powf(-0.07)
    };
    for row in &rows {
        assert!((number(row, "reward") - weighed(row)).abs() < 1e-9, "{row:?}");
    }
    let document: serde_json::Value = serde_json::from_str(&stdout(&done)).unwrap();
    let most = rows.iter().map(weighed).fold(0.0, f64::max);
    let best = rows
        .iter()
        .find(|row| document["best"]["id"].as_str() == Some(row["id"].as_str()));
    assert!((weighed(best.unwrap()) - most).abs() < 1e-9);
    assert!(
        place
            .read("study/study.toml")
            .contains("[reward]\nwithin = -0.07\nover = -0.07")
    );
    refused(
        place.run("search --resume --out study --soft-budget 0,-1"),
        3,
        &["--soft-budget 0,-1 (the study has -0.07)"],
    );
}

#[test]
fn what_contradicts_a_soft_budget_is_named() {
    let place = Workplace::new();
    refused(
        place.run("search --soft-budget -0.07 --max-params 4M"),
        2,
        &["--soft-budget weighs a budget, and none is given", "--budget 20ms"],
    );
    refused(
        place.search("--soft-budget -0.07 --strategy nsga2"),
        2,
        &["--strategy nsga2 for a front", "leave one of the two out"],
    );
    refused(
        place.search("--soft-budget 0.07"),
        2,
        &["`0.07` is no exponent below 0", "such as -0.07"],
    );
    refused(
        place.run("search --evaluator imagenet --budget 20ms --device pixel1 --soft-budget -0.07"),
        2,
        &["--soft-budget"],
    );
}
