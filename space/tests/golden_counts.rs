//! Parameters and multiply-adds of the references are exactly those of the reference implementations.
#![allow(clippy::unwrap_used)]

mod support;

use mnas_space::Reference;

/// Reference and width multiplier of a row's model.
fn reference(model: &str) -> (&'static Reference, f64) {
    let (name, width) = match model {
        "tf_mobilenetv3_large_minimal_100" => ("mobilenet-v3-large-minimalistic", 1.0),
        "mnasnet_100" => ("mnasnet-b1", 1.0),
        "semnasnet_100" => ("mnasnet-a1", 1.0),
        "efficientnet_b0" => ("efficientnet-b0", 1.0),
        "mobilenetv4_conv_small" => ("mobilenet-v4-conv-small", 1.0),
        _ => {
            let (name, width) = model.rsplit_once('-').unwrap();
            (name, width.parse().unwrap())
        }
    };
    (Reference::named(name).unwrap(), width)
}

#[test]
fn references_equal_the_golden_counts() {
    let mut compared = 0;
    let path = support::fact_table("golden_counts.csv");
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        let (reference, width) = reference(&row[0]);
        let resolution = row[2].parse().unwrap();
        let cost = reference.architecture(width, resolution, 1000).unwrap().cost();
        let counted = [cost.params, cost.macs, cost.batch_norm_params];
        let golden = [&row[3], &row[4], &row[5]].map(|number| number.parse::<u64>().unwrap());
        assert_eq!(counted, golden, "{} at {resolution}", &row[0]);
        compared += 1;
    }
    assert_eq!(compared, 13);
}
