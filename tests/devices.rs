//! Devices other than the built-in ones, and tables that are measured again.

use std::fs;

use crate::support::{Workplace, contains_all, refused, stderr, stdout};

const PROFILE: &str = "profile --space space.toml --classes 10 --tables tables --time 60s --device";
const NETWORK: &str = "in24,conv_k3_s2_c8_nr6,ir_k3_s2_e2_c16_nr6,ir_k3_s2_e2_c24_nhs,head_o10";

fn profiled() -> Workplace {
    let place = Workplace::new();
    place.run(&format!("{PROFILE} fake")).success();
    place
}

fn json(place: &Workplace, line: &str) -> serde_json::Value {
    serde_json::from_slice(&place.run(line).get_output().stdout).unwrap()
}

/// Key and median of every row of a table.
fn medians(place: &Workplace, table: &str) -> Vec<(String, String)> {
    let text = place.read(&format!("{table}/table.csv"));
    let row = |line: &str| {
        let mut fields = line.split(',').map(str::to_owned);
        (fields.next().unwrap(), fields.next().unwrap())
    };
    let mut rows: Vec<(String, String)> = text.lines().skip(1).map(row).collect();
    rows.sort();
    rows
}

#[test]
fn a_profile_says_what_it_will_do_and_what_it_did() {
    let place = Workplace::new();
    let first = place.run(&format!("{PROFILE} fake")).success();
    let (said, result) = (stderr(&first), stdout(&first));
    assert!(said.contains("distinct layers, 0 measured already; about"), "{said}");
    contains_all(&result, &["100.00 %", "whole networks in", "drift: the machine ran at"]);
    let again = place.run(&format!("{PROFILE} fake --json")).success();
    assert!(
        stderr(&again).contains("nothing is left to measure"),
        "{}",
        stderr(&again)
    );
    let document: serde_json::Value = serde_json::from_str(&stdout(&again)).unwrap();
    assert_eq!(document["run"]["layers"], 0, "{document}");
    assert_eq!(document["coverage"], 1.0, "{document}");
}

#[test]
fn a_recorded_table_is_a_device() {
    let place = profiled();
    fs::rename(place.path("tables/fake"), place.path("recorded")).unwrap();
    place.write(
        "devices/mine.toml",
        "name = \"mine\"\nruntime = \"replay\"\ntable = \"../recorded\"\n",
    );
    place.run(&format!("{PROFILE} devices/mine.toml")).success();
    assert_eq!(medians(&place, "tables/mine"), medians(&place, "recorded"));
    // A network that was not recorded is not measured but predicted.
    let line = format!("latency {NETWORK} --device devices/mine.toml --tables tables --json");
    assert!(json(&place, &line)["coverage"].as_f64().unwrap() >= 1.0);
    let line = line
        .replace("k3_s2_e2", "k7_s2_e4")
        .replace("--json", "--missing measure --json");
    assert!(json(&place, &line)["coverage"].as_f64().unwrap() < 1.0);

    place.write(
        "none.toml",
        "name = \"none\"\nruntime = \"replay\"\ntable = \"nowhere\"\n",
    );
    let texts = ["`none` answers from a recorded table", "nowhere holds none"];
    refused(place.run(&format!("{PROFILE} ./none.toml")), 3, &texts);
    place.edit("recorded/table.csv", "median_ms", "median_us");
    let texts = ["recorded/table.csv, line 1", "median_us"];
    refused(place.run(&format!("{PROFILE} devices/mine.toml")), 3, &texts);
}

#[test]
fn the_bundled_recording_answers_where_it_lies() {
    let texts = ["results/imagenette/latency/0 holds none", "the device's file"];
    refused(Workplace::new().run(&format!("{PROFILE} replay")), 3, &texts);
}

#[test]
fn a_table_that_holds_is_told_from_one_that_does_not() {
    let place = Workplace::new();
    let check = "profile --check --device fake --tables tables";
    refused(place.run(check), 5, &["tables/fake holds no latency table"]);
    place.run(&format!("{PROFILE} fake")).success();
    let before = place.read("tables/fake/table.csv");
    let text = stdout(&place.run(check).success());
    assert!(
        text.contains("the table of fake from") && text.contains("holds: "),
        "{text}"
    );
    let document = json(&place, &format!("{check} --json"));
    assert_eq!(document["holds"], true, "{document}");
    assert_eq!(document["checked"], document["agreeing"], "{document}");
    assert_eq!(place.read("tables/fake/table.csv"), before, "a check changes nothing");

    // A table of a machine that was half as fast.
    let slower = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let time = |field: &&str| {
            field
                .parse::<f64>()
                .map_or((*field).to_owned(), |ms| format!("{:.6}", 2.0 * ms))
        };
        let times = fields[1..4].iter().map(time).collect::<Vec<_>>().join(",");
        format!("{},{times},{}\n", fields[0], fields[4..].join(","))
    };
    place.write("tables/fake/table.csv", before.lines().map(slower).collect::<String>());
    let texts = [
        "the table in tables/fake does not hold on this machine today",
        "move tables/fake away and run `mnas profile --device fake`",
    ];
    refused(place.run(check), 5, &texts);
    let document = json(&place, &format!("{check} --json"));
    assert_eq!(document["holds"], false, "{document}");
    assert!(document["median_ratio"].as_f64().unwrap() < 0.6, "{document}");
}

#[test]
fn a_device_that_cannot_be_reached_is_named() {
    let place = Workplace::new();
    let board = |command: &str, texts: &[&str]| {
        let text = format!("name = \"board\"\nruntime = \"onnxruntime\"\ncommand = \"{command}\"\ntimeout = \"1s\"\n");
        place.write("board.toml", text);
        refused(place.run(&format!("{PROFILE} ./board.toml")), 1, texts);
    };
    board(
        "no-such-program mnas-agent",
        &["cannot start mnas-agent with `no-such-program mnas-agent`"],
    );
    board(
        "sh -c 'echo No route to host >&2; exit 255'",
        &[
            "exit status: 255",
            "its last line: `No route to host`",
            "run the command by hand",
        ],
    );
    board("yes", &["writes lines that are not mnas-agent's: `y`"]);
    board("sleep 30", &["sent nothing within 1s", "allow more time"]);
    assert!(!place.exists("tables"));
    refused(
        place.run(&format!("{PROFILE} ssh:-v")),
        3,
        &["device `ssh:-v`", "ssh:user@host"],
    );
    refused(
        place.run(&format!("{PROFILE} toaster")),
        3,
        &["no device `toaster`", "host-2t"],
    );
}

#[test]
fn a_runtime_that_is_not_here_is_named() {
    let place = Workplace::new();
    if !cfg!(feature = "tract") {
        let texts = ["runtime tract", "--features tract"];
        refused(place.run(&format!("{PROFILE} host-tract")), 3, &texts);
    }
    if !std::path::Path::new("/proc/driver/nvidia").exists() {
        let texts = ["no CUDA device", "LIBTORCH"];
        refused(place.run(&format!("{PROFILE} cuda")), 1, &texts);
    }
}

#[test]
fn libtorch_is_a_device() {
    let place = Workplace::new();
    place
        .run(&format!("{PROFILE} host-torch").replace("60s", "1s"))
        .success();
    let header = place.read("tables/host-torch/device.toml");
    assert!(header.contains("runtime = \"libtorch\""), "{header}");
}

#[test]
fn predictions_are_judged_by_networks_measured_for_it() {
    let place = profiled();
    let left_out = place.read("tables/fake/predictions.csv");
    assert!(
        left_out.lines().skip(1).all(|row| row.contains(",left-out,")),
        "{left_out}"
    );
    let rows = medians(&place, "tables/fake");
    let document = json(&place, &format!("{PROFILE} fake --validate 12 --json"));
    let figures = &document["predictions"];
    assert_eq!(figures["kind"], "fresh", "{document}");
    assert!(figures["networks"].as_u64().unwrap() >= 10, "{document}");
    assert!(figures["mean_error"].as_f64().unwrap() < 0.05 && figures["within_10_percent"].as_f64().unwrap() > 0.9);
    assert!(figures["noise"].as_f64().unwrap() < 0.03, "{document}");
    let fresh = place.read("tables/fake/predictions.csv");
    assert_eq!(fresh.lines().count() as u64, 1 + figures["networks"].as_u64().unwrap());
    for file in ["predictions.svg", "predictions.png"] {
        assert!(place.exists(&format!("tables/fake/{file}")), "{file}");
    }
    assert_eq!(medians(&place, "tables/fake"), rows, "the table stays as it is");
}

#[test]
fn a_new_device_borrows_the_layers_of_another_one() {
    let place = profiled();
    place.write("board.toml", "name = \"board\"\nruntime = \"fake\"\n");
    let transfer = format!("{PROFILE} ./board.toml --from fake --networks 8").replace("--time 60s ", "");
    let document = json(&place, &format!("{transfer} --json"));
    assert_eq!(
        (&document["layers_of"], &document["run"]["layers"]),
        (&"fake".into(), &0.into()),
        "{document}"
    );
    assert_eq!(document["networks"], 8, "{document}");
    assert_eq!(medians(&place, "tables/board"), medians(&place, "tables/fake"));
    let latency = format!("latency {NETWORK} --device ./board.toml --tables tables --measure --json");
    let answer = json(&place, &latency);
    let (predicted, measured) = (
        answer["predicted_ms"].as_f64().unwrap(),
        answer["measured_ms"].as_f64().unwrap(),
    );
    assert!((predicted / measured - 1.0).abs() < 0.1, "{answer}");
    let texts = ["tables/board has the layers of `fake`", "move the folder away"];
    refused(place.run(&format!("{PROFILE} ./board.toml")), 1, &texts);
    let texts = ["tables/nobody holds no latency table", "mnas profile --device nobody"];
    place.write("nobody.toml", "name = \"nobody\"\nruntime = \"fake\"\n");
    refused(
        place.run(&transfer.replace("--from fake", "--from ./nobody.toml")),
        5,
        &texts,
    );
    refused(
        place.run(&transfer.replace("./board.toml", "fake")),
        5,
        &["tables/fake", "layers of"],
    );
}
