//! Output of `inspect`, `refs` and `space` for programs and for people.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Workplace, number, real_data, refused, stderr, stdout};

fn json(place: &Workplace, line: &str) -> Value {
    let text = stdout(&place.run(&format!("{line} --json")).success());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
}

fn csv_rows(place: &Workplace, line: &str) -> Vec<BTreeMap<String, String>> {
    let text = stdout(&place.run(&format!("{line} --csv")).success());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

fn sum(rows: &[Value], field: &str) -> u64 {
    rows.iter().map(|row| row[field].as_u64().unwrap()).sum()
}

#[test]
fn an_inspection_as_json_and_csv_says_the_same_exactly() {
    let place = Workplace::new();
    let line = "inspect mobilenet-v3-large --width 0.75 --resolution 160 --classes 10";
    let network = json(&place, line);
    for field in [
        "name",
        "id",
        "params",
        "macs",
        "resolution",
        "peak_activation_bytes",
        "layers",
    ] {
        assert!(!network[field].is_null(), "{field}: {network}");
    }
    let layers = network["layers"].as_array().unwrap();
    assert_eq!(sum(layers, "params"), network["params"]);
    assert_eq!(sum(layers, "macs"), network["macs"]);
    let peak = layers
        .iter()
        .map(|layer| layer["peak_activation_bytes"].as_u64().unwrap());
    assert_eq!(peak.max().unwrap(), network["peak_activation_bytes"]);
    let shares: f64 = layers
        .iter()
        .map(|layer| layer["macs_share_percent"].as_f64().unwrap())
        .sum();
    assert!((shares - 100.0).abs() < 1e-9, "{shares}");
    let rows = csv_rows(&place, line);
    assert_eq!(rows.len(), layers.len());
    for (row, layer) in rows.iter().zip(layers) {
        assert_eq!(row["name"], layer["name"].as_str().unwrap());
        assert_eq!(row["block"], layer["block"].as_str().unwrap());
        for field in ["params", "macs", "activation_bytes", "peak_activation_bytes"] {
            assert_eq!(row[field], layer[field].to_string(), "{field}");
        }
        for (side, field) in ["channels", "height_px", "width_px"].iter().enumerate() {
            assert_eq!(row[&format!("input_{field}")], layer["input"][side].to_string());
            assert_eq!(row[&format!("output_{field}")], layer["output"][side].to_string());
        }
        assert!((number(row, "macs_share_percent") - layer["macs_share_percent"].as_f64().unwrap()).abs() < 1e-12);
    }
}

#[test]
fn a_comparison_keeps_both_networks_whole() {
    let place = Workplace::new();
    let line = "inspect mobilenet-v2 --vs mobilenet-v3-small --resolution 192";
    let both = json(&place, line);
    let alone = json(&place, "inspect mobilenet-v2 --resolution 192");
    for (field, value) in alone.as_object().unwrap() {
        assert_eq!(&both[field], value, "{field}");
    }
    let other = json(&place, "inspect mobilenet-v3-small --resolution 192");
    assert_eq!(both["vs"], other);
    let ratio = other["macs"].as_f64().unwrap() / alone["macs"].as_f64().unwrap();
    assert!((both["ratios"]["macs"].as_f64().unwrap() - ratio).abs() < 1e-12);
    let rows = both["rows"].as_array().unwrap();
    let count = |field: &str| rows.iter().filter(|row| !row[field].is_null()).count();
    assert_eq!(count("layer"), alone["layers"].as_array().unwrap().len());
    assert_eq!(count("vs_layer"), other["layers"].as_array().unwrap().len());
    let csv = csv_rows(&place, line);
    assert_eq!(csv.len(), rows.len());
    let total: u64 = csv.iter().filter_map(|row| row["b_macs"].parse::<u64>().ok()).sum();
    assert_eq!(total, other["macs"]);
}

#[test]
fn the_second_network_of_a_comparison_can_be_varied_alone() {
    let place = Workplace::new();
    let text = "in32,conv_k3_s2_c16_nhs,ir_r2_k3_s2_e4_c24_se0.25_nre,head_o10";
    let both = json(&place, &format!("inspect mobilenet-v2 --width 0.5 --vs {text}"));
    assert_eq!(both["vs"]["architecture"], text);
    let both = json(
        &place,
        "inspect mobilenet-v2 --vs mobilenet-v2 --vs-width 0.35 --vs-resolution 96 --classes 10",
    );
    assert_eq!(both["name"], "MobileNetV2 1.0x 224");
    assert_eq!(both["vs"]["name"], "MobileNetV2 0.35x 96");
    refused(place.run("inspect mobilenet-v2 --vs-width 0.5"), 2, &["--vs"]);
    refused(
        place.run("inspect mobilenet-v2 --json --csv"),
        2,
        &["cannot be used with"],
    );
    refused(
        place.run("inspect mobilenet-v2 --vs mobilenet-v9"),
        3,
        &["`mobilenet-v9`"],
    );
}

#[test]
fn references_come_with_everything_that_was_published() {
    let place = Workplace::new();
    let all = json(&place, "refs");
    let all = all.as_array().unwrap();
    let names: Vec<&str> = all.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.len() > 30, "{names:?}");
    let v2 = &all[names.iter().position(|name| *name == "mobilenet-v2").unwrap()];
    assert_eq!(
        (v2["params"].as_u64(), v2["macs"].as_u64()),
        (Some(3_504_872), Some(300_774_272))
    );
    assert_eq!(v2["imagenet_top1"], 71.8);
    assert_eq!(v2["latencies"][0]["latency_ms"], 73.8);
    let points: usize = all
        .iter()
        .map(|row| row["published"].as_array().unwrap().len().max(1))
        .sum();
    let rows = csv_rows(&place, "refs");
    assert_eq!(rows.len(), points);
    for row in &rows {
        // The figures of a source are rounded, and some count differently; a wrong unit would be detected.
        if let Ok(published) = row["published_params_millions"].parse::<f64>() {
            let ratio = published * 1e6 / number(row, "params");
            assert!((0.5..2.0).contains(&ratio), "{row:?}");
        }
        assert!(
            row["top1_percent"].is_empty() || (20.0..100.0).contains(&number(row, "top1_percent")),
            "{row:?}"
        );
        assert_eq!(row["latency_ms"].is_empty(), row["device"].is_empty(), "{row:?}");
    }
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let place = Workplace::new();
    let mut command = place.mnas("refs --csv");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn references_are_found_by_a_part_of_their_name() {
    let place = Workplace::new();
    let names = |line: &str| -> Vec<String> {
        let rows = json(&place, line);
        let names = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned());
        names.collect()
    };
    assert_eq!(names("refs mobilenet-v3-large"), ["mobilenet-v3-large"]);
    assert_eq!(
        names("refs MobileNetV3-Large"),
        ["mobilenet-v3-large", "mobilenet-v3-large-minimalistic"]
    );
    assert!(stdout(&place.run("refs mobilenet-v2").success()).contains("[1] "));
    refused(place.run("refs resnet"), 3, &["`resnet`", "`mnas refs` lists all"]);
}

#[test]
fn spaces_are_listed_and_described() {
    let place = Workplace::new();
    let list = json(&place, "space");
    for space in list.as_array().unwrap() {
        let name = space["name"].as_str().unwrap();
        let described = json(&place, &format!("space {name}"));
        assert_eq!(described["size"], space["size"], "{name}");
        // The references that a search compares with are in the space.
        for compared in described["compared_with"].as_array().unwrap() {
            let contained = described["references"].as_array().unwrap();
            assert!(
                contained.iter().any(|row| &row["name"] == compared),
                "{name}: {compared}"
            );
        }
    }
    let described = json(&place, "space nas-bench-macro");
    assert_eq!(described["size"], "6561");
    let choices = &described["families"][0]["stages"][1]["choices"];
    assert_eq!(choices[0], serde_json::json!({ "block": "id" }));
    let expected = serde_json::json!({ "block": "ir", "kernel": 5, "expansion": 6, "activation": "relu" });
    assert_eq!(choices[2], expected);
    let tiny = json(&place, "space tiny");
    assert_eq!(tiny["constraints"]["max_params"], 1_048_576);
    assert_eq!(tiny["constraints"]["max_macs"], Value::Null);
    let own = stdout(&place.run("space space.toml").success());
    assert!(
        own.contains("family small") && own.contains("a search compares with mobilenet-v3-small"),
        "{own}"
    );
}

#[test]
fn all_forms_of_the_mobilenets_are_in_the_default_space() {
    let place = Workplace::new();
    let described = json(&place, "space mobilenet");
    for reference in [
        "mobilenet-v1",
        "mobilenet-v2",
        "mobilenet-v3-large",
        "mobilenet-v3-small",
    ] {
        let rows = described["references"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == reference).unwrap();
        assert_eq!(
            row["looked_for"],
            row["contained"].as_array().unwrap().len(),
            "{reference}"
        );
    }
}

#[test]
fn drawn_networks_are_in_their_space_and_follow_from_the_seed() {
    let place = Workplace::new();
    let drawn = |seed: u32| stdout(&place.run(&format!("space tiny --sample 3 --seed {seed}")).success());
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
    for line in drawn(1).lines() {
        let network = json(&place, &format!("inspect {line} --classes 1"));
        assert!(network["params"].as_u64().unwrap() <= 1_048_576, "{line}");
        assert!(
            network["peak_activation_bytes"].as_u64().unwrap() <= 1_310_720,
            "{line}"
        );
    }
}

/// A network in the form of `ProxylessNAS`, its resolution left out.
const NETWORK_JSON: &str = r#"{
  "name": "ProxylessNASNets",
  "first_conv": { "name": "ConvLayer", "kernel_size": 3, "stride": 2, "in_channels": 3, "out_channels": 8, "act_func": "relu6" },
  "blocks": [
    { "mobile_inverted_conv": { "name": "MBInvertedConvLayer", "in_channels": 8, "out_channels": 16, "kernel_size": 5,
      "stride": 2, "expand_ratio": 3 }, "shortcut": null }
  ],
  "feature_mix_layer": null,
  "classifier": { "name": "LinearLayer", "in_features": 16, "out_features": 10, "bias": true }
}"#;

#[test]
fn a_network_is_read_from_json() {
    let place = Workplace::new();
    place.write("net.json", NETWORK_JSON);
    let network = json(&place, "inspect net.json --resolution 32");
    assert_eq!(network["name"], "net.json");
    let architecture = network["architecture"].as_str().unwrap();
    assert!(
        architecture.starts_with("in32") && architecture.ends_with("head_o10"),
        "{architecture}"
    );
    let unsized_network = refused(
        place.run("inspect net.json"),
        2,
        &["net.json does not state the resolution", "add --resolution"],
    );
    assert!(!stderr(&unsized_network).contains("line 1"));
    place.edit("net.json", "\"name\": \"ProxylessNASNets\"", "\"resolution\": 48");
    assert_eq!(json(&place, "inspect net.json")["resolution"], 48);
    place.edit("net.json", "\"out_channels\": 8", "\"out_channels\": \"eight\"");
    refused(place.run("inspect net.json"), 3, &["net.json, line 3", "expected u32"]);
}

#[test]
fn a_published_json_is_the_reference_of_its_name() {
    let Some(file) = real_data("proxyless-w0.25-r112.json") else {
        return;
    };
    let place = Workplace::new();
    let line = format!("inspect {} --resolution 112 --vs proxyless-w0.25-r112", file.display());
    let both = json(&place, &format!("{line} --vs-resolution 112"));
    assert_eq!(both["id"], both["vs"]["id"]);
    assert!(both["rows"].as_array().unwrap().iter().all(|row| row["same"] == true));
}

#[test]
fn the_space_around_a_network_contains_it() {
    let place = Workplace::new();
    place
        .run("space --around mobilenet-v2 --resolution 160 --out around.toml")
        .success();
    let described = json(&place, "space around.toml");
    let contained = described["references"].as_array().unwrap();
    assert!(
        contained.iter().any(|row| row["name"] == "mobilenet-v2"),
        "{contained:?}"
    );
    let printed = stdout(&place.run("space --around mobilenet-v2 --resolution 160").success());
    let written = std::fs::read_to_string(place.path("around.toml")).unwrap();
    assert_eq!(printed.trim_end(), written.trim_end());
    let own = "in32,conv_k3_s2_c16_nre,ir_r3_k5_s2_e6_c24_nre,head_o4";
    assert!(stdout(&place.run(&format!("space --around {own}")).success()).contains("max-params"));
    refused(
        place.run("space mobilenet --width 0.5"),
        2,
        &["--width is the form of the network of --around"],
    );
    refused(
        place.run("space --around nothing"),
        3,
        &["`nothing` is not an architecture"],
    );
}
