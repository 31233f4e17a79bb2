//! Predicted ImageNet accuracies through the command: one network, the front of a space, the fit.

use serde_json::Value;

use crate::support::{Workplace, contains_all, names, real_data, refused, stdout};

fn json(place: &Workplace, line: &str) -> Value {
    let text = stdout(&place.run(&format!("{line} --json")).success());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
}

/// A small search of predictions on a phone known from published figures.
const SEARCH: &str = "search --evaluator imagenet --device pixel1 --budget 20ms --trials 20000 --out front";

#[test]
fn an_inspection_predicts_within_the_fitted_range_and_says_why_not_outside() {
    let place = Workplace::new();
    let imagenet = &json(&place, "inspect mobilenet-v3-large")["imagenet"];
    let number = |field: &str| imagenet[field].as_f64().unwrap();
    // Published: 75.2 %.
    assert!((number("predicted_top1") - 75.2).abs() < 1.5, "{imagenet}");
    assert!(number("low") < number("predicted_top1") && number("predicted_top1") < number("high"));
    let text = stdout(&place.run("inspect mobilenet-v3-large").success());
    assert!(text.contains("predicted ImageNet top-1 (90 % interval"), "{text}");

    let small = &json(&place, "inspect mobilenet-v3-large --resolution 32")["imagenet"];
    for field in ["predicted_top1", "low", "high"] {
        assert!(small[field].is_null(), "{small}");
    }
    assert!(small["refused"].as_str().unwrap().contains("input's side"), "{small}");
    let text = stdout(&place.run("inspect mobilenet-v3-large --resolution 32").success());
    assert!(text.contains("no predicted ImageNet top-1"), "{text}");
    refused(
        place.run("inspect mobilenet-v9"),
        3,
        &["mobilenet-v9", "nearest references"],
    );
}

#[test]
fn a_search_of_predictions_writes_its_front_beside_the_published_networks() {
    let place = Workplace::new();
    let found = json(&place, SEARCH);
    assert_eq!(found["trials"], 20_000);
    let front = found["front"].as_array().unwrap();
    assert_eq!(front.last(), Some(&found["best"]));
    for network in front {
        assert!(network["latency_ms"].as_f64().unwrap() <= 20.0, "{network}");
        assert!(network["distance"].as_f64().unwrap() <= 1.25, "{network}");
        assert_eq!(network["accuracy_kind"], "predicted ImageNet top-1");
    }
    let references = found["references"].as_array().unwrap();
    let small = references
        .iter()
        .find(|reference| reference["name"] == "MobileNetV3-Small 1.0x 224")
        .unwrap();
    assert_eq!(small["published_top1"], 67.5);
    for field in ["dominated", "points", "ms"] {
        assert!(!small[field].is_null(), "{small}");
    }
    assert_eq!(
        names(&place.path("front")),
        ["best", "front.csv", "front.png", "front.svg", "references.csv"]
    );
    let csv = place.read("front/front.csv");
    assert_eq!(csv.lines().count(), front.len() + 1);
    assert!(
        csv.starts_with("id,predicted_top1,predicted_low,predicted_high,distance,latency_ms"),
        "{csv}"
    );
    let svg = place.read("front/front.svg");
    contains_all(
        &svg,
        &[
            "predicted front",
            "MobileNetV3-Small",
            "budget 20.0 ms",
            "ImageNet top-1, predicted or published",
        ],
    );
    // The best network is a file that every other command takes.
    let best = json(&place, "inspect front/best/architecture.toml");
    assert_eq!(best["id"], found["best"]["id"]);
    // Equal seeds give equal fronts.
    let again = json(&place, SEARCH);
    assert_eq!(again["front"], found["front"]);
}

#[test]
fn a_search_of_predictions_names_what_its_numbers_are() {
    let place = Workplace::new();
    let text = stdout(&place.run(SEARCH).success());
    for wanted in [
        "predicted, nothing was trained",
        "predicted top-1",
        "90 % interval",
        "distance",
        "Once-for-all published 71.4 % at 20 ms",
        "MobileNetV3-Large 1.0x 224",
        "plainer recipe",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn impossible_searches_of_predictions_are_refused() {
    let place = Workplace::new();
    let search = "search --evaluator imagenet --device pixel1 --trials 1000";
    refused(
        place.run(&format!("{search} --budget 0.01ms")),
        4,
        &["no network of space mobilenet meets the budget", "raise the budget"],
    );
    refused(
        place.run(&format!("{search} --budget 20ms --space space.toml")),
        3,
        &["input's side", "choose another --space"],
    );
    refused(
        place.run(&format!("{search} --budget 20ms --strategy random --epochs 3")),
        2,
        &["--epochs, --strategy mean nothing with --evaluator imagenet"],
    );
    refused(
        place.run(&format!("{search} --budget 20ms --resume")),
        2,
        &["--resume means nothing"],
    );
    refused(
        place.run("search --evaluator imagenets --budget 20ms"),
        2,
        &["imagenet (predicted accuracies)"],
    );
    place.write("front/study.toml", "");
    refused(
        place.run(&format!("{search} --budget 20ms --out front")),
        3,
        &["holds a study of trained networks"],
    );
    let dry = stdout(
        &place
            .run(&format!("{search} --budget 20ms --dry-run --out dry"))
            .success(),
    );
    assert!(
        dry.contains("would evaluate 1,000 candidates") && !place.exists("dry"),
        "{dry}"
    );
}

#[test]
fn unusable_tables_of_accel_nasbench_are_refused() {
    let place = Workplace::new();
    refused(
        place.run("imagenet fit missing.csv"),
        3,
        &["missing.csv", "Accel-NASBench"],
    );
    place.write(
        "few.csv",
        "arch,top1\ne6k5l2|e4k3l3se|e4k5l3|e4k3l2|e4k5l3se|e4k3l2|e1k3l3,61.5\n",
    );
    refused(place.run("imagenet check few.csv"), 3, &["few.csv has 1 networks"]);
    place.edit("few.csv", "e1k3l3", "e1k3");
    refused(place.run("imagenet check few.csv"), 3, &["few.csv, line 2", "`e1k3`"]);
}

#[test]
fn the_fit_gives_the_committed_coefficients_and_its_errors_are_as_documented() {
    let Some(accel) = real_data("accel-nasbench.csv") else {
        return;
    };
    let place = Workplace::new();
    let accel = accel.display();
    place
        .run(&format!("imagenet fit {accel} --out fitted/predictor.toml"))
        .success();
    assert_eq!(
        place.read("fitted/predictor.toml"),
        include_str!("../configs/imagenet/predictor.toml")
    );
    let errors = json(&place, &format!("imagenet check {accel}"));
    let number = |row: &Value, field: &str| row[field].as_f64().unwrap();
    assert!(
        number(&errors["all"], "mean_error") <= 1.0 && number(&errors["all"], "tau") >= 0.9,
        "{errors}"
    );
    assert!((0.85..=0.95).contains(&number(&errors["all"], "inside")), "{errors}");
    assert!(number(&errors["accel"], "tau") >= 0.92 && number(&errors["accel"], "mean_error") <= 0.35);
    for family in errors["families"].as_array().unwrap().iter().take(2) {
        assert!(number(family, "mean_error") <= 1.5, "{family}");
    }
    let text = stdout(&place.run(&format!("imagenet check {accel}")).success());
    assert!(text.contains("tau of MAdds") && text.contains("surrogate"), "{text}");
}

#[test]
fn the_first_command_shows_the_predicted_front_before_its_demo() {
    let place = Workplace::new();
    let line = "search --budget 3ms --device pixel1 --trials 2 --images 60 --epochs 1 --references 0 --workers 1 \
                --threads-per-worker 1 --out study";
    let text = stdout(&place.run(line).success());
    let at = |wanted: &str| text.find(wanted).unwrap_or_else(|| panic!("{wanted}: {text}"));
    let order = [
        "Predicted ImageNet front of space mobilenet on pixel1 under 3.00 ms",
        "MobileNetV3-Small 1.0x 224",
        "The training demo follows",
        "accuracies mean nothing beyond the demo",
        " rank ",
        "best under 3.00 ms",
    ];
    assert!(order.map(at).is_sorted(), "{text}");
    for file in [
        "overview.svg",
        "overview.png",
        "predicted/front.csv",
        "predicted/references.csv",
    ] {
        assert!(place.exists(&format!("study/{file}")), "{file}");
    }
    let svg = place.read("study/overview.svg");
    for wanted in [
        "predicted, nothing trained",
        "study demo-3ms: trained networks",
        "synthetic demo images",
    ] {
        assert!(svg.contains(wanted), "{wanted}");
    }
    // Candidates like the published networks have a prediction, others an empty field.
    for row in place.rows("study/trials.csv") {
        let network = json(&place, &format!("inspect {}", row["architecture"]));
        let predicted = network["imagenet"]["predicted_top1"].as_f64();
        let stated = row["imagenet_top1_predicted"].parse::<f64>().ok();
        assert_eq!(stated, predicted.map(|top1| (top1 * 100.0).round() / 100.0), "{row:?}");
    }
}
