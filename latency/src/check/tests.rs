//! Tests of checks on the fake device: with valid, outdated and edited tables.

use super::*;
use crate::device::Device;
use crate::profile::{ProfileOptions, open_or_create, profile};
use crate::runtimes::{FakeRuntime, FakeSettings};

const NETWORKS: [&str; 2] = [
    "in64,conv_k3_s2_c16_nhs,ir_k3_s2_e4_c24_nre,ir_r2_k3_e3_c24_nre,conv_k1_c96_nhs,head_o10",
    "in64,conv_k3_s2_c16_nhs,ir_k5_s2_e4_c24_se0.25_nre,ir_k3_e6_c24_nre,ds_k3_s2_c32_nre,conv_k1_c96_nhs,head_o10",
];

/// Table of the fake device with its default noise.
fn table(folder: &std::path::Path) -> LatencyTable {
    let mut runtime = FakeRuntime::new(FakeSettings::default());
    let options = ProfileOptions::quick();
    let device = Device::open("fake").unwrap();
    let mut table = open_or_create(folder, &device, &mut runtime, &options.measure).unwrap();
    let networks = NETWORKS.map(|text| text.parse::<Architecture>().unwrap());
    let keys: Vec<BlockKey> = networks
        .iter()
        .flat_map(|network| network.layers().map(|layer| layer.key).collect::<Vec<_>>())
        .collect();
    let never = AtomicBool::new(false);
    profile(&mut runtime, &mut table, keys, &networks, &options, &never, &mut |_| ()).unwrap();
    table
}

fn checked(table: &LatencyTable, settings: FakeSettings) -> CheckReport {
    let mut runtime = FakeRuntime::new(settings);
    let mut calls = 0;
    let mut observer = |done: usize, total: usize| {
        calls += 1;
        assert!(done == calls && done <= total);
    };
    let options = CheckOptions::default();
    check(&mut runtime, table, &options, &AtomicBool::new(false), &mut observer).unwrap()
}

fn disturbed() -> FakeSettings {
    FakeSettings {
        seed: 9,
        drift: 0.3,
        drift_period_ms: 900.0,
        spikes: 0.02,
        ..FakeSettings::default()
    }
}

#[test]
fn a_true_table_holds_on_a_machine_that_drifts() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let report = checked(&table, disturbed());
    assert_eq!(report.rows.len(), table.len() + table.networks().len());
    assert!(report.holds() && report.agreeing() == report.rows.len(), "{report:?}");
    assert!((report.median_ratio() - 1.0).abs() < 0.02);
    assert_eq!(checked(&table, disturbed()), report, "a check is repeatable");
}

#[test]
fn a_machine_that_became_another_does_not_confirm_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    // Networks, including the anchor, are slower than before; layers are not.
    let settings = FakeSettings {
        network_factor: 1.6,
        ..FakeSettings::default()
    };
    let fatter = checked(&table, settings);
    assert!(
        !fatter.holds() && fatter.median_ratio() < 0.85 && fatter.speed < 0.85,
        "{fatter:?}"
    );
    let refused = FakeSettings {
        refuse: Some("ds_k3".to_owned()),
        ..FakeSettings::default()
    };
    let refused = checked(&table, refused);
    assert!(!refused.holds() && refused.refused.len() == 1, "{refused:?}");
}

#[test]
fn edited_rows_come_first() {
    let folder = tempfile::tempdir().unwrap();
    drop(table(folder.path()));
    let file = folder.path().join("table.csv");
    let text = std::fs::read_to_string(&file).unwrap();
    // Microseconds in a column of milliseconds.
    let scaled = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let times = fields[1..4]
            .iter()
            .map(|time| format!("{:.6}", time.parse::<f64>().unwrap() * 1000.0));
        [
            vec![fields[0].to_owned()],
            times.collect(),
            fields[4..].iter().map(|&field| field.to_owned()).collect(),
        ]
        .concat()
        .join(",")
    };
    let lines: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(at, line)| if at == 0 { line.to_owned() } else { scaled(line) })
        .collect();
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    let report = checked(&LatencyTable::load(folder.path()).unwrap(), FakeSettings::default());
    assert!(!report.holds());
    assert!(
        report.rows[0].ratio() < 0.0012 && (report.median_ratio() - 0.001).abs() < 1e-4,
        "{}",
        report.median_ratio()
    );
}

#[test]
fn a_sample_is_of_all_sizes_and_seeded() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path());
    let names = |seed: u64| -> Vec<String> {
        let options = CheckOptions {
            sample: 4,
            seed,
            ..CheckOptions::default()
        };
        sample(&table, &options).iter().map(|row| row.model().name).collect()
    };
    assert_eq!((names(1).len(), names(1)), (5, names(1)));
    assert_ne!(names(1), names(2));
    let cancelled = AtomicBool::new(true);
    let mut runtime = FakeRuntime::new(FakeSettings::default());
    let report = check(
        &mut runtime,
        &table,
        &CheckOptions::default(),
        &cancelled,
        &mut |_, _| (),
    )
    .unwrap();
    assert!(report.cancelled && report.rows.is_empty());
}
