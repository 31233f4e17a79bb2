//! Tests of tables on disk: round trips, and errors for invalid files.

use std::fs;
use std::path::Path;

use mnas_space::{Architecture, BlockKey};
use proptest::prelude::*;

use super::{LatencyTable, TableHeader};
use crate::device::{Device, DeviceFingerprint, Precision};
use crate::error::LatencyError;
use crate::machine::HostFacts;
use crate::measure::Measurement;
use crate::runtimes::{FakeRuntime, FakeSettings};

const KEYS: [&str; 3] = [
    "conv_k3_s2_c16_nre@3x32x32",
    "ir_k3_e4_c16_se0.25_nhs@16x16x16",
    "head_f64_nhs_o10@16x16x16",
];

fn fingerprint() -> (Device, DeviceFingerprint, HostFacts) {
    let device = Device::open("fake").unwrap();
    let host = HostFacts {
        cpu: "Imaginary 9000".to_owned(),
        cores: 4,
        architecture: "x86_64".to_owned(),
        os: "linux".to_owned(),
        kernel: "6.1".to_owned(),
    };
    let fingerprint = DeviceFingerprint::new(&device, &FakeRuntime::new(FakeSettings::default()), &host);
    (device, fingerprint, host)
}

fn create(folder: &Path) -> LatencyTable {
    let (device, fingerprint, host) = fingerprint();
    LatencyTable::create(folder, &TableHeader::new(&device, &fingerprint, &host, 0.25)).unwrap()
}

fn row(ms: f64) -> Measurement {
    Measurement {
        median_ms: ms,
        p10_ms: ms * 0.98,
        p90_ms: ms * 1.05,
        runs: 40,
        outliers: 1,
        speed: 0.95,
    }
}

/// Returns the error of opening a table of three rows after `edit`.
fn edited(file: &str, edit: impl Fn(&str) -> String) -> LatencyError {
    let folder = tempfile::tempdir().unwrap();
    let mut table = create(folder.path());
    for (index, key) in KEYS.iter().enumerate() {
        table.add_block(key.parse().unwrap(), row(0.5 + index as f64)).unwrap();
    }
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    let changed = edit(&text);
    assert_ne!(text, changed, "the edit must do something");
    fs::write(&path, changed).unwrap();
    LatencyTable::open(folder.path(), &fingerprint().1).unwrap_err()
}

fn message(error: &LatencyError) -> String {
    // The temporary folder's name differs from run to run.
    let text = error.to_string();
    ["table.csv", "device.toml"]
        .iter()
        .find_map(|file| text.find(file))
        .map_or(text.clone(), |at| text[at..].to_owned())
}

#[test]
fn a_table_read_back_is_the_table_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = create(folder.path());
    let network: Architecture = "in32,conv_k3_s2_c16_nre,head_o10".parse().unwrap();
    table.add_block(KEYS[0].parse().unwrap(), row(0.123_456_789)).unwrap();
    table.add_network(network.clone(), row(3.5)).unwrap();
    let read = LatencyTable::open(folder.path(), &fingerprint().1).unwrap();
    assert_eq!(read.header(), table.header());
    assert_eq!(read.layers().collect::<Vec<_>>(), table.layers().collect::<Vec<_>>());
    assert_eq!(read.network(&network), table.network(&network));
    assert_eq!(read.len(), 1);
}

#[test]
fn files_are_readable_by_people() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = create(folder.path());
    table.add_block(KEYS[1].parse().unwrap(), row(0.5)).unwrap();
    let rows = fs::read_to_string(folder.path().join("table.csv")).unwrap();
    insta::assert_snapshot!(rows, @r"
    key,median_ms,p10_ms,p90_ms,runs,outliers,speed
    ir_k3_e4_c16_se0.25_nhs@16x16x16,0.500000,0.490000,0.525000,40,1,0.9500
    ");
    let header = fs::read_to_string(folder.path().join("device.toml")).unwrap();
    for part in [
        "format_version = 1",
        "runtime = \"fake\"",
        "precision = \"fp32\"",
        "anchor_reference_ms = 0.25",
        "[host]",
    ] {
        assert!(header.contains(part), "{header}");
    }
}

#[test]
fn a_row_torn_by_a_kill_is_dropped_and_replaced() {
    for cut in 1..30 {
        let folder = tempfile::tempdir().unwrap();
        let mut table = create(folder.path());
        for key in KEYS {
            table.add_block(key.parse().unwrap(), row(1.0)).unwrap();
        }
        drop(table);
        let path = folder.path().join("table.csv");
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - cut]).unwrap();
        let mut torn = LatencyTable::load(folder.path()).unwrap();
        assert_eq!(torn.len(), 2);
        torn.add_block(KEYS[2].parse().unwrap(), row(1.0)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), text, "cut {cut}");
    }
}

#[test]
fn two_writers_do_not_mix_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut one = create(folder.path());
    let mut other = LatencyTable::load(folder.path()).unwrap();
    one.add_block(KEYS[0].parse().unwrap(), row(1.0)).unwrap();
    let busy = other.add_block(KEYS[1].parse().unwrap(), row(1.0)).unwrap_err();
    assert!(matches!(busy, LatencyError::TableBusy { .. }), "{busy}");
    drop(one);
    // The lock is free again, but the file has changed since this table read it.
    let stale = other.add_block(KEYS[1].parse().unwrap(), row(1.0)).unwrap_err();
    assert!(matches!(stale, LatencyError::TableBusy { .. }), "{stale}");
    let mut fresh = LatencyTable::load(folder.path()).unwrap();
    fresh.add_block(KEYS[1].parse().unwrap(), row(1.0)).unwrap();
    assert_eq!(LatencyTable::load(folder.path()).unwrap().len(), 2);
}

#[test]
fn lost_rows_are_an_empty_table() {
    let folder = tempfile::tempdir().unwrap();
    drop(create(folder.path()));
    fs::remove_file(folder.path().join("table.csv")).unwrap();
    let mut table = LatencyTable::load(folder.path()).unwrap();
    assert!(table.is_empty());
    table.add_block(KEYS[0].parse().unwrap(), row(1.0)).unwrap();
    assert_eq!(LatencyTable::load(folder.path()).unwrap().len(), 1);
}

#[test]
fn a_missing_table_is_told_from_a_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    let error = LatencyTable::load(folder.path()).unwrap_err();
    assert!(matches!(error, LatencyError::TableMissing { .. }) && error.is_table_of_another_device());
    // Rows whose device.toml was lost are not overwritten.
    let mut table = create(folder.path());
    table.add_block(KEYS[0].parse().unwrap(), row(1.0)).unwrap();
    fs::remove_file(folder.path().join("device.toml")).unwrap();
    let error = LatencyTable::create(folder.path(), table.header()).unwrap_err();
    assert!(error.to_string().contains("no device.toml"), "{error}");
}

#[test]
fn nonsense_is_named_with_file_and_line() {
    let twice = edited("table.csv", |text| format!("{text}{}\n", text.lines().nth(2).unwrap()));
    insta::assert_snapshot!(message(&twice), @"table.csv, line 5: key `ir_k3_e4_c16_se0.25_nhs@16x16x16` occurs here and in line 3; delete the line so that it is measured again, or correct it");
    let negative = edited("table.csv", |text| text.replace(",1.500000", ",-1.500000"));
    insta::assert_snapshot!(message(&negative), @"table.csv, line 3: median_ms is `-1.500000`, expected a positive number; delete the line so that it is measured again, or correct it");
    let nan = edited("table.csv", |text| text.replace(",1.500000", ",NaN"));
    assert!(message(&nan).contains("line 3: median_ms is `NaN`"), "{nan}");
    let zero = edited("table.csv", |text| text.replace(",1.500000", ",0"));
    assert!(message(&zero).contains("median_ms is `0`"), "{zero}");
    let unit = edited("table.csv", |text| text.replace("median_ms", "median_us"));
    insta::assert_snapshot!(message(&unit), @"table.csv, line 1: unknown column `median_us`; expected key,median_ms,p10_ms,p90_ms,runs,outliers,speed (times in milliseconds)");
    let order = edited("table.csv", |text| text.replace("p10_ms,p90_ms", "p90_ms,p10_ms"));
    assert!(message(&order).contains("not in the expected order"), "{order}");
    let swapped = edited("table.csv", |text| text.replace("1.470000", "2.470000"));
    assert!(
        message(&swapped).contains("line 3: p10_ms, median_ms and p90_ms are not in ascending"),
        "{swapped}"
    );
    let short = edited("table.csv", |text| text.replace(",1.500000", ""));
    assert!(message(&short).contains("line 3: 6 fields, expected 7"), "{short}");
    let key = edited("table.csv", |text| text.replace("ir_k3", "ir_k4"));
    assert!(message(&key).contains("line 3: key `ir_k4"), "{key}");
    let empty = edited("table.csv", |_| String::new());
    assert!(
        message(&empty).contains("line 1: the file has no line of column names"),
        "{empty}"
    );
    for error in [twice, negative, unit] {
        assert!(!error.is_table_of_another_device());
    }
}

#[test]
fn nonsense_about_whole_networks_is_named_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = create(folder.path());
    for text in ["in32,conv_k3_s2_c16_nre,head_o10", "in64,conv_k3_s2_c16_nre,head_o10"] {
        table.add_network(text.parse().unwrap(), row(1.5)).unwrap();
    }
    drop(table);
    let path = folder.path().join("networks.csv");
    let text = fs::read_to_string(&path).unwrap();
    let third = text.lines().nth(2).unwrap();
    for (changed, problem) in [
        (format!("{text}{third}\n"), "line 4: this network occurs twice"),
        (
            text.replace("median_ms", "median_s"),
            "line 1: unknown column `median_s`",
        ),
        (text.replace("\"in64,", "\"in64,oops,"), "line 3: architecture: "),
        (text.replace("1.500000", "soon"), "line 2: median_ms is `soon`"),
        (text.replace('"', ""), "line 2: 9 fields, expected 7"),
    ] {
        fs::write(&path, &changed).unwrap();
        let error = LatencyTable::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("networks.csv, {problem}")), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), changed, "nothing is deleted");
    }
}

#[test]
fn a_table_of_something_else_is_told_apart() {
    let other = |from: &str, to: &str| edited("device.toml", |text| text.replace(from, to));
    let cpu = other("Imaginary 9000", "Imaginary 8000");
    assert!(cpu.is_table_of_another_device());
    assert!(
        message(&cpu).starts_with(
            "device.toml: the table was measured with processor `Imaginary 8000`, this is `Imaginary 9000`; move"
        ),
        "{cpu}"
    );
    assert!(cpu.to_string().contains("mnas profile --device fake"), "{cpu}");
    let version = other("runtime_version = \"1\"", "runtime_version = \"2\"");
    assert!(
        matches!(
            version,
            LatencyError::TableMismatch {
                what: "runtime version",
                ..
            }
        ),
        "{version}"
    );
    let threads = other("threads = 1", "threads = 2");
    assert!(
        matches!(
            threads,
            LatencyError::TableMismatch {
                what: "thread count",
                ..
            }
        ),
        "{threads}"
    );
    let format = other("format_version = 1", "format_version = 7");
    assert!(
        message(&format).contains("line 1: format version 7, this program reads 1"),
        "{format}"
    );
    let reference = other("anchor_reference_ms = 0.25", "anchor_reference_ms = -1.0");
    assert!(message(&reference).contains("anchor_reference_ms is -1"), "{reference}");
    let unknown = other("threads = 1", "threads = 1\ncolour = 3");
    assert!(message(&unknown).contains("unknown field `colour`"), "{unknown}");
    assert_eq!(Precision::Float32.name(), "fp32");
}

#[test]
fn a_layer_that_computes_nothing_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let table = create(folder.path());
    let nothing: BlockKey = "id_c16@16x8x8".parse().unwrap();
    assert_eq!(table.get(&nothing), Some(&Measurement::NOTHING));
    let projection: BlockKey = "id_c24@16x8x8".parse().unwrap();
    assert_eq!(table.get(&projection), None);
}

#[test]
fn ten_thousand_rows_load() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path());
    let header = fs::read_to_string(folder.path().join("table.csv")).unwrap();
    let row = |index: u32| {
        let (channels, size) = (8 * (index % 50 + 1), index / 50 + 4);
        format!("ir_k5_e4_c{channels}_se0.25_nhs@{channels}x{size}x{size},0.5,0.4,0.6,30,0,1.0\n")
    };
    let text: String = std::iter::once(header).chain((0..10_000).map(row)).collect();
    fs::write(folder.path().join("table.csv"), text).unwrap();
    assert_eq!(LatencyTable::load(folder.path()).unwrap().len(), 10_000);
}

proptest! {
    // The ranges are wide, because a key printed outside the bounds of the notation would be lost.
    #[test]
    fn rows_survive_printing_and_parsing(
        kernel in prop::sample::select(vec![3_u32, 5, 7]),
        channels in (1_u32..500, 1_u32..500),
        hidden in 1_u32..2000,
        size in 1_u32..300,
        squeeze in prop::option::of(1_u32..200),
        times in (1e-6..1e5_f64, 0.5..1.0_f64, 1.0..3.0_f64),
        counts in (0_u32..100_000, 0_u32..100),
        speed in 0.01..10.0_f64,
    ) {
        let squeeze = squeeze.map(|width| format!("_sq{width}")).unwrap_or_default();
        let text = format!("ir_k{kernel}_h{hidden}_c{}{squeeze}_nhs@{}x{size}x{size}", channels.1, channels.0);
        let key: BlockKey = text.parse().unwrap();
        let (median_ms, low, high) = times;
        let measurement = Measurement {
            median_ms,
            p10_ms: median_ms * low,
            p90_ms: median_ms * high,
            runs: counts.0,
            outliers: counts.1,
            speed,
        };
        let folder = tempfile::tempdir().unwrap();
        let mut table = create(folder.path());
        table.add_block(key, measurement).unwrap();
        let read = LatencyTable::load(folder.path()).unwrap();
        prop_assert_eq!(read.get(&key), table.get(&key));
        let kept = read.get(&key).unwrap();
        prop_assert!((kept.median_ms - median_ms).abs() <= 1e-6);
        prop_assert_eq!(kept.runs, counts.0);
    }
}
