//! Explanations of published counts that differ from the counts of the network. An explanation recomputes the figures of
//! its source, or states the printed and the correct figure if the source is wrong.

use mnas_space::Architecture;

use crate::networks;
use crate::row::{Printed, Row};
use crate::tally::Tally;

/// Explanation of the counts in some rows: another convention, another network or an error in the source.
pub struct Explanation {
    /// Description of the difference.
    pub name: &'static str,
    /// Checks whether the explanation applies to a row.
    pub covers: fn(&Row) -> bool,
    /// Checks whether the explanation gives the figures of a row.
    pub holds: fn(&Row) -> bool,
}

fn reference(row: &Row) -> Architecture {
    networks::reference(&row.reference().unwrap(), row.width, row.resolution)
}

fn millions(count: u64) -> f64 {
    count as f64 / 1e6
}

fn is_v1_stem_left_out(row: &Row) -> bool {
    row.is_tensorflow("mobilenet_v1") && (row.width - 0.75).abs() < 1e-9
}

fn imgclsmob_holds(row: &Row, architecture: &Architecture, pool: u64, missing: impl Fn(&Tally) -> (u64, u64)) -> bool {
    let tally = Tally::of(architecture);
    let (params, flops) = missing(&tally);
    let half_flops = tally.imgclsmob_half_flops(pool) - flops as f64 / 2.0;
    row.madds().is_rounded(half_flops / 1e6) && row.params().is_rounded(millions(tally.cost.params - params))
}

/// FLOPs of a row in billions, as printed by `PaddleClas`; the table contains half of them.
fn paddle_flops(row: &Row, decimals: u32) -> Printed {
    Printed {
        value: row.madds().value * 2.0 / 1e3,
        decimals,
    }
}

fn paddle_summary_holds(row: &Row, architecture: &Architecture) -> bool {
    let tally = Tally::of(architecture);
    let params = tally.cost.params - tally.depthwise_params;
    let printed = Printed {
        decimals: 2,
        ..row.params()
    };
    paddle_flops(row, 2).is_truncated(tally.paddle_summary_flops() / 1e9) && printed.is_rounded(millions(params))
}

/// `MobileNetV1` of `PaddleClas`, with `ReLU` instead of `ReLU6`.
fn paddle_mobilenet_v1(row: &Row) -> Architecture {
    let architecture = networks::reference("mobilenet-v1", row.width, row.resolution);
    architecture.to_string().replace("_nr6", "_nre").parse().unwrap()
}

fn paddle_v3_holds(row: &Row) -> bool {
    let large = row.model.contains("large");
    let tally = Tally::of(&networks::paddle_mobilenet_v3(large, row.width, row.resolution));
    let flops = 2 * (tally.cost.macs + tally.norm_values) + tally.relu_values - tally.classifier_macs;
    let classifier_bias = 1000;
    let params = millions(tally.cost.params - classifier_bias);
    (millions(flops) / 2.0 - row.madds().value).abs() < 0.4 && (params - row.params().value).abs() < 0.01
}

/// Checks the row with half an operation per value of batch-norm and squeeze-excite, and five per channel for the constants
/// of batch-norm.
fn mnasnet_with_norms(row: &Row) -> bool {
    let tally = Tally::of(&reference(row));
    let extra = (tally.norm_values + tally.gated_values) as f64 / 2.0 + 5.0 * tally.cost.batch_norm_params as f64;
    let madds = millions(tally.cost.macs) + extra / 1e6;
    (madds - row.madds().value).abs() < 0.11 && row.params().is_rounded(millions(tally.cost.params))
}

/// Checks that the row states the wrong figure `printed` and that the network's rounded figure is `counted`.
fn is_misprint(row: &Row, printed: f64, counted: f64) -> bool {
    let macs = millions(reference(row).cost().macs);
    (row.madds().value - printed).abs() < 1e-9 && (macs.round() - counted).abs() < 1e-9
}

/// All explanations; every row that needs one has exactly one.
pub const EXPLANATIONS: &[Explanation] = &[
    Explanation {
        name: "TensorFlow's table of MobileNetV1 leaves the stem's multiply-adds out at width 0.75 (the paper has 325 M)",
        covers: is_v1_stem_left_out,
        holds: |row| {
            let tally = Tally::of(&reference(row));
            row.madds().is_rounded(millions(tally.cost.macs - tally.stem_macs))
                && row.params().is_rounded(millions(tally.params_with_three_norm_values()))
        },
    },
    Explanation {
        name: "TensorFlow's table of MobileNetV1 prints 150 M for the 149 M (paper: 149) of width 0.5 at 224 px",
        covers: |row| row.is_tensorflow("mobilenet_v1") && row.is_at(0.5, 224),
        holds: |row| is_misprint(row, 150.0, 149.0),
    },
    Explanation {
        name: "TensorFlow's table of MobileNetV1 prints 34 M for the 30 M of width 0.25 at 192 px; its 224, 160 and 128 px rows fit",
        covers: |row| row.is_tensorflow("mobilenet_v1") && row.is_at(0.25, 192),
        holds: |row| is_misprint(row, 34.0, 30.0),
    },
    Explanation {
        name: "TensorFlow's MobileNetV3-Small has the hidden layer of 1280 features of the paper's first version",
        covers: |row| row.is_tensorflow("mobilenet_v3_small") && row.is_at(0.75, 224),
        holds: |row| {
            let tally = Tally::of(&networks::mobilenet_v3_small_of_the_first_version(0.75, 224));
            row.madds().is_rounded(millions(tally.cost.macs))
                && row
                    .params()
                    .is_truncated(millions(tally.params_with_three_norm_values()))
        },
    },
    Explanation {
        name: "TensorFlow's table repeats the 66 M of the first version's text for MobileNetV3-Small; its layers have 57 M",
        covers: |row| row.is_tensorflow("mobilenet_v3_small") && row.is_at(1.0, 224),
        holds: |row| {
            let tally = Tally::of(&networks::mobilenet_v3_small_of_the_first_version(1.0, 224));
            is_misprint(row, 66.0, 57.0)
                && row
                    .params()
                    .is_truncated(millions(tally.params_with_three_norm_values()))
        },
    },
    Explanation {
        name: "TensorFlow's table prints 65 M for minimalistic MobileNetV3-Small, whose layers have 52 M; its parameters fit",
        covers: |row| row.is_tensorflow("mobilenet_v3_small_minimalistic"),
        holds: |row| {
            let tally = Tally::of(&reference(row));
            is_misprint(row, 65.0, 52.0)
                && row
                    .params()
                    .is_truncated(millions(tally.params_with_three_norm_values()))
        },
    },
    Explanation {
        name: "the table of MnasNet-A1 counts batch-norm and squeeze-excite's products (the text beside it: 312 M)",
        covers: |row| row.model == "mnasnet_a1",
        holds: mnasnet_with_norms,
    },
    Explanation {
        name: "PaddleClas counts MobileNetV1 with nearly free depthwise convolutions, with batch-norm and ReLU",
        covers: |row| row.model == "mobilenet_v1_paddle",
        holds: |row| paddle_summary_holds(row, &paddle_mobilenet_v1(row)),
    },
    Explanation {
        name: "PaddleClas cuts MobileNetV2's channels to whole numbers, expands in its first block, and counts as for V1",
        covers: |row| row.model == "mobilenet_v2_paddle",
        holds: |row| paddle_summary_holds(row, &networks::truncated_mobilenet_v2(row.width, row.resolution, true)),
    },
    Explanation {
        name: "PaddleClas builds its own MobileNetV3 and counts batch-norm and ReLU, and the classifier once",
        covers: |row| row.model.starts_with("mobilenet_v3") && row.model.ends_with("_paddle"),
        holds: paddle_v3_holds,
    },
    Explanation {
        name: "imgclsmob cuts MobileNetV2's channels, expands in its first block, has no classifier bias, counts FLOPs/2",
        covers: |row| row.model.starts_with("MobileNetV2 "),
        holds: |row| {
            let architecture = networks::truncated_mobilenet_v2(row.width, row.resolution, true);
            imgclsmob_holds(row, &architecture, 49, |tally| (1000, tally.classifier_macs))
        },
    },
    Explanation {
        name: "imgclsmob's MobileNetV2b is its MobileNetV2 without the first block's expansion",
        covers: |row| row.model.starts_with("MobileNetV2b "),
        holds: |row| {
            let architecture = networks::truncated_mobilenet_v2(row.width, row.resolution, false);
            imgclsmob_holds(row, &architecture, 49, |tally| (1000, tally.classifier_macs))
        },
    },
    Explanation {
        name: "imgclsmob's MobileNetV3 has no bias in the hidden layer, and its multiply-adds are FLOPs/2",
        covers: |row| row.model.starts_with("MobileNetV3 L"),
        holds: |row| {
            let architecture = networks::mobilenet_v3_without_hidden_bias(row.resolution);
            imgclsmob_holds(row, &architecture, 49, |_| (0, 0))
        },
    },
    Explanation {
        name: "imgclsmob's multiply-adds of EfficientNet are FLOPs/2; its parameters are equal to the last one",
        covers: |row| row.model.starts_with("EfficientNet-B"),
        holds: |row| imgclsmob_holds(row, &reference(row), 1, |_| (0, 0)),
    },
    Explanation {
        name: "imgclsmob's EfficientNet-EdgeTPU strides in the second convolution of a fused block, and counts FLOPs/2",
        covers: |row| row.model.starts_with("EfficientNet-Edge"),
        holds: |row| imgclsmob_holds(row, &networks::strided_late(reference(row)), 1, |_| (0, 0)),
    },
];
