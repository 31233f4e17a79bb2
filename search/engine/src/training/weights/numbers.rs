//! Conversion of stored numbers to 32-bit floats.

use safetensors::Dtype;

/// The values of a tensor's bytes; `None` for types other than floats of 16, 32 and 64 bits.
pub(super) fn floats(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F32 => chunks(bytes).map(f32::from_le_bytes).collect(),
        Dtype::F64 => chunks(bytes).map(|bytes| f64::from_le_bytes(bytes) as f32).collect(),
        Dtype::BF16 => chunks(bytes)
            .map(|bytes| f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16))
            .collect(),
        Dtype::F16 => chunks(bytes).map(|bytes| half(u16::from_le_bytes(bytes))).collect(),
        _ => return None,
    })
}

fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks::<N>().0.iter().copied()
}

/// The value of a 16-bit float (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let magnitude = u32::from(bits & 0x7fff);
    let value = match magnitude >> 10 {
        // Zero and subnormal numbers, multiples of 2^-24.
        0 => magnitude as f32 / (1u32 << 24) as f32,
        31 => f32::from_bits(0x7f80_0000 | (magnitude & 0x3ff) << 13),
        // The exponent's bias is 15, that of 32-bit floats 127.
        _ => f32::from_bits((magnitude << 13) + (112 << 23)),
    };
    if bits & 0x8000 == 0 { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bit_floats_are_exact() {
        let cases: [(u16, f32); 8] = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x8000, -0.0),
            (0x7c00, f32::INFINITY),
        ];
        for (bits, value) in cases {
            let found = floats(Dtype::F16, &bits.to_le_bytes()).unwrap();
            assert_eq!(found[0].to_bits(), value.to_bits(), "{bits:x}: {found:?}");
        }
        assert!(half(0x7e00).is_nan());
        let brain = floats(Dtype::BF16, &0xc049u16.to_le_bytes()).unwrap();
        assert_eq!(brain, [-3.140_625]);
        assert_eq!(floats(Dtype::F64, &(-0.1f64).to_le_bytes()).unwrap(), [-0.1]);
        assert!(floats(Dtype::I32, &[0; 4]).is_none());
    }
}
