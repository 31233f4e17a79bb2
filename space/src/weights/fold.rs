//! Folding of batch-norm into the preceding convolution.
//!
//! In inference, batch-norm is `scale * (x - mean) / sqrt(variance + epsilon) + shift` with constants per channel. A
//! convolution followed by batch-norm is a convolution with other weights and a bias (Jacob et al., arXiv:1712.05877,
//! section 3.2).

use super::error::WeightError;

/// Tensors of a batch-norm operation, with one value per channel each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchNormValues<'v> {
    pub scale: &'v [f32],
    pub shift: &'v [f32],
    pub mean: &'v [f32],
    pub variance: &'v [f32],
    pub epsilon: f64,
}

impl BatchNormValues<'_> {
    /// Rejects variances that are negative or not a number; `name` is the name of their tensor.
    pub(crate) fn check(&self, name: &str) -> Result<(), WeightError> {
        match self.variance.iter().position(|value| value.is_nan() || *value < 0.0) {
            Some(channel) => Err(WeightError::BadVariance {
                name: name.to_owned(),
                channel,
                value: self.variance[channel],
            }),
            None => Ok(()),
        }
    }

    /// Scales the rows of `weight` (`[out, ...]`) in place and returns the bias that replaces `bias`. Computes in 64-bit
    /// floats and rounds once.
    pub(crate) fn fold(&self, weight: &mut [f32], bias: Option<&[f32]>) -> Vec<f32> {
        let channels = self.scale.len();
        let row_length = (weight.len() / channels.max(1)).max(1);
        let mut folded = Vec::with_capacity(channels);
        for (channel, row) in weight.chunks_exact_mut(row_length).enumerate() {
            let deviation = (f64::from(self.variance[channel]) + self.epsilon).sqrt();
            let factor = f64::from(self.scale[channel]) / deviation;
            for value in row {
                *value = (f64::from(*value) * factor) as f32;
            }
            let before = bias.map_or(0.0, |bias| f64::from(bias[channel]));
            let shift = f64::from(self.shift[channel]);
            folded.push(((before - f64::from(self.mean[channel])) * factor + shift) as f32);
        }
        folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batch_norm(v: [f32; 4], x: f64) -> f64 {
        let [scale, shift, mean, variance] = v.map(f64::from);
        scale * (x - mean) / (variance + 1e-5).sqrt() + shift
    }

    proptest! {
        /// Compares a sum of products followed by batch-norm, computed from its definition, with the folded sum.
        #[test]
        fn folded_weights_equal_batch_norm_after_the_convolution(
            constants in prop::collection::vec([-2f32..2.0, -2f32..2.0, -2f32..2.0, 0f32..4.0], 1..5),
            inputs in prop::collection::vec(-3f32..3.0, 1..6),
            bias in prop::option::of(-1f32..1.0),
        ) {
            let channels = constants.len();
            let column = |index: usize| constants.iter().map(|v: &[f32; 4]| v[index]).collect::<Vec<f32>>();
            let [scale, shift, mean, variance] = [0, 1, 2, 3].map(column);
            let original: Vec<f32> = (0..channels * inputs.len()).map(|n| (n as f32 * 0.7).sin()).collect();
            let bias = bias.map(|bias| vec![bias; channels]);
            let mut weight = original.clone();
            let (scale, shift, mean, variance) = (&scale, &shift, &mean, &variance);
            let values = BatchNormValues { scale, shift, mean, variance, epsilon: 1e-5 };
            let folded_bias = values.fold(&mut weight, bias.as_deref());
            let dot = |row: &[f32]| row.iter().zip(&inputs).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>();
            for channel in 0..channels {
                let row = channel * inputs.len()..(channel + 1) * inputs.len();
                let before = dot(&original[row.clone()]) + bias.as_ref().map_or(0.0, |bias| f64::from(bias[channel]));
                let expected = batch_norm(constants[channel], before);
                let found = dot(&weight[row.clone()]) + f64::from(folded_bias[channel]);
                // Rounding errors are relative to the terms, which may cancel.
                let size: f64 = original[row].iter().zip(&inputs).map(|(w, x)| f64::from((w * x).abs())).sum();
                let [scale, shift, mean, variance] = constants[channel].map(|value| f64::from(value.abs()));
                let terms = scale / (variance + 1e-5).sqrt() * (size + 1.0 + mean) + shift;
                prop_assert!((expected - found).abs() <= 1e-6 * terms, "{expected} {found}");
            }
        }
    }

    #[test]
    fn invalid_variances_are_refused_by_name() {
        let ones = [1.0; 3];
        for bad in [-0.5, f32::NAN] {
            let variance = [0.0, 1.0, bad];
            let values = BatchNormValues {
                scale: &ones,
                shift: &ones,
                mean: &ones,
                variance: &variance,
                epsilon: 1e-5,
            };
            let error = values.check("blocks.0.main.bn.running_var").unwrap_err();
            assert!(matches!(&error, WeightError::BadVariance { channel: 2, .. }), "{error}");
            assert!(
                error
                    .to_string()
                    .starts_with("tensor `blocks.0.main.bn.running_var` is "),
                "{error}"
            );
        }
    }
}
