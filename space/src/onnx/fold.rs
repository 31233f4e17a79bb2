//! Batch-norm folded into the convolution before it.
//!
//! In inference batch-norm is `scale * (x - mean) / sqrt(variance + epsilon) + shift` with constants per channel, so
//! that after a convolution it is the same convolution with other weights and a bias (Jacob et al.,
//! arXiv:1712.05877, section 3.2).

use super::OnnxError;

/// A batch-norm layer's tensors, each one value per channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchNormValues<'v> {
    pub scale: &'v [f32],
    pub shift: &'v [f32],
    pub mean: &'v [f32],
    pub variance: &'v [f32],
    pub epsilon: f64,
}

impl BatchNormValues<'_> {
    /// Refuses variances that have no square root; `name` is the tensor's.
    pub(super) fn check(&self, name: &str) -> Result<(), OnnxError> {
        match self.variance.iter().position(|value| value.is_nan() || *value < 0.0) {
            Some(channel) => {
                Err(OnnxError::BadVariance { name: name.to_owned(), channel, value: self.variance[channel] })
            }
            None => Ok(()),
        }
    }

    /// Multiplies `weight` (`[out, ...]`, one row per channel) in place and returns the bias that replaces `bias`.
    ///
    /// Computed in 64 bits and rounded once.
    pub(super) fn fold(&self, weight: &mut [f32], bias: Option<&[f32]>) -> Vec<f32> {
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
