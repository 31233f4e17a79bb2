//! `RandAugment` (Cubuk et al., arXiv:1909.13719).

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use mnas_engine::training::RandAugment;

use super::color;

/// Applies random operations to a square image of `side` pixels in place.
pub(super) fn apply(settings: RandAugment, image: &mut [u8], side: usize, rng: &mut ChaCha8Rng) {
    for _ in 0..settings.operations {
        let operation = rng.random_range(0..14);
        // Drawn for every operation, so that the stream does not depend on the operation.
        let sign = if rng.random_bool(0.5) { -1.0 } else { 1.0 };
        operate(
            operation,
            image,
            side,
            settings.magnitude as f32 / RandAugment::STRONGEST as f32,
            sign,
        );
    }
}

/// Applies one of the fourteen operations at `strength`, 0 to 1.
pub(super) fn operate(operation: u32, image: &mut [u8], side: usize, strength: f32, sign: f32) {
    let shear = sign * 0.3 * strength;
    // 150 of 331 pixels, the size of the images in the paper.
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
