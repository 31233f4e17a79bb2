//! Scales, zero points and integers of quantised tensors.

use super::range::Range;

/// Greatest magnitude of a weight; -128 is not used, so that the range is symmetric.
const WEIGHT_LIMIT: f32 = 127.0;
/// Greatest magnitude of a bias, which leaves room in an `i32` for the products added to it.
const BIAS_LIMIT: f64 = (1 << 30) as f64;

/// Least scale of a weight, used for channels of zeros: runtimes reject products of scales near the smallest float.
const LEAST_WEIGHT_SCALE: f32 = 1e-9;

/// Scale and zero point of an activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ActivationScale {
    pub scale: f32,
    pub zero_point: i8,
}

impl ActivationScale {
    /// Scale with which -128 to 127 cover the range and 0 is represented exactly.
    pub fn of(range: Range) -> Self {
        if range.is_empty() {
            return Self {
                scale: 1.0,
                zero_point: 0,
            };
        }
        let scale = ((f64::from(range.high()) - f64::from(range.low())) / 255.0) as f32;
        let scale = scale.max(f32::MIN_POSITIVE);
        let zero_point = (-128.0 - f64::from(range.low()) / f64::from(scale)).round();
        Self {
            scale,
            zero_point: zero_point.clamp(-128.0, 127.0) as i8,
        }
    }
}

/// Weight with one scale per output channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuantisedWeight {
    pub values: Vec<i8>,
    pub scales: Vec<f32>,
}

/// Quantises a weight whose output channel changes every `inner` values, starting again at the first after the last.
///
/// The scale of a channel is `max |w| / 127`, or greater if `bias` would not fit in 32 bits at `input_scale * scale`.
pub(crate) fn quantise_weight(weights: &[f32], inner: usize, bias: &[f32], input_scale: f32) -> QuantisedWeight {
    let channels = bias.len();
    let channel = |index: usize| index / inner % channels;
    let mut greatest = vec![0f32; channels];
    for (index, weight) in weights.iter().enumerate() {
        let greatest = &mut greatest[channel(index)];
        *greatest = greatest.max(weight.abs());
    }
    let scales: Vec<f32> = greatest
        .iter()
        .zip(bias)
        .map(|(greatest, bias)| {
            let for_bias = f64::from(bias.abs()) / (BIAS_LIMIT * f64::from(input_scale));
            (greatest / WEIGHT_LIMIT).max(for_bias as f32).max(LEAST_WEIGHT_SCALE)
        })
        .collect();
    let values = weights.iter().enumerate().map(|(index, weight)| {
        let quotient = f64::from(*weight) / f64::from(scales[channel(index)]);
        quotient.round() as i8
    });
    QuantisedWeight {
        values: values.collect(),
        scales,
    }
}

/// Quantises a bias with the scales of the products to which it is added; returns the integers and the scales.
pub(crate) fn quantise_bias(bias: &[f32], weight_scales: &[f32], input_scale: f32) -> (Vec<i32>, Vec<f32>) {
    let scales: Vec<f32> = weight_scales.iter().map(|scale| scale * input_scale).collect();
    let values = bias
        .iter()
        .zip(weight_scales)
        .map(|(bias, scale)| (f64::from(*bias) / (f64::from(*scale) * f64::from(input_scale))).round() as i32);
    (values.collect(), scales)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_range_is_covered_and_its_zero_exact(low in -50f32..50.0, high in -50f32..50.0) {
            let range = Range::new(low, high).unwrap();
            let ActivationScale { scale, zero_point } = ActivationScale::of(range);
            let number = |q: i32| scale * (q - i32::from(zero_point)) as f32;
            prop_assert!(number(-128) <= range.low() + 0.51 * scale);
            prop_assert!(number(127) >= range.high() - 0.51 * scale);
        }

        #[test]
        fn weights_and_biases_are_within_half_a_step(
            weights in prop::collection::vec(-2f32..2.0, 12),
            bias in prop::collection::vec(-100f32..100.0, 3),
            inner in prop::sample::select(vec![1usize, 2, 4]),
        ) {
            let input_scale = 0.02;
            let quantised = quantise_weight(&weights, inner, &bias, input_scale);
            for (index, weight) in weights.iter().enumerate() {
                let scale = quantised.scales[index / inner % 3];
                let restored = f32::from(quantised.values[index]) * scale;
                prop_assert!((restored - weight).abs() <= 0.5001 * scale, "{weight} {restored}");
            }
            let (integers, scales) = quantise_bias(&bias, &quantised.scales, input_scale);
            for ((integer, scale), bias) in integers.iter().zip(&scales).zip(&bias) {
                prop_assert!((*integer as f32 * scale - bias).abs() <= scale + 1e-5 * bias.abs());
            }
        }
    }

    #[test]
    fn functions_with_known_ranges_have_the_expected_scales() {
        let scale = |low, high| ActivationScale::of(Range::new(low, high).unwrap());
        let (sigmoid, zero_point) = (1.0 / 256.0, -128);
        assert_eq!(
            scale(0.0, 255.0 / 256.0),
            ActivationScale {
                scale: sigmoid,
                zero_point
            }
        );
        assert_eq!(
            scale(0.0, 0.0),
            ActivationScale {
                scale: 1.0,
                zero_point: 0
            }
        );
    }

    #[test]
    fn a_channel_without_weights_keeps_its_bias() {
        let bias = [0.5, -1e6];
        let quantised = quantise_weight(&[0.0, 0.0], 1, &bias, 0.01);
        let (integers, scales) = quantise_bias(&bias, &quantised.scales, 0.01);
        for ((integer, scale), bias) in integers.iter().zip(&scales).zip(bias) {
            assert!((*integer as f32 * scale / bias - 1.0).abs() < 1e-5, "{integer} {scale}");
        }
    }
}
