//! Fit of the predictor's coefficients.
//!
//! The fit is deterministic. The constants of its models were chosen once, by one rule: the least mean error over all points of five
//! families left out in turn ([`super::validation`]); no family was considered on its own.

use super::accel::AccelNetwork;
use super::calibration::Point;
use super::document::Coefficients;
use super::interactions::Interactions;
use super::published::PublishedNetwork;
use super::range::{Range, SUMMARIES};

pub use super::calibration::Calibration;
pub use super::structure::StructureWeights;

/// Number of significant digits of the coefficients, so that their file is readable.
const DIGITS: i32 = 8;

fn round(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    let factor = 10_f64.powi(DIGITS - 1 - number.abs().log10().floor() as i32);
    let rounded = (number * factor).round() / factor;
    // The shortest text of a quotient may have more digits.
    format!("{rounded:.*e}", DIGITS as usize - 1).parse().unwrap_or(rounded)
}

/// Fits all coefficients to the published networks and to networks of Accel-NASBench.
pub fn fit(published: &[PublishedNetwork], accel: &[AccelNetwork]) -> Coefficients {
    let mut structure = StructureWeights::fit(accel);
    let effects = structure.width.iter_mut().chain(&mut structure.depth);
    effects.for_each(|effect| *effect = round(*effect));
    (structure.kernel, structure.squeeze_excite) = (round(structure.kernel), round(structure.squeeze_excite));
    let points = Point::all(published, &structure);
    let all: Vec<&Point> = points.iter().collect();
    let summaries: Vec<[f64; SUMMARIES]> = points.iter().map(|point| point.summary).collect();
    Coefficients::new(
        (points.len(), accel.len()),
        Calibration::fit(&all, &structure).rounded(round),
        structure,
        Range::of(&summaries).rounded(round),
        Interactions::fit(accel).rounded(round),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_eight_digits() {
        assert_eq!(round(1.0 / 3.0), 0.333_333_33);
        assert_eq!(round(-123_456.789_01), -123_456.79);
        assert_eq!(round(0.0), 0.0);
    }
}
