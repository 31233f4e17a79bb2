//! Hidden channels of blocks with an expansion, written as a factor of the input channels or as a number.

use super::field::{EXPANSION, HIDDEN_CHANNELS, Problem, Value, Values};
use super::kind::Piece;
use crate::limits;
use crate::rounding::make_divisible;

/// Computes `in_channels * expansion`, rounded to a multiple of 8 unless the factor is whole, as in `MobileNetV3`'s
/// reference code.
pub(super) fn exact_or_rounded(in_channels: u32, expansion: f64) -> u32 {
    let hidden = f64::from(in_channels) * expansion;
    if expansion.fract() == 0.0 {
        hidden as u32
    } else {
        make_divisible(hidden, 8)
    }
}

/// Computes `in_channels * expansion`, always rounded to a multiple of 8, as in `MobileNetV4`'s reference code.
pub(super) fn rounded(in_channels: u32, expansion: f64) -> u32 {
    make_divisible(f64::from(in_channels) * expansion, 8)
}

/// Reads the hidden channels; `rule` computes them from the input channels and an expansion.
pub(super) fn read(values: &Values, in_channels: u32, rule: fn(u32, f64) -> u32) -> Result<u32, Problem> {
    let channels = match (values.decimal(&EXPANSION), values.whole(&HIDDEN_CHANNELS)) {
        (Some(_), Some(_)) => {
            return Err(Problem::new(
                "both an expansion (`e`) and hidden channels (`h`)",
                "give one of them",
            ));
        }
        (Some(expansion), None) => rule(in_channels, expansion),
        (None, Some(hidden)) => hidden,
        (None, None) => {
            return Err(Problem::new(
                "no expansion (`e`)",
                "expected an expansion such as `e6`, or hidden channels such as `h96`",
            ));
        }
    };
    if (1..=limits::HIDDEN_CHANNELS).contains(&channels) {
        return Ok(channels);
    }
    let problem = format!("the expansion gives {channels} hidden channels");
    Err(Problem::new(
        problem,
        format!("expected 1 to {}", limits::HIDDEN_CHANNELS),
    ))
}

/// Writes `e6` if the hidden channels are a whole multiple of the input channels, otherwise `h184`.
pub(super) fn write(hidden_channels: u32, in_channels: u32, piece: &mut Piece) {
    let expansion = hidden_channels.checked_div(in_channels).unwrap_or(0);
    // The parser rejects factors above the bound.
    let whole = expansion.checked_mul(in_channels) == Some(hidden_channels);
    if whole && f64::from(expansion) <= limits::EXPANSION {
        piece.push(&EXPANSION, Value::Decimal(f64::from(expansion)));
    } else {
        piece.whole(&HIDDEN_CHANNELS, hidden_channels);
    }
}

/// Writes hidden channels like [`write()`], for blocks whose rule is [`rounded`].
pub(super) fn write_rounded(hidden_channels: u32, in_channels: u32, piece: &mut Piece) {
    if hidden_channels.is_multiple_of(8) {
        write(hidden_channels, in_channels, piece);
    } else {
        piece.whole(&HIDDEN_CHANNELS, hidden_channels);
    }
}
