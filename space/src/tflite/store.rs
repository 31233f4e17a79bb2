//! Stored form of values: type, quantisation and bytes, for each precision of the file.

use half::f16;

use super::error::TfliteError;
use super::options::Precision;
use super::program::{Content, Extent, Program, Value, ValueId};
use super::schema::tensor_type;
use crate::quantisation::{ActivationScale, Ranges, quantise_bias, quantise_weight};

/// Form of a value in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub tensor_type: u8,
    pub quantisation: Option<Scales>,
    /// Bytes of a constant; `None` for other values.
    pub data: Option<Vec<u8>>,
}

/// Scales of a quantised value: a single scale, or one per index of a dimension.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scales {
    pub factors: Vec<f32>,
    pub zero_points: Vec<i64>,
    pub dimension: i32,
}

impl Stored {
    fn plain(tensor_type: u8, data: Option<Vec<u8>>) -> Self {
        Self {
            tensor_type,
            quantisation: None,
            data,
        }
    }

    fn quantised(tensor_type: u8, (factors, zero_points): (Vec<f32>, Vec<i64>), dimension: usize) -> Self {
        let quantisation = Some(Scales {
            factors,
            zero_points,
            dimension: dimension as i32,
        });
        Self {
            tensor_type,
            quantisation,
            data: None,
        }
    }

    fn holding(self, data: Vec<u8>) -> Self {
        Self {
            data: Some(data),
            ..self
        }
    }
}

/// Converts the values of a program to their stored form.
pub(super) fn store(program: &Program<'_>, precision: &Precision) -> Result<Vec<Stored>, TfliteError> {
    if let Precision::Int8 { ranges, .. } = precision {
        return Quantiser::new(program, ranges).store();
    }
    let is_half = *precision == Precision::Float16;
    program.values.iter().map(|value| store_float(value, is_half)).collect()
}

fn store_float(value: &Value<'_>, is_half: bool) -> Result<Stored, TfliteError> {
    Ok(match &value.content {
        Content::Activation(_) | Content::Float => Stored::plain(tensor_type::FLOAT32, None),
        Content::Weight { values, .. } if is_half => {
            let mut data = Vec::with_capacity(2 * values.len());
            for weight in values.iter() {
                let rounded = f16::from_f32(*weight);
                if !rounded.is_finite() {
                    return Err(unrepresentable(value, *weight, "fp16"));
                }
                data.extend(rounded.to_le_bytes());
            }
            Stored::plain(tensor_type::FLOAT16, Some(data))
        }
        Content::Weight { values, .. } => Stored::plain(tensor_type::FLOAT32, Some(float_bytes(values))),
        Content::Bias { values, .. } => Stored::plain(tensor_type::FLOAT32, Some(float_bytes(values))),
        Content::Number(number) => Stored::plain(tensor_type::FLOAT32, Some(float_bytes(&[*number]))),
        Content::Integers(values) => store_integers(values),
    })
}

fn store_integers(values: &[i32]) -> Stored {
    Stored::plain(
        tensor_type::INT32,
        Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    )
}

fn float_bytes(values: &[f32]) -> Vec<u8> {
    let mut data = vec![0; 4 * values.len()];
    for (bytes, value) in data.chunks_exact_mut(4).zip(values) {
        bytes.copy_from_slice(&value.to_le_bytes());
    }
    data
}

fn unrepresentable(value: &Value<'_>, number: f32, precision: &'static str) -> TfliteError {
    TfliteError::Unrepresentable {
        name: value.name.clone(),
        value: number,
        precision,
    }
}

/// Converter of values to 8-bit integers.
struct Quantiser<'p, 'w> {
    program: &'p Program<'w>,
    ranges: &'p Ranges,
    /// Scale of each activation so far; unused for other values.
    scales: Vec<ActivationScale>,
    stored: Vec<Stored>,
}

impl<'p, 'w> Quantiser<'p, 'w> {
    fn new(program: &'p Program<'w>, ranges: &'p Ranges) -> Self {
        Self {
            program,
            ranges,
            scales: Vec::with_capacity(program.values.len()),
            stored: Vec::with_capacity(program.values.len()),
        }
    }

    fn store(mut self) -> Result<Vec<Stored>, TfliteError> {
        for value in &self.program.values {
            let mut scale = ActivationScale {
                scale: 1.0,
                zero_point: 0,
            };
            let stored = match &value.content {
                Content::Activation(extent) => {
                    scale = self.scale(value, *extent)?;
                    let scales = (vec![scale.scale], vec![i64::from(scale.zero_point)]);
                    Stored::quantised(tensor_type::INT8, scales, 0)
                }
                // The weight is quantised together with its bias, which comes later.
                Content::Weight { .. } => Stored::plain(tensor_type::INT8, None),
                Content::Bias { values, input, weight } => self.bias(value, values, *input, *weight)?,
                Content::Number(number) => {
                    Stored::quantised(tensor_type::INT8, (vec![number / 127.0], vec![0]), 0).holding(vec![127])
                }
                Content::Float => Stored::plain(tensor_type::FLOAT32, None),
                Content::Integers(values) => store_integers(values),
            };
            self.scales.push(scale);
            self.stored.push(stored);
        }
        Ok(self.stored)
    }

    fn scale(&self, value: &Value<'_>, extent: Extent) -> Result<ActivationScale, TfliteError> {
        match extent {
            Extent::SameAs(other) => Ok(self.scales[other.0]),
            Extent::Known(range) => Ok(ActivationScale::of(range)),
            Extent::Calibrated(tensor) => {
                let missing = || TfliteError::MissingRange {
                    name: value.name.clone(),
                };
                self.ranges.get(tensor).map(ActivationScale::of).ok_or_else(missing)
            }
        }
    }

    /// Stores a bias and the weight of the same operator.
    fn bias(
        &mut self,
        value: &Value<'_>,
        bias: &[f32],
        input: ValueId,
        weight: ValueId,
    ) -> Result<Stored, TfliteError> {
        let weight_value = &self.program.values[weight.0];
        let Content::Weight {
            values,
            dimension,
            inner,
        } = &weight_value.content
        else {
            unreachable!("a bias belongs to a weight")
        };
        for (owner, numbers) in [(weight_value, &values[..]), (value, bias)] {
            if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
                return Err(unrepresentable(owner, *number, "int8"));
            }
        }
        let input_scale = self.scales[input.0].scale;
        let quantised = quantise_weight(values, *inner, bias, input_scale);
        let (integers, bias_scales) = quantise_bias(bias, &quantised.scales, input_scale);
        let zeros = vec![0; bias.len()];
        let bytes = quantised.values.iter().map(|value| value.to_le_bytes()[0]).collect();
        self.stored[weight.0] =
            Stored::quantised(tensor_type::INT8, (quantised.scales, zeros.clone()), *dimension).holding(bytes);
        let data = integers.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(Stored::quantised(tensor_type::INT32, (bias_scales, zeros), 0).holding(data))
    }
}
