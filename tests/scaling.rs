//! `mnas scale` through the command: sizes under a budget, compound scaling, and what has no answer.

use serde_json::Value;

use crate::support::{Workplace, names, refused, stdout};

fn json(place: &Workplace, line: &str) -> Value {
    let text = stdout(&place.run(&format!("{line} --json")).success());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
}

#[test]
fn the_best_size_keeps_the_budget_and_no_other_is_predicted_better() {
    let place = Workplace::new();
    let line = "scale mobilenet-v2 --budget 40ms --device pixel1 --depths 0.5,1 --out scaled";
    let scaled = json(&place, line);
    let rows = scaled["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 10 * 8 * 2);
    for row in rows {
        for field in ["width", "resolution", "depth", "latency_ms", "params", "macs"] {
            assert!(row[field].is_number(), "{field}: {row}");
        }
        let is_over = row["latency_ms"].as_f64().unwrap() > 40.0;
        assert_eq!(row["within_budget"], !is_over, "{row}");
        assert!(!is_over || row["accuracy"].is_null(), "{row}");
    }
    let accuracy = |row: &Value| row["accuracy"].as_f64();
    let best = rows.iter().filter_map(accuracy).reduce(f64::max);
    assert_eq!(accuracy(&scaled["best"]), best);
    assert_eq!(scaled["accuracy_kind"], "predicted ImageNet top-1");
    assert_eq!(
        names(&place.path("scaled")),
        ["best", "scale.csv", "scale.png", "scale.svg"]
    );
    assert_eq!(place.read("scaled/scale.csv").lines().count(), rows.len() + 1);
    // The network as given is one of the sizes, with the reference's own counts.
    let own = rows
        .iter()
        .find(|row| row["width"] == 1.0 && row["depth"] == 1.0 && row["resolution"] == 224)
        .unwrap();
    assert_eq!(
        (own["params"].as_u64(), own["macs"].as_u64()),
        (Some(3_504_872), Some(300_774_272))
    );
    let text = stdout(&place.run(line).success());
    for wanted in [
        "predicted top-1",
        "nothing was trained",
        "best: width",
        "as given: predicted",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn compound_scaling_stands_beside_the_published_constants() {
    let place = Workplace::new();
    let fitted = json(&place, "scale efficientnet-b0 --compound --out compound");
    let base = |name: &str, field: &str| fitted[name][field].as_f64().unwrap();
    let product = base("best", "alpha") * base("best", "beta").powi(2) * base("best", "gamma").powi(2);
    assert!((product - 2.0).abs() < 1e-9, "{fitted}");
    assert_eq!(
        (
            base("published", "alpha"),
            base("published", "beta"),
            base("published", "gamma")
        ),
        (1.2, 1.1, 1.15)
    );
    let family = fitted["published_family"].as_array().unwrap();
    let steps: Vec<&str> = family.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(steps, ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"]);
    // B7 is far larger than every network that was fitted: a reason in place of a number, or a number, never both.
    for row in family {
        assert_ne!(row["accuracy"].is_null(), row["refused"].is_null(), "{row}");
    }
    assert_eq!(
        names(&place.path("compound")),
        ["compound.csv", "compound.png", "compound.svg"]
    );
    let text = stdout(&place.run("scale efficientnet-b0 --compound --out compound").success());
    assert!(
        text.contains("predicted points per doubling") && text.contains("nothing was trained"),
        "{text}"
    );
}

#[test]
fn scalings_without_an_answer_are_refused() {
    let place = Workplace::new();
    let scale = "scale mobilenet-v2 --device pixel1";
    refused(
        place.run(&format!("{scale} --budget 0.1ms")),
        4,
        &["no scaling is within", "the nearest is", "width 0.25"],
    );
    refused(
        place.run(&format!("{scale} --budget 40ms --resolutions 32")),
        3,
        &["input's side", "outside of", "96 pixels and more"],
    );
    refused(
        place.run(&format!("{scale} --budget 40ms --widths 40")),
        3,
        &["width multiplier 40"],
    );
    refused(
        place.run("scale mobilenet-v9 --budget 40ms --device pixel1"),
        3,
        &["mobilenet-v9", "nearest references"],
    );
    refused(place.run(scale), 2, &["--budget"]);
    refused(
        place.run(&format!("{scale} --budget 40ms --train --data photos")),
        2,
        &["cannot train scaled networks yet", "leave out --train"],
    );
    refused(
        place.run(&format!("{scale} --budget 40ms --rule widths")),
        2,
        &["no scaling rule is called `widths`"],
    );
    let plain = "in224,conv_k3_s2_c16_nre,conv_k3_s2_c32_nre,head_o1000";
    refused(
        place.run(&format!("scale {plain} --compound")),
        3,
        &["no depth to scale", "leave out --compound"],
    );
    refused(
        place.run("scale efficientnet-b0 --resolution 32 --compound"),
        3,
        &["none of 1 scaled networks has an accuracy", "input's side"],
    );
    refused(
        place.run("scale mobilenet-v2 --budget 40ms --tables tables"),
        5,
        &["no latency table"],
    );
}
