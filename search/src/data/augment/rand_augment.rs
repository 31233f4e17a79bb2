//! `RandAugment` (Cubuk et al., arXiv:1909.13719).

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::color;
use crate::data::DataError;

/// Some operations in a row, each drawn from fourteen with equal probability, all of one strength.
///
/// Operations and strengths are those of torchvision's `RandAugment`: identity, shears, shifts, rotation, brightness,
/// saturation, contrast, sharpness, posterize, solarize, autocontrast, equalize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RandAugment {
    /// How many operations, 1 to 8 (N of the paper).
    pub operations: u32,
    /// Their strength, 0 to 30 (M of the paper).
    pub magnitude: u32,
}

/// The strongest magnitude.
const STRONGEST: u32 = 30;

impl RandAugment {
    /// Refuses values outside their range.
    pub fn check(&self) -> Result<(), DataError> {
        let invalid = |option, value: u32, expected| {
            Err(DataError::InvalidOption {
                option,
                value: value.to_string(),
                expected,
            })
        };
        if !(1..=8).contains(&self.operations) {
            return invalid("rand-augment.operations", self.operations, "from 1 to 8");
        }
        if self.magnitude > STRONGEST {
            return invalid("rand-augment.magnitude", self.magnitude, "from 0 to 30");
        }
        Ok(())
    }

    /// Changes a square image of `side` pixels in place.
    pub(super) fn apply(self, image: &mut [u8], side: usize, rng: &mut ChaCha8Rng) {
        for _ in 0..self.operations {
            let operation = rng.random_range(0..14);
            // Always drawn, so that the stream does not depend on which operation it is.
            let sign = if rng.random_bool(0.5) { -1.0 } else { 1.0 };
            operate(operation, image, side, self.magnitude as f32 / STRONGEST as f32, sign);
        }
    }
}

/// One of the fourteen operations at `strength`, 0 to 1.
pub(super) fn operate(operation: u32, image: &mut [u8], side: usize, strength: f32, sign: f32) {
    let shear = sign * 0.3 * strength;
    // 150 of 331 pixels, the size of the images that the paper's ranges were found on.
    let shift = (sign * 150.0 / 331.0 * side as f32 * strength).trunc();
    let factor = 1.0 + sign * 0.9 * strength;
    match operation {
        1 => color::affine(image, side, [1.0, shear, 0.0, 1.0], [0.0; 2]),
        2 => color::affine(image, side, [1.0, 0.0, shear, 1.0], [0.0; 2]),
        3 => color::affine(image, side, [1.0, 0.0, 0.0, 1.0], [-shift, 0.0]),
        4 => color::affine(image, side, [1.0, 0.0, 0.0, 1.0], [0.0, -shift]),
        5 => {
            let angle = (sign * 30.0 * strength).to_radians();
            color::affine(
                image,
                side,
                [angle.cos(), -angle.sin(), angle.sin(), angle.cos()],
                [0.0; 2],
            );
        }
        6 => color::brightness(image, factor),
        7 => color::saturation(image, factor),
        8 => color::contrast(image, factor),
        9 => color::sharpness(image, side, factor),
        10 => color::posterize(image, 8 - (4.0 * strength).round() as u32),
        11 => color::solarize(image, 255.0 * (1.0 - strength)),
        12 => color::autocontrast(image),
        13 => color::equalize(image),
        _ => {}
    }
}
