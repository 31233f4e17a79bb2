//! Choice of the part of an image, shift and flip.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use mnas_engine::training::{Augmentation, ExtraAugmentation, Fit};

use super::color::{self, mirror};
use crate::data::decode::Pixels;
use crate::data::scale::{Scaler, square_bytes};

/// Augmentation of images, with buffers that are reused.
pub(in crate::data) struct Augmenter {
    scaler: Scaler,
    shifted: Vec<u8>,
    square: Vec<u8>,
    columns: Vec<usize>,
}

impl Augmenter {
    pub(in crate::data) fn new() -> Self {
        Self {
            scaler: Scaler::new(),
            shifted: Vec::new(),
            square: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// Writes the image as a square of `resolution` into `to`.
    pub(in crate::data) fn plain(&mut self, image: Pixels<'_>, fit: Fit, resolution: u32, to: &mut [u8]) {
        self.scaler.square(image, fit, resolution, to);
    }

    /// Writes one random variant of the image at `resolution` into `to`.
    pub(in crate::data) fn vary(
        &mut self,
        (how, extra): (Augmentation, &ExtraAugmentation),
        may_flip: bool,
        rng: &mut ChaCha8Rng,
        image: Pixels<'_>,
        (resolution, to): (u32, &mut [u8]),
    ) {
        let side = resolution as usize;
        match how {
            Augmentation::None => self.plain(image, Fit::default(), resolution, to),
            Augmentation::CropFlip { padding } => self.crop_flip(padding, may_flip, rng, image, (resolution, &mut *to)),
            Augmentation::ResizedCropFlip { min_area } => {
                let whole = [f64::from(image.width), f64::from(image.height)];
                let part = random_part(rng, whole, f64::from(min_area));
                self.scaler.crop(image, part, resolution, to);
                if may_flip && rng.random_bool(0.5) {
                    mirror(to, side);
                }
            }
        }
        if extra.color_jitter > 0.0 {
            let mut factor = || 1.0 + extra.color_jitter * rng.random_range(-1.0_f32..=1.0);
            color::brightness(to, factor());
            color::contrast(to, factor());
            color::saturation(to, factor());
        }
        if let Some(rand_augment) = &extra.rand_augment {
            super::rand_augment::apply(*rand_augment, to, side, rng);
        }
    }

    fn crop_flip(
        &mut self,
        padding: f32,
        may_flip: bool,
        rng: &mut ChaCha8Rng,
        image: Pixels<'_>,
        (resolution, to): (u32, &mut [u8]),
    ) {
        let size = image.width.min(image.height);
        let most = (padding * size as f32).round() as i64;
        let (dx, dy) = (rng.random_range(-most..=most), rng.random_range(-most..=most));
        let flip = may_flip && rng.random_bool(0.5);
        let mut square = std::mem::take(&mut self.square);
        let from = if image.width == image.height {
            image.rgb
        } else {
            square.resize(square_bytes(size), 0);
            self.plain(image, Fit::default(), size, &mut square);
            &square
        };
        if resolution == size {
            shift(from, size, (dx, dy), flip, &mut self.columns, to);
        } else {
            let mut shifted = std::mem::take(&mut self.shifted);
            shifted.resize(from.len(), 0);
            shift(from, size, (dx, dy), flip, &mut self.columns, &mut shifted);
            let pixels = Pixels {
                rgb: &shifted,
                width: size,
                height: size,
            };
            self.plain(pixels, Fit::default(), resolution, to);
            self.shifted = shifted;
        }
        self.square = square;
    }
}

/// Moves the image by `(dx, dy)` with reflection at its borders, then mirrors it where `flip` is set.
pub(super) fn shift(
    image: &[u8],
    size: u32,
    (dx, dy): (i64, i64),
    flip: bool,
    columns: &mut Vec<usize>,
    to: &mut [u8],
) {
    let last = i64::from(size) - 1;
    columns.clear();
    columns.extend((0..=last).map(|x| 3 * reflect(if flip { last - x } else { x } + dx, last + 1)));
    let row_bytes = 3 * size as usize;
    for (y, row) in to.chunks_exact_mut(row_bytes).enumerate() {
        let from = &image[row_bytes * reflect(y as i64 + dy, last + 1)..][..row_bytes];
        for (pixel, &column) in row.chunks_exact_mut(3).zip(columns.iter()) {
            pixel.copy_from_slice(&from[column..column + 3]);
        }
    }
}

/// Reflection of position `at` into `0..side`; the border itself is not repeated.
pub(super) fn reflect(at: i64, side: i64) -> usize {
    if side == 1 {
        return 0;
    }
    let period = 2 * (side - 1);
    let at = at.rem_euclid(period);
    (if at < side { at } else { period - at }) as usize
}

/// Random part `[left, top, width, height]` of an image of `size` with an area share from `min_area` to 1 and an aspect ratio from 3/4
/// to 4/3; the largest centred part with such a ratio where ten draws do not fit.
pub(super) fn random_part(rng: &mut ChaCha8Rng, size: [f64; 2], min_area: f64) -> [f64; 4] {
    let spread = (4.0_f64 / 3.0).ln();
    for _ in 0..10 {
        let area = rng.random_range(min_area..=1.0) * size[0] * size[1];
        let ratio = rng.random_range(-spread..=spread).exp();
        let (width, height) = (grid((area * ratio).sqrt()), grid((area / ratio).sqrt()));
        if width <= size[0] && height <= size[1] {
            let left = grid(rng.random_range(0.0..=1.0) * (size[0] - width));
            let top = grid(rng.random_range(0.0..=1.0) * (size[1] - height));
            return [left, top, width, height];
        }
    }
    let width = size[0].min(grid(size[1] * 4.0 / 3.0));
    let height = size[1].min(grid(size[0] * 4.0 / 3.0));
    [
        grid((size[0] - width) / 2.0),
        grid((size[1] - height) / 2.0),
        width,
        height,
    ]
}

/// Rounds down to 1/1024, so that sums of such numbers are exact and no part exceeds the image by a rounding error.
fn grid(value: f64) -> f64 {
    (value * 1024.0).floor() / 1024.0
}
