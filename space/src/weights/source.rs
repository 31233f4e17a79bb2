//! Sources of weights: maps read from files, and random weights.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasher;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::parameters::{ParameterKind, ParameterSpec};

/// Source of the weights of a network.
pub trait WeightSource {
    /// Values of a tensor in row-major order; `None` if the source does not contain it.
    fn values(&self, parameter: &ParameterSpec) -> Option<Cow<'_, [f32]>>;
}

/// Weights by tensor name, for example read from a file.
impl<S: BuildHasher> WeightSource for HashMap<String, Vec<f32>, S> {
    fn values(&self, parameter: &ParameterSpec) -> Option<Cow<'_, [f32]>> {
        self.get(&parameter.name).map(|values| Cow::Borrowed(values.as_slice()))
    }
}

/// Random weights for latency measurements. Each tensor has its own random stream, derived from the seed and the tensor's
/// name.
///
/// Kernels and matrices are uniform with variance `2 / fan-in` (He et al., arXiv:1502.01852, section 2.2) and batch-norm
/// is close to the identity, so that activations neither overflow nor become denormal numbers, which slow down arithmetic.
/// Running variances are positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RandomWeights {
    /// Seed; equal seeds give equal weights.
    pub seed: u64,
}

impl WeightSource for RandomWeights {
    fn values(&self, parameter: &ParameterSpec) -> Option<Cow<'_, [f32]>> {
        let fan_in: usize = parameter.shape.iter().skip(1).product();
        let (centre, spread) = match parameter.kind {
            ParameterKind::ConvolutionWeight | ParameterKind::LinearWeight => (0.0, (6.0 / fan_in as f32).sqrt()),
            ParameterKind::Bias | ParameterKind::BatchNormShift | ParameterKind::RunningMean => (0.0, 0.1),
            ParameterKind::BatchNormScale | ParameterKind::RunningVariance | ParameterKind::LayerScale => (1.0, 0.1),
        };
        let stream = xxh3_64_with_seed(parameter.name.as_bytes(), self.seed);
        let mut rng = ChaCha8Rng::seed_from_u64(stream);
        Some(Cow::Owned(uniform(&mut rng, parameter.elements(), centre, spread)))
    }
}

/// Draws `count` values uniformly from `centre - spread` to `centre + spread`. Draws bytes in chunks that fit in the
/// processor's cache, which is about three times as fast as drawing single values.
fn uniform(rng: &mut ChaCha8Rng, count: usize, centre: f32, spread: f32) -> Vec<f32> {
    const CHUNK: usize = 1024;
    let mut bytes = [0u8; CHUNK * 4];
    let mut values = Vec::with_capacity(count);
    // The upper 24 bits of a word become an exact float between 0 and 2.
    let step = 2.0 * spread / (1u32 << 24) as f32;
    let least = centre - spread;
    while values.len() < count {
        let chunk = &mut bytes[..4 * CHUNK.min(count - values.len())];
        rng.fill_bytes(chunk);
        let words = chunk
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        values.extend(words.map(|word| least + (word >> 8) as f32 * step));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, shape: &[usize], kind: ParameterKind) -> ParameterSpec {
        ParameterSpec {
            name: name.to_owned(),
            shape: shape.to_vec(),
            kind,
        }
    }

    #[test]
    fn kernels_have_the_variance_for_their_fan_in() {
        let kernel = spec("a.weight", &[40, 30, 3, 3], ParameterKind::ConvolutionWeight);
        let values = RandomWeights { seed: 1 }.values(&kernel).unwrap().into_owned();
        assert_eq!(values.len(), 40 * 30 * 9);
        let count = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
        let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count;
        assert!(mean.abs() < 2e-3, "{mean}");
        assert!((variance * 270.0 / 2.0 - 1.0).abs() < 0.05, "{variance}");
    }

    #[test]
    fn every_tensor_has_a_stream_of_its_own() {
        let [a, b] = ["a.bias", "b.bias"].map(|name| spec(name, &[5], ParameterKind::Bias));
        let draw = |seed, spec| RandomWeights { seed }.values(spec).unwrap().into_owned();
        assert_eq!(draw(1, &a), draw(1, &a));
        assert_ne!(draw(1, &a), draw(1, &b));
        assert_ne!(draw(1, &a), draw(2, &a));
        assert_ne!(draw(1, &a)[0].to_bits(), draw(1, &a)[1].to_bits());
    }

    #[test]
    fn variances_are_positive() {
        let variance = spec("a.running_var", &[1000], ParameterKind::RunningVariance);
        let values = RandomWeights { seed: 1 }.values(&variance).unwrap().into_owned();
        assert!(values.iter().all(|value| (0.9..=1.1).contains(value)));
    }
}
