//! Layers that were measured while the machine was in another state than for the networks.
//!
//! The anchor takes a change of speed out of a layer's time as far as the layer feels it as the anchor does. Where two
//! threads come to share one core of a processor, or another program moves in beside them, that is not far: on a server
//! with two virtual processors small layers became 1.4 times slower than the anchor tells, and large ones a little faster, for
//! minutes at a time. Nothing measured is thrown away for that: what a change of speed does to a layer beyond what it
//! does to the anchor depends on the layer's dimensions, which the layers of the other state show when they are set beside what
//! the cost model expects of them, fitted on those of the usual state.

use mnas_space::BlockKey;

use crate::cost_model::{CostModel, dimensions};
use crate::measure::{Measurement, is_usual_state};
use crate::regression;
use crate::statistics;
use crate::table::LatencyTable;

/// Fewer layers in either state say nothing of the difference.
const LEAST_ROWS: usize = 50;

/// The prior that layers feel a change of speed as the anchor does weighs as much as so many layers.
const PRIOR_ROWS: f64 = 3.0;

/// The layers of a table and their milliseconds in the state of the machine that its networks were measured in.
pub(crate) fn at_usual_speed(table: &LatencyTable) -> Vec<(BlockKey, f64)> {
    let mut rows: Vec<(BlockKey, f64)> = table.blocks().map(|(key, row)| (*key, row.median_ms)).collect();
    let Some(usual) = usual_speed(table) else {
        return rows;
    };
    let change = |row: &Measurement| {
        let is_other = row.runs > 0 && !is_usual_state(row.speed, usual);
        if is_other { (row.speed / usual).ln() } else { 0.0 }
    };
    let changes: Vec<f64> = table.blocks().map(|(_, row)| change(row)).collect();
    let is_usual = |index: &usize| changes[*index] == 0.0;
    let (same, other): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(is_usual);
    if same.len().min(other.len()) < LEAST_ROWS {
        return rows;
    }
    let same: Vec<(BlockKey, f64)> = same.into_iter().map(|index| rows[index]).collect();
    let Some(expected) = CostModel::fit(&same) else {
        return rows;
    };
    let sensitivity = |index: usize| -> Vec<f64> {
        let features = std::iter::once(1.0).chain(dimensions(&rows[index].0));
        features.map(|feature| changes[index] * feature).collect()
    };
    let x: Vec<Vec<f64>> = other.iter().map(|&index| sensitivity(index)).collect();
    let y: Vec<f64> = other
        .iter()
        .map(|&index| (rows[index].1 / expected.estimate(&rows[index].0).ms).ln())
        .collect();
    let scales = regression::mean_squares(&x).into_iter();
    let penalty: Vec<f64> = scales.map(|scale| PRIOR_ROWS * scale.max(1e-6)).collect();
    let anchor_alone = vec![0.0; penalty.len()];
    let Some((felt, _)) = regression::ridge(&x, &y, &anchor_alone, &penalty) else {
        return rows;
    };
    for (index, x) in other.into_iter().zip(&x) {
        let beyond_anchor: f64 = felt.iter().zip(x).map(|(felt, x)| felt * x).sum();
        rows[index].1 *= (-beyond_anchor).exp();
    }
    rows
}

/// The speed that most of a table's networks were measured at, or of its layers where those are another device's.
/// `None` where no row is measured here: a published figure's speed is that of its software.
fn usual_speed(table: &LatencyTable) -> Option<f64> {
    if table.header().published.is_some() {
        return None;
    }
    let speeds: Vec<f64> = if table.header().layers_of.is_none() && !table.networks().is_empty() {
        table.networks().iter().map(|(_, row)| row.speed).collect()
    } else {
        table.blocks().map(|(_, row)| row.speed).collect()
    };
    (!speeds.is_empty()).then(|| statistics::median(&speeds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Device, DeviceFingerprint};
    use crate::runtime::Runtime;
    use crate::runtimes::{FakeRuntime, FakeSettings};
    use crate::table::TableHeader;

    const NETWORK: &str = "in64,conv_k3_s2_c16_nhs,ir_k3_s2_e4_c24_nre,conv_k1_c96_nhs,head_o10";

    fn keys() -> Vec<BlockKey> {
        let sizes = [56, 28, 14, 7].into_iter();
        let keys = sizes.flat_map(|size| {
            (1..=20).flat_map(move |eighth| {
                [3, 5].map(|kernel| {
                    let channels = 8 * eighth;
                    let text = format!("ir_k{kernel}_e4_c{channels}_nre@{channels}x{size}x{size}");
                    text.parse().unwrap()
                })
            })
        });
        keys.collect()
    }

    /// What a layer takes in the usual state.
    fn truth(key: &BlockKey) -> f64 {
        0.01 + f64::from(key.input.channels.pow(2) * key.input.height.pow(2)) / 1e8
    }

    /// A table of which two layers in three ran at 0.6 of the networks' speed, where they suffered more than the anchor, small
    /// ones most.
    fn table(folder: &std::path::Path, network_speed: Option<f64>) -> LatencyTable {
        let device = Device::open("fake").unwrap();
        let runtime = FakeRuntime::new(FakeSettings::default());
        let host = runtime.host();
        let fingerprint = DeviceFingerprint::new(&device, &runtime, &host);
        let mut table = LatencyTable::create(folder, &TableHeader::new(&device, &fingerprint, &host, 0.25)).unwrap();
        let row = |median_ms: f64, speed: f64| Measurement {
            median_ms,
            p10_ms: median_ms,
            p90_ms: median_ms,
            runs: 40,
            outliers: 0,
            speed,
        };
        for (index, key) in keys().into_iter().enumerate() {
            let felt = 1.5 - 0.1 * f64::from(key.input.height).log2();
            let measured = match index % 3 {
                0 => row(truth(&key), 1.0),
                _ => row(felt * truth(&key), 0.6),
            };
            table.add_block(key, measured).unwrap();
        }
        if let Some(speed) = network_speed {
            table.add_network(NETWORK.parse().unwrap(), row(1.0, speed)).unwrap();
        }
        table
    }

    fn worst_error(rows: &[(BlockKey, f64)]) -> f64 {
        let errors = rows.iter().map(|(key, ms)| (ms / truth(key) - 1.0).abs());
        errors.fold(0.0, f64::max)
    }

    #[test]
    fn layers_of_another_state_are_brought_to_that_of_the_networks() {
        let folder = tempfile::tempdir().unwrap();
        let table = table(folder.path(), Some(0.95));
        let as_measured: Vec<(BlockKey, f64)> = table.blocks().map(|(key, row)| (*key, row.median_ms)).collect();
        let corrected = at_usual_speed(&table);
        assert!(worst_error(&as_measured) > 0.2, "{}", worst_error(&as_measured));
        assert!(worst_error(&corrected) < 0.08, "{}", worst_error(&corrected));
        for ((key, corrected), (_, measured)) in corrected.iter().zip(&as_measured) {
            let row = table.get(key).unwrap();
            assert!(
                row.speed < 1.0 || corrected.to_bits() == measured.to_bits(),
                "{key} was in the usual state"
            );
        }
    }

    #[test]
    fn without_networks_the_state_of_most_layers_is_the_usual_one() {
        let folder = tempfile::tempdir().unwrap();
        let table = table(folder.path(), None);
        let corrected = at_usual_speed(&table);
        for (key, ms) in corrected {
            let row = table.get(&key).unwrap();
            assert!(row.speed > 0.9 || ms.to_bits() == row.median_ms.to_bits(), "{key}");
        }
    }
}
