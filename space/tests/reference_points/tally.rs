//! Counts by the conventions of other sources, which include more than convolutions and linear layers.

use mnas_space::{Activation, Architecture, Cost, Gate, Op};

/// Sums over the operations of a network.
#[derive(Debug, Default)]
pub struct Tally {
    /// Costs by the project's convention.
    pub cost: Cost,
    /// Multiply-adds of the first convolution.
    pub stem_macs: u64,
    /// Multiply-adds of the classifier.
    pub classifier_macs: u64,
    /// Multiply-adds of depthwise convolutions.
    pub depthwise_macs: u64,
    /// Weights of depthwise convolutions.
    pub depthwise_params: u64,
    /// Multiply-adds of depthwise convolutions divided by their channels.
    pub single_channel_macs: u64,
    /// Input channels per group times output channels, summed over convolutions without bias.
    pub unbiased_products: u64,
    /// Input values of batch-norm.
    pub norm_values: u64,
    /// Input values of `ReLU`.
    pub relu_values: u64,
    /// Input values of `ReLU6`.
    pub relu6_values: u64,
    /// Input values of hard-swish.
    pub hard_swish_values: u64,
    /// Input values of swish.
    pub swish_values: u64,
    /// Input values of the gates of squeeze-excite.
    pub gate_values: u64,
    /// True if these gates are sigmoids.
    pub sigmoid_gates: bool,
    /// Values multiplied by squeeze-excite.
    pub gated_values: u64,
    /// Channels of the feature map before the classifier.
    pub features: u64,
}

impl Tally {
    /// Tally of a network.
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

    /// Parameters with three values per normalised channel (shift, running mean, running variance), as stored by
    /// `TensorFlow`.
    pub fn params_with_three_norm_values(&self) -> u64 {
        self.cost.params + self.cost.batch_norm_params / 2
    }

    /// Parameters without those of batch-norm.
    pub fn params_without_norms(&self) -> u64 {
        self.cost.params - self.cost.batch_norm_params
    }

    /// Half of the FLOPs of imgclsmob (its `model_stats.py`): 2 per multiply-add, except for the first addition of a
    /// convolution without bias; per value 4 for batch-norm, 1 for `ReLU`, 2 for hard-swish and hard sigmoid, 5 for swish
    /// and 4 for sigmoid; and `pool`, the window of the last pooling, per feature.
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

    /// FLOPs of Paddle's older `summary`, which divides the multiply-adds of depthwise convolutions by their groups twice,
    /// and counts 2 per value for batch-norm, 1 for `ReLU` and none for `ReLU6`.
    pub fn paddle_summary_flops(&self) -> f64 {
        let macs = self.cost.macs - self.depthwise_macs + self.single_channel_macs;
        (2 * (macs + self.norm_values) + self.relu_values) as f64
    }
}
