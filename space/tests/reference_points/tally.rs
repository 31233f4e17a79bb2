//! What other sources count in a network beside convolutions and linear layers.

use mnas_space::{Activation, Architecture, Cost, Gate, Op};

/// Sums over a network's operations.
#[derive(Debug, Default)]
pub struct Tally {
    /// By the project's own convention.
    pub cost: Cost,
    /// Multiply-adds of the first convolution.
    pub stem_macs: u64,
    /// Multiply-adds of the classifier.
    pub classifier_macs: u64,
    /// Multiply-adds of depthwise convolutions.
    pub depthwise_macs: u64,
    /// Weights of depthwise convolutions.
    pub depthwise_params: u64,
    /// Multiply-adds that depthwise convolutions would have if each had a single channel.
    pub single_channel_macs: u64,
    /// Sum over convolutions without bias of input times output channels, per group.
    pub unbiased_products: u64,
    /// Values that batch-norm reads.
    pub norm_values: u64,
    /// Values that `ReLU` reads.
    pub relu_values: u64,
    /// Values that `ReLU6` reads.
    pub relu6_values: u64,
    /// Values that hard-swish reads.
    pub hard_swish_values: u64,
    /// Values that swish reads.
    pub swish_values: u64,
    /// Values that the gates of squeeze-excite read.
    pub gate_values: u64,
    /// Whether those gates are sigmoids.
    pub sigmoid_gates: bool,
    /// Values that squeeze-excite multiplies.
    pub gated_values: u64,
    /// Channels of the feature map before the classifier.
    pub features: u64,
}

impl Tally {
    /// Counts a network.
    pub fn of(architecture: &Architecture) -> Self {
        let mut tally = Self {
            cost: architecture.cost(),
            ..Self::default()
        };
        for node in &architecture.graph().nodes {
            let values = node.output.elements();
            match node.op {
                Op::Convolution {
                    in_channels,
                    out_channels,
                    kernel,
                    groups,
                    bias,
                    ..
                } => {
                    let products = u64::from(in_channels / groups) * u64::from(out_channels);
                    let taps = u64::from(kernel).pow(2);
                    if tally.stem_macs == 0 {
                        tally.stem_macs = values * u64::from(in_channels) * taps;
                    }
                    if !bias {
                        tally.unbiased_products += products;
                    }
                    if groups > 1 {
                        tally.depthwise_macs += values * taps;
                        tally.depthwise_params += products * taps;
                        tally.single_channel_macs += values / u64::from(out_channels) * taps;
                    }
                }
                Op::BatchNorm { .. } => tally.norm_values += values,
                Op::Activation(Activation::Relu) => tally.relu_values += values,
                Op::Activation(Activation::Relu6) => tally.relu6_values += values,
                Op::Activation(Activation::HardSwish) => tally.hard_swish_values += values,
                Op::Activation(Activation::Swish) => tally.swish_values += values,
                Op::Gate(gate) => {
                    tally.gate_values += values;
                    tally.sigmoid_gates = gate == Gate::Sigmoid;
                }
                Op::GlobalAveragePool => tally.features = values,
                Op::Multiply => tally.gated_values += values,
                Op::Linear {
                    in_features,
                    out_features,
                } => tally.classifier_macs = u64::from(in_features) * u64::from(out_features),
                _ => {}
            }
        }
        tally
    }

    /// Parameters with three values a normalised channel: shift, running mean and variance, as `TensorFlow` stores it.
    pub fn params_with_three_norm_values(&self) -> u64 {
        self.cost.params + self.cost.batch_norm_params / 2
    }

    /// Parameters without batch-norm's.
    pub fn params_without_norms(&self) -> u64 {
        self.cost.params - self.cost.batch_norm_params
    }

    /// Half of imgclsmob's FLOPs (its `model_stats.py`): a multiply and an add for each multiply-add, but for the first
    /// add of a convolution without bias, 4 operations a normalised value, 1 a `ReLU`, 2 a hard-swish or hard-sigmoid,
    /// 5 a swish, 4 a sigmoid, and the window of the last pooling, `pool`.
    pub fn imgclsmob_half_flops(&self, pool: u64) -> f64 {
        let gate = if self.sigmoid_gates { 4 } else { 2 };
        let flops = 2 * self.cost.macs - self.unbiased_products
            + 4 * self.norm_values
            + self.relu_values
            + self.relu6_values
            + 2 * self.hard_swish_values
            + 5 * self.swish_values
            + gate * self.gate_values
            + pool * self.features;
        flops as f64 / 2.0
    }

    /// FLOPs of Paddle's older `summary`: it divides a depthwise convolution's channels, already 1, by its groups once
    /// more, and counts 2 operations a normalised value and 1 a `ReLU` (none a `ReLU6`).
    pub fn paddle_summary_flops(&self) -> f64 {
        let macs = self.cost.macs - self.depthwise_macs + self.single_channel_macs;
        (2 * (macs + self.norm_values) + self.relu_values) as f64
    }
}
