//! The references have exactly the parameters and multiply-adds counted on the reference implementations.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a skipped test says so")]

use std::path::PathBuf;

use mnas_space::Reference;

fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("MNAS_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED: {} is missing", path.display());
    None
}

#[test]
fn references_equal_the_golden_counts() {
    let Some(path) = data("golden_counts.csv") else { return };
    let mut compared = 0;
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        let Some((name, width)) = row[0].rsplit_once('-') else {
            continue;
        };
        let (Ok(reference), Ok(width)) = (Reference::named(name), width.parse::<f64>()) else {
            continue;
        };
        let cost = reference
            .architecture(width, row[2].parse().unwrap(), 1000)
            .unwrap()
            .cost();
        let counted = [cost.params, cost.macs, cost.batch_norm_params];
        let golden = [&row[3], &row[4], &row[5]].map(|number| number.parse::<u64>().unwrap());
        assert_eq!(counted, golden, "{} at {}", &row[0], &row[2]);
        compared += 1;
    }
    assert_eq!(compared, 8);
}

/// Published tables round: parameters to two or three digits, multiply-adds to a million.
#[test]
fn references_agree_with_published_tables_at_every_width() {
    let Some(path) = data("reference_points.csv") else {
        return;
    };
    let mut compared = 0;
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        let name = row[0].replace('_', "-");
        let Ok(reference) = Reference::named(&name) else {
            continue;
        };
        let cost = reference
            .architecture(row[1].parse().unwrap(), row[2].parse().unwrap(), 1000)
            .unwrap()
            .cost();
        let macs: f64 = row[5].parse().unwrap();
        let params: f64 = row[6].parse().unwrap();
        let (our_macs, our_params) = (cost.macs as f64 / 1e6, cost.params as f64 / 1e6);
        // Slips of the published tables: V3-Small's rows give the width-1 network 66 M and 2.9 M (its paper: 56 M and
        // 2.5 M) and the 0.75 one 2.4 M; V1's 0.75 rows count 317 M at 224 px where its paper has 325 M.
        let wrong_macs = (name == "mobilenet-v3-small" && &row[1] == "1.0")
            || (name == "mobilenet-v1" && &row[1] == "0.75")
            || (name == "mobilenet-v1" && &row[1] == "0.25" && &row[2] == "192");
        let wrong_params = name == "mobilenet-v3-small";
        let place = format!("{name} {} at {}", &row[1], &row[2]);
        assert!(
            wrong_macs || (our_macs - macs).abs() <= 1.0 + 0.011 * macs,
            "{place}: {our_macs} M, published {macs}"
        );
        assert!(
            wrong_params || (our_params - params).abs() <= 0.1,
            "{place}: {our_params} M, published {params}"
        );
        compared += 1;
    }
    assert!(compared >= 50, "{compared} rows");
}
