//! Networks of other sources that differ from the authors' networks.

use mnas_space::{Architecture, Block, Conv, HiddenNorm, Identity, Reference, make_divisible};

/// Reference at a width multiplier and resolution.
pub fn reference(name: &str, width: f64, resolution: u32) -> Architecture {
    let reference = Reference::named(name).unwrap();
    reference.architecture(width, resolution, 1000).unwrap()
}

/// Network given by pieces of an architecture string.
fn network(resolution: u32, pieces: &[String]) -> Architecture {
    let text = format!("in{resolution},{}", pieces.join(","));
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// `MobileNetV2` with channels truncated to whole numbers instead of rounded to multiples of 8; if `expand_first`, its
/// first inverted residual has an expansion convolution at expansion 1.
pub fn truncated_mobilenet_v2(width: f64, resolution: u32, expand_first: bool) -> Architecture {
    let scaled = |channels: u32| (f64::from(channels) * width) as u32;
    let stem = scaled(32);
    let mut pieces = vec![format!("conv_k3_s2_c{stem}_nr6")];
    if expand_first {
        pieces.push(format!("conv_k1_c{stem}_nr6"));
    }
    for (expansion, channels, depth, stride) in [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ] {
        let channels = scaled(channels);
        pieces.push(format!("ir_r{depth}_k3_s{stride}_e{expansion}_c{channels}_nr6"));
    }
    pieces.push(format!("conv_k1_c{}_nr6", scaled(1280).max(1280)));
    pieces.push("head_o1000".to_owned());
    network(resolution, &pieces)
}

/// Kernel, hidden and output channels, squeeze-excite, hard-swish, stride.
type Bottleneck = (u32, u32, u32, bool, bool, u32);

const LARGE: [Bottleneck; 15] = [
    (3, 16, 16, false, false, 1),
    (3, 64, 24, false, false, 2),
    (3, 72, 24, false, false, 1),
    (5, 72, 40, true, false, 2),
    (5, 120, 40, true, false, 1),
    (5, 120, 40, true, false, 1),
    (3, 240, 80, false, true, 2),
    (3, 200, 80, false, true, 1),
    (3, 184, 80, false, true, 1),
    (3, 184, 80, false, true, 1),
    (3, 480, 112, true, true, 1),
    (3, 672, 112, true, true, 1),
    (5, 672, 160, true, true, 2),
    (5, 960, 160, true, true, 1),
    (5, 960, 160, true, true, 1),
];

const SMALL: [Bottleneck; 11] = [
    (3, 16, 16, true, false, 2),
    (3, 72, 24, false, false, 2),
    (3, 88, 24, false, false, 1),
    (5, 96, 40, true, true, 2),
    (5, 240, 40, true, true, 1),
    (5, 240, 40, true, true, 1),
    (5, 120, 48, true, true, 1),
    (5, 144, 48, true, true, 1),
    (5, 288, 96, true, true, 2),
    (5, 576, 96, true, true, 1),
    (5, 576, 96, true, true, 1),
];

/// `MobileNetV3` of `PaddleClas`: hidden channels are scaled and rounded independently, every block has an expansion
/// convolution, squeeze-excite has exactly a quarter of the hidden channels, and both sizes have a hidden layer of 1280
/// features without bias.
pub fn paddle_mobilenet_v3(large: bool, width: f64, resolution: u32) -> Architecture {
    let scaled = |channels: u32| make_divisible(f64::from(channels) * width, 8);
    let mut input = scaled(16);
    let mut pieces = vec![format!("conv_k3_s2_c{input}_nhs")];
    let bottlenecks: &[Bottleneck] = if large { &LARGE } else { &SMALL };
    for &(kernel, hidden, output, squeeze, hard_swish, stride) in bottlenecks {
        let activation = if hard_swish { "nhs" } else { "nre" };
        let (hidden, output) = (scaled(hidden), scaled(output));
        if hidden == input {
            pieces.push(format!("conv_k1_c{input}_{activation}"));
        }
        let squeeze = if squeeze {
            format!("_sq{}", hidden / 4)
        } else {
            String::new()
        };
        pieces.push(format!(
            "ir_k{kernel}_s{stride}_h{hidden}_c{output}{squeeze}_{activation}"
        ));
        input = output;
    }
    pieces.push(format!("conv_k1_c{}_nhs", scaled(if large { 960 } else { 576 })));
    pieces.push("head_fn1280_nhs_o1000".to_owned());
    network(resolution, &pieces)
}

/// `MobileNetV3-Large` whose hidden layer has no bias.
pub fn mobilenet_v3_without_hidden_bias(resolution: u32) -> Architecture {
    let mut architecture = reference("mobilenet-v3-large", 1.0, resolution);
    architecture.head.hidden.as_mut().unwrap().norm = HiddenNorm::None;
    architecture
}

/// `MobileNetV3-Small` whose hidden layer has 1280 features, as in the first version of the paper.
pub fn mobilenet_v3_small_of_the_first_version(width: f64, resolution: u32) -> Architecture {
    let mut architecture = reference("mobilenet-v3-small", width, resolution);
    architecture.head.hidden.as_mut().unwrap().features = 1280;
    architecture
}

/// Network whose fused blocks have their stride in the second convolution, as in imgclsmob.
pub fn strided_late(mut architecture: Architecture) -> Architecture {
    let mut blocks = Vec::new();
    for block in architecture.blocks {
        match block {
            Block::FusedInvertedResidual(fused) if fused.stride > 1 => {
                blocks.push(Block::Conv(Conv {
                    kernel: fused.kernel,
                    stride: 1,
                    channels: fused.hidden_channels,
                    activation: fused.activation,
                }));
                blocks.push(Block::Identity(Identity {
                    stride: fused.stride,
                    channels: fused.channels,
                }));
            }
            other => blocks.push(other),
        }
    }
    architecture.blocks = blocks;
    architecture
}
