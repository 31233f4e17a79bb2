//! Tests of the cost model on the fake device, whose true times are known.

use super::*;
use crate::runtimes::{FakeRuntime, FakeSettings};

/// Layers of many sizes and their true times.
fn layers() -> Vec<(BlockKey, f64)> {
    let runtime = FakeRuntime::new(FakeSettings::default());
    let mut layers = Vec::new();
    for size in [7, 14, 28, 56] {
        for channels in [16, 24, 40, 64, 96] {
            for (kernel, expansion, squeeze) in [(3, 3, ""), (3, 6, "_se0.25"), (5, 4, ""), (5, 6, "_se0.25")] {
                layers.push(format!(
                    "ir_k{kernel}_e{expansion}_c{channels}{squeeze}_nhs@{channels}x{size}x{size}"
                ));
            }
            layers.push(format!("ds_k3_s2_c{}_nre@{channels}x{size}x{size}", channels * 2));
            layers.push(format!("head_o1000@{channels}x{size}x{size}"));
        }
    }
    let known = |text: String| {
        let key: BlockKey = text.parse().unwrap();
        (key, runtime.true_ms(&key.graph()))
    };
    layers.into_iter().map(known).collect()
}

#[test]
fn layers_left_out_are_predicted() {
    let layers = layers();
    let (shown, hidden): (Vec<_>, Vec<_>) = layers.iter().enumerate().partition(|(index, _)| index % 3 != 0);
    let shown: Vec<_> = shown.into_iter().map(|(_, layer)| *layer).collect();
    let model = CostModel::fit(&shown).unwrap();
    let errors: Vec<f64> = hidden
        .iter()
        .map(|(_, (key, ms))| (model.estimate(key).ms / ms - 1.0).abs())
        .collect();
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    assert!(mean < 0.05, "{mean}");
    assert!(model.held_out_error() < 0.10, "{}", model.held_out_error());
}

#[test]
fn far_from_anything_measured_the_error_grows() {
    let model = CostModel::fit(&layers()).unwrap();
    let error = |text: &str| model.estimate(&text.parse().unwrap()).relative_error;
    assert!(error("conv_k7_s4_c512_nsw@3x512x512") > error("ir_k3_e3_c40_nhs@40x28x28"));
}

#[test]
fn nothing_is_ever_free() {
    let one = CostModel::fit(&layers()[..1]).unwrap();
    for key in [
        "conv_k3_s2_c16_nre@3x224x224",
        "id_c24@16x8x8",
        "head_o10@8x1x1",
        "ir_k3_e6_c16_nsw@16x7x7",
    ] {
        assert!(one.estimate(&key.parse().unwrap()).ms > 0.0, "{key}");
    }
    assert!(CostModel::fit(&[]).is_none());
}

#[test]
fn the_same_rows_give_the_same_model() {
    let estimate = || {
        CostModel::fit(&layers())
            .unwrap()
            .estimate(&"ir_k7_e5_c48_nhs@48x20x20".parse().unwrap())
    };
    assert_eq!(estimate(), estimate());
}
