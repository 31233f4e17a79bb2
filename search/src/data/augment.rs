//! Augmentation of training images, and normalisation.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::decode::{Pixels, Scaler};
use super::{DataError, ImageSet};

/// How a training image is varied each time it is seen.
///
/// The flips are left out for sets whose classes are not the same mirrored (digits); see [`ImageSet::may_flip`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Augmentation {
    /// The image as it is.
    None,
    /// A random shift by up to `padding` in each direction, the border filled by reflection, and a random
    /// horizontal flip: the usual augmentation of small images (He et al. 2016, section 4.2).
    CropFlip {
        /// The largest shift as a share of the side: 0.125, the default, is 4 pixels of 32.
        #[serde(default = "default_padding")]
        padding: f32,
    },
    /// A random part of the image scaled to the whole, and a random horizontal flip: the usual augmentation
    /// of large images (Szegedy et al. 2015). The aspect ratio is drawn between 3/4 and 4/3.
    ResizedCropFlip {
        /// The smallest part, as a share of the area: 0.08 for `ImageNet` as published, 0.35 (the default)
        /// for short trainings of small networks.
        #[serde(default = "default_min_area")]
        min_area: f32,
    },
}

fn default_padding() -> f32 {
    0.125
}

fn default_min_area() -> f32 {
    0.35
}

impl Augmentation {
    /// Shift and flip with the usual padding.
    pub fn crop_flip() -> Self {
        Self::CropFlip {
            padding: default_padding(),
        }
    }

    /// Random part and flip with the default smallest part.
    pub fn resized_crop_flip() -> Self {
        Self::ResizedCropFlip {
            min_area: default_min_area(),
        }
    }

    /// Refuses values outside their range.
    pub fn check(&self) -> Result<(), DataError> {
        match *self {
            Self::CropFlip { padding } if !(0.0..=0.5).contains(&padding) => Err(DataError::InvalidOption {
                option: "padding",
                value: padding.to_string(),
                expected: "a share of the side from 0 to 0.5 (0.125 is 4 pixels of 32)",
            }),
            Self::ResizedCropFlip { min_area } if !(min_area > 0.0 && min_area <= 1.0) => {
                Err(DataError::InvalidOption {
                    option: "min-area",
                    value: min_area.to_string(),
                    expected: "a share of the area above 0 and up to 1",
                })
            }
            _ => Ok(()),
        }
    }
}

/// Mean and standard deviation of each channel, on the scale where 255 is 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// Mean of red, green, blue.
    pub mean: [f32; 3],
    /// Standard deviation of red, green, blue; never 0.
    pub std: [f32; 3],
}

impl Normalization {
    /// The `ImageNet` values that published networks are trained with.
    pub const IMAGENET: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };

    /// Over all pixels of a set (use the training images), exact and independent of any order.
    pub fn of(set: &ImageSet) -> Self {
        let mut sum = [0_u64; 3];
        let mut squares = [0_u64; 3];
        for pixel in set.pixels().chunks_exact(3) {
            for channel in 0..3 {
                let value = u64::from(pixel[channel]);
                sum[channel] += value;
                squares[channel] += value * value;
            }
        }
        let count = (set.pixels().len() / 3).max(1) as f64;
        let mut normalization = Self {
            mean: [0.0; 3],
            std: [1.0; 3],
        };
        for channel in 0..3 {
            let mean = sum[channel] as f64 / count;
            let variance = squares[channel] as f64 / count - mean * mean;
            normalization.mean[channel] = (mean / 255.0) as f32;
            // A constant channel has no spread to divide by: one grey level stands in.
            normalization.std[channel] = (variance.max(1.0).sqrt() / 255.0) as f32;
        }
        normalization
    }

    /// The normalised value of each byte, per channel.
    pub(super) fn table(&self) -> [[f32; 256]; 3] {
        let mut table = [[0.0; 256]; 3];
        for (channel, values) in table.iter_mut().enumerate() {
            for (byte, value) in values.iter_mut().enumerate() {
                *value = (byte as f32 / 255.0 - self.mean[channel]) / self.std[channel];
            }
        }
        table
    }
}

/// Applies augmentation with buffers that are reused.
pub(super) struct Augmenter {
    scaler: Scaler,
    shifted: Vec<u8>,
    columns: Vec<usize>,
}

impl Augmenter {
    pub(super) fn new() -> Self {
        Self {
            scaler: Scaler::new(),
            shifted: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// Scales the whole image (`size` by `size`) to `resolution`, into `to`.
    pub(super) fn plain(&mut self, image: &[u8], size: u32, resolution: u32, to: &mut [u8]) {
        let pixels = Pixels {
            rgb: image,
            width: size,
            height: size,
        };
        self.scaler.centre_square(pixels, resolution, to);
    }

    /// One random variant of the image (`size` by `size`) at `resolution`, into `to`.
    pub(super) fn vary(
        &mut self,
        how: Augmentation,
        may_flip: bool,
        rng: &mut ChaCha8Rng,
        (image, size): (&[u8], u32),
        (resolution, to): (u32, &mut [u8]),
    ) {
        match how {
            Augmentation::None => self.plain(image, size, resolution, to),
            Augmentation::CropFlip { padding } => {
                let most = (padding * size as f32).round() as i64;
                let (dx, dy) = (rng.random_range(-most..=most), rng.random_range(-most..=most));
                let flip = may_flip && rng.random_bool(0.5);
                if resolution == size {
                    shift(image, size, (dx, dy), flip, &mut self.columns, to);
                } else {
                    let mut shifted = std::mem::take(&mut self.shifted);
                    shifted.resize(image.len(), 0);
                    shift(image, size, (dx, dy), flip, &mut self.columns, &mut shifted);
                    self.plain(&shifted, size, resolution, to);
                    self.shifted = shifted;
                }
            }
            Augmentation::ResizedCropFlip { min_area } => {
                let part = random_part(rng, f64::from(size), f64::from(min_area));
                let pixels = Pixels {
                    rgb: image,
                    width: size,
                    height: size,
                };
                self.scaler.crop(pixels, part, resolution, to);
                if may_flip && rng.random_bool(0.5) {
                    mirror(to, resolution);
                }
            }
        }
    }
}

/// Moves the image by `(dx, dy)`, reflecting it at its borders, and mirrors the result where `flip` says so.
fn shift(image: &[u8], size: u32, (dx, dy): (i64, i64), flip: bool, columns: &mut Vec<usize>, to: &mut [u8]) {
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

/// The place inside `0..side` that `at` is the mirror image of; the border itself is not repeated.
fn reflect(at: i64, side: i64) -> usize {
    if side == 1 {
        return 0;
    }
    let period = 2 * (side - 1);
    let at = at.rem_euclid(period);
    (if at < side { at } else { period - at }) as usize
}

/// A part `[left, top, width, height]` of a square with an area share from `min_area` to 1 and an aspect
/// ratio from 3/4 to 4/3; the whole square where ten draws do not fit.
fn random_part(rng: &mut ChaCha8Rng, side: f64, min_area: f64) -> [f64; 4] {
    let spread = (4.0_f64 / 3.0).ln();
    for _ in 0..10 {
        let area = rng.random_range(min_area..=1.0) * side * side;
        let ratio = rng.random_range(-spread..=spread).exp();
        let (width, height) = (grid((area * ratio).sqrt()), grid((area / ratio).sqrt()));
        if width <= side && height <= side {
            let left = grid(rng.random_range(0.0..=1.0) * (side - width));
            let top = grid(rng.random_range(0.0..=1.0) * (side - height));
            return [left, top, width, height];
        }
    }
    [0.0, 0.0, side, side]
}

/// Rounds down to 1/1024, so that sums of such numbers are exact and a part never sticks out by a rounding error.
fn grid(value: f64) -> f64 {
    (value * 1024.0).floor() / 1024.0
}

fn mirror(image: &mut [u8], side: u32) {
    let side = side as usize;
    for row in image.chunks_exact_mut(3 * side) {
        for x in 0..side / 2 {
            for channel in 0..3 {
                row.swap(3 * x + channel, 3 * (side - 1 - x) + channel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::picture;
    use crate::random::stream;

    #[test]
    fn reflection_mirrors_at_both_borders() {
        let places: Vec<usize> = (-3..8).map(|at| reflect(at, 5)).collect();
        assert_eq!(places, [3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1]);
        assert_eq!(reflect(-7, 1), 0);
    }

    #[test]
    fn a_shift_moves_pixels_and_a_flip_mirrors_them() {
        let image = picture(6, 6, 1);
        let mut out = vec![0; 6 * 6 * 3];
        let mut columns = Vec::new();
        shift(image.as_raw(), 6, (1, -2), false, &mut columns, &mut out);
        assert_eq!(&out[3 * (6 * 3 + 2)..][..3], &image.get_pixel(3, 1).0);
        shift(image.as_raw(), 6, (0, 0), true, &mut columns, &mut out);
        assert_eq!(&out[..3], &image.get_pixel(5, 0).0);
        mirror(&mut out, 6);
        assert_eq!(&out, image.as_raw());
    }

    #[test]
    fn every_variant_is_reproducible_and_differs_between_draws() {
        let image = picture(32, 32, 2);
        for how in [Augmentation::crop_flip(), Augmentation::resized_crop_flip()] {
            for resolution in [24_u32, 32, 40] {
                let draw = |index: u64| {
                    let mut out = vec![0; (resolution * resolution * 3) as usize];
                    let mut rng = stream(1, "augment", 0, index);
                    Augmenter::new().vary(how, true, &mut rng, (image.as_raw(), 32), (resolution, &mut out));
                    out
                };
                assert_eq!(draw(0), draw(0));
                assert!((1..6).any(|index| draw(index) != draw(0)));
            }
        }
    }

    #[test]
    fn parts_lie_inside_and_keep_their_area() {
        let mut rng = stream(3, "test", 0, 0);
        for _ in 0..2_000 {
            let [left, top, width, height] = random_part(&mut rng, 50.0, 0.3);
            assert!(left >= 0.0 && top >= 0.0 && left + width <= 50.0 && top + height <= 50.0);
            assert!(width * height >= 0.3 * 2500.0 - 0.1);
        }
    }

    #[test]
    fn the_written_form_is_strict() {
        #[derive(Deserialize, Debug)]
        struct Holder {
            augmentation: Augmentation,
        }
        let read = |text: &str| toml::from_str::<Holder>(text).map(|holder| holder.augmentation);
        assert_eq!(read("augmentation = \"none\""), Ok(Augmentation::None));
        assert_eq!(read("augmentation = { crop-flip = {} }"), Ok(Augmentation::crop_flip()));
        assert_eq!(
            read("augmentation = { resized-crop-flip = { min-area = 0.5 } }"),
            Ok(Augmentation::ResizedCropFlip { min_area: 0.5 })
        );
        assert!(read("augmentation = { crop-flip = { paddding = 0.1 } }").is_err());
        assert!(read("augmentation = \"mixup\"").is_err());
        assert!(Augmentation::CropFlip { padding: 4.0 }.check().is_err());
        assert!(Augmentation::ResizedCropFlip { min_area: f32::NAN }.check().is_err());
    }
}
