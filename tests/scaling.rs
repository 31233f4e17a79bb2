//! `mnas scale` through the command: sizes under a budget, compound scaling, and what has no answer.

use serde_json::Value;

use crate::support::{Workplace, names, refused, stderr, stdout};

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

const OWN: &str = "in16,conv_k3_s2_c8_nr6,ir_r2_k3_s2_e2_c16_nr6,head_o10";

fn training() -> String {
    format!("scale {OWN} --train --data demo --images 60 --recipe recipe.toml --threads 1")
}

#[test]
fn trained_sizes_are_the_largest_within_the_budget_and_are_kept() {
    let place = Workplace::new();
    place.edit("recipe.toml", "learning-rate = 1.0", "learning-rate = 0.1");
    place
        .run("profile --device fake --space space.toml --tables tables --time 60s")
        .success();
    let line = format!(
        "{} --budget 0.07ms --device fake --tables tables --widths 0.5,1,2 --resolutions 16,24 --out scaled",
        training()
    );
    let scaled = json(&place, &line);
    assert_eq!(scaled["accuracy_kind"], "validation top-1");
    assert!(
        scaled["accuracy_origin"].as_str().unwrap().contains("recipe tiny"),
        "{scaled}"
    );
    let rows = scaled["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6);
    let number = |row: &Value, field: &str| row[field].as_f64().unwrap();
    let within: Vec<&Value> = rows.iter().filter(|row| row["within_budget"] == true).collect();
    for row in &within {
        let is_exceeded = within.iter().any(|other| {
            let sizes = ["width", "resolution"].map(|size| (number(other, size), number(row, size)));
            sizes.iter().all(|(other, own)| other >= own) && sizes.iter().any(|(other, own)| other > own)
        });
        let is_own = (number(row, "width") - 1.0).abs() < 1e-9 && (number(row, "resolution") - 16.0).abs() < 1e-9;
        assert_eq!(row["accuracy"].is_number(), !is_exceeded || is_own, "{row}");
    }
    let trained = rows.iter().filter(|row| row["accuracy"].is_number()).count();
    assert_eq!(place.read("scaled/trainings.jsonl").lines().count(), trained + 1);
    // The same command again trains nothing and ends with the same numbers; one of another seed is refused.
    let again = place.run(&format!("{line} --json")).success();
    assert!(
        stderr(&again).contains(&format!("{trained} of them trained before")),
        "{}",
        stderr(&again)
    );
    assert_eq!(serde_json::from_str::<Value>(&stdout(&again)).unwrap(), scaled);
    refused(
        place.run(&format!("{line} --seed 9")),
        3,
        &[
            "trainings.jsonl",
            "another recipe, seed or other images",
            "another --out",
        ],
    );
    let text = stdout(&place.run(&line).success());
    for wanted in [
        "validation top-1",
        "as given: trained",
        "best: width",
        "epochs of recipe tiny",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn bases_of_compound_scaling_are_fitted_to_trainings() {
    let place = Workplace::new();
    place.edit("recipe.toml", "learning-rate = 1.0", "learning-rate = 0.1");
    place.edit("recipe.toml", "epochs = 3", "epochs = 1");
    let fitted = json(&place, &format!("{} --compound --out compound", training()));
    let base = |field: &str| fitted["best"][field].as_f64().unwrap();
    assert!((base("alpha") * base("beta").powi(2) * base("gamma").powi(2) - 2.0).abs() < 1e-9);
    let family = fitted["family"].as_array().unwrap();
    // The network itself and its first doubling were trained; far larger members of the family were not.
    assert!(
        family[0]["accuracy"].is_number() && family[1]["accuracy"].is_number(),
        "{fitted}"
    );
    assert_eq!(family[5]["refused"], "not trained");
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
        place.run(&format!("{scale} --budget 40ms --data photos")),
        2,
        &["--data is read by trainings only", "add --train"],
    );
    refused(
        place.run(&format!("{scale} --budget 40ms --train --data photos")),
        3,
        &["photos"],
    );
    refused(place.run(&format!("{scale} --budget 40ms --epochs 2")), 2, &["--train"]);
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
