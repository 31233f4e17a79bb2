//! Arrays of numbers in messages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

/// 32-bit floats that keep every bit in JSON: base64 of their little-endian bytes, which also holds infinities and NaN.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Floats(pub Vec<f32>);

/// A text that is not an array of numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 32-bit floats in base64: {0}")]
pub struct FloatsError(String);

impl From<Floats> for String {
    fn from(Floats(values): Floats) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        BASE64.encode(bytes)
    }
}

impl TryFrom<String> for Floats {
    type Error = FloatsError;

    fn try_from(text: String) -> Result<Self, FloatsError> {
        let bytes = BASE64.decode(text).map_err(|error| FloatsError(error.to_string()))?;
        let (values, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(FloatsError(format!("{} bytes are not a multiple of 4", bytes.len())));
        }
        Ok(Self(values.iter().map(|&value| f32::from_le_bytes(value)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_travels() {
        let values = [0.1, -0.0, f32::MIN_POSITIVE, f32::INFINITY, f32::NAN];
        let json = serde_json::to_string(&Floats(values.to_vec())).unwrap();
        let read: Floats = serde_json::from_str(&json).unwrap();
        assert!(
            read.0
                .iter()
                .zip(values)
                .all(|(one, other)| one.to_bits() == other.to_bits())
        );
        for text in ["\"AAAA\"", "\"?\"", "[1.0]"] {
            assert!(serde_json::from_str::<Floats>(text).is_err(), "{text}");
        }
    }
}
