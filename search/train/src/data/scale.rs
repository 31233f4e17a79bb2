//! Conversion of images to squares.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use mnas_engine::training::Fit;

use super::decode::Pixels;

/// Bytes of a square RGB image.
pub(super) fn square_bytes(side: u32) -> usize {
    side as usize * side as usize * 3
}

/// Resizer of images to squares that reuses its buffers.
pub(super) struct Scaler {
    resizer: Resizer,
}

impl Scaler {
    pub(super) fn new() -> Self {
        Self {
            resizer: Resizer::new(),
        }
    }

    /// Scales the short side of `from` to `size` and cuts the centre square, into `to` (`size * size * 3` bytes).
    pub(super) fn centre_square(&mut self, from: Pixels<'_>, size: u32, to: &mut [u8]) {
        let short = from.width.min(from.height);
        if from.width == size && from.height == size {
            to.copy_from_slice(from.rgb);
            return;
        }
        // On whole pixels where nothing is resampled, so that equal sizes are copied exactly.
        let left = f64::from((from.width - short) / 2);
        let top = f64::from((from.height - short) / 2);
        self.crop(from, [left, top, f64::from(short), f64::from(short)], size, to);
    }

    /// Converts the image to a square of `size` by `fit`.
    pub(super) fn square(&mut self, from: Pixels<'_>, fit: Fit, size: u32, to: &mut [u8]) {
        let (width, height) = (f64::from(from.width), f64::from(from.height));
        match fit {
            Fit::Crop(share) if share < 1.0 => {
                let part = width.min(height) * share;
                self.crop(
                    from,
                    [(width - part) / 2.0, (height - part) / 2.0, part, part],
                    size,
                    to,
                );
            }
            Fit::Crop(_) => self.centre_square(from, size, to),
            Fit::Squash => self.crop(from, [0.0, 0.0, width, height], size, to),
        }
    }

    /// Scales the part `[left, top, width, height]` of `from` to `size` by `size`, bilinear and antialiased.
    pub(super) fn crop(&mut self, from: Pixels<'_>, part: [f64; 4], size: u32, to: &mut [u8]) {
        let source = ImageRef::new(from.width, from.height, from.rgb, PixelType::U8x3)
            .expect("the buffer holds width * height RGB pixels");
        let mut target =
            Image::from_slice_u8(size, size, to, PixelType::U8x3).expect("the buffer holds size * size RGB pixels");
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .crop(part[0], part[1], part[2], part[3]);
        self.resizer
            .resize(&source, &mut target, &options)
            .expect("the part lies inside the image");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::picture;

    #[test]
    fn the_centre_square_is_exact_where_nothing_is_resampled() {
        let wide = picture(12, 8, 5);
        let mut square = vec![0; 8 * 8 * 3];
        let pixels = Pixels {
            rgb: wide.as_raw(),
            width: 12,
            height: 8,
        };
        Scaler::new().centre_square(pixels, 8, &mut square);
        for y in 0..8 {
            for x in 0..8 {
                let at = ((y * 8 + x) * 3) as usize;
                assert_eq!(&square[at..at + 3], &wide.get_pixel(x + 2, y).0);
            }
        }
    }
}
