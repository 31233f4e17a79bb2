//! From encoded bytes to a square RGB image, within bounds.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use mnas_engine::training::Fit;

/// The longest side an image may have.
const MAX_SIDE_PX: u32 = 16_384;
/// The most memory the pixels of one image may take, before any resize: 89 megapixels of RGB.
const MAX_PIXEL_BYTES: u64 = 256 << 20;

/// Decodes a JPEG, PNG, BMP or WebP image to 8-bit RGB, upright as its EXIF orientation says.
///
/// Grey is repeated over the channels, 16 bits are rounded to 8, alpha is dropped, CMYK is converted.
/// The format is told by the content, not by a name. An image cut off in the middle is an error,
/// and a header that announces a huge image is refused before anything is allocated for it.
pub(super) fn decode_rgb(bytes: &[u8]) -> Result<Rgb, String> {
    if bytes.is_empty() {
        return Err("the image is empty (0 bytes)".to_owned());
    }
    // Decoders are fed files from anywhere; a bug in one must cost an image, not the run.
    catch_unwind(AssertUnwindSafe(|| decode_checked(bytes)))
        .unwrap_or_else(|_| Err("the image is malformed (its decoder gave up)".to_owned()))
}

fn decode_checked(bytes: &[u8]) -> Result<Rgb, String> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let Some(format) = reader.format() else {
        return Err("not a jpeg, png, bmp or webp image".to_owned());
    };
    if format == ImageFormat::Jpeg && !jpeg_is_complete(bytes) {
        return Err("the jpeg is truncated (no end-of-image marker)".to_owned());
    }
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE_PX);
    limits.max_image_height = Some(MAX_SIDE_PX);
    limits.max_alloc = Some(2 * MAX_PIXEL_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > MAX_SIDE_PX || decoder.total_bytes() > MAX_PIXEL_BYTES {
        return Err(format!(
            "the image is {width}x{height}, over the limit of {MAX_SIDE_PX} px a side and {} MiB",
            MAX_PIXEL_BYTES >> 20
        ));
    }
    if width == 0 || height == 0 {
        return Err(format!("the image is {width}x{height}"));
    }
    let orientation = decoder.orientation().map_err(|error| error.to_string())?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    image.apply_orientation(orientation);
    let image = image.into_rgb8();
    let (width, height) = image.dimensions();
    Ok(Rgb {
        bytes: image.into_raw(),
        width,
        height,
    })
}

/// Walks the markers of a JPEG up to its end-of-image marker.
///
/// The decoder fills what is missing of a cut-off file with grey and says nothing, so this is what notices.
fn jpeg_is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let (Some(&first), Some(&marker)) = (bytes.get(at), bytes.get(at + 1)) {
        match (first, marker) {
            // Any number of 0xFF may stand before a marker.
            (0xff, 0xff) => at += 1,
            (0xff, 0xd9) => return true,
            // Stuffed bytes and restart markers, inside a scan.
            (0xff, 0x00 | 0x01 | 0xd0..=0xd8) => at += 2,
            (0xff, _) => {
                let (Some(&high), Some(&low)) = (bytes.get(at + 2), bytes.get(at + 3)) else {
                    return false;
                };
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
            }
            // Compressed data of a scan, up to the next marker.
            _ => match bytes[at..].iter().position(|&byte| byte == 0xff) {
                Some(skip) => at += skip,
                None => return false,
            },
        }
    }
    false
}

/// An image of its own: RGB, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rgb {
    /// `height * width * 3` bytes.
    pub bytes: Vec<u8>,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Rgb {
    /// A look at the pixels.
    pub(super) fn pixels(&self) -> Pixels<'_> {
        Pixels {
            rgb: &self.bytes,
            width: self.width,
            height: self.height,
        }
    }
}

/// Pixels of any size, row by row.
#[derive(Clone, Copy)]
pub(super) struct Pixels<'a> {
    /// `height * width * 3` bytes.
    pub rgb: &'a [u8],
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Resizes images with a resampler that is reused.
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

    /// Makes the image a square of `size`, as `fit` says.
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
    use crate::data::testing::{encode, picture};

    #[test]
    fn a_jpeg_is_complete_only_with_its_end() -> Result<(), String> {
        let jpeg = encode(&picture(40, 30, 1), ImageFormat::Jpeg);
        assert!(jpeg_is_complete(&jpeg));
        for cut in [3, jpeg.len() / 3, jpeg.len() / 2, jpeg.len() - 1] {
            assert!(!jpeg_is_complete(&jpeg[..cut]), "cut at {cut}");
            let error = decode_rgb(&jpeg[..cut]).err().ok_or("decoded a cut jpeg")?;
            assert!(error.contains("truncated"), "{error}");
        }
        let mut trailing = jpeg.clone();
        trailing.extend_from_slice(b"\0\0 camera maker's notes");
        assert!(decode_rgb(&trailing).is_ok());
        Ok(())
    }

    #[test]
    fn every_colour_form_becomes_rgb() -> Result<(), String> {
        let rgb = picture(9, 7, 2);
        let forms = [
            DynamicImage::ImageLuma8(rgb_to_grey(&rgb)),
            DynamicImage::ImageRgba8(DynamicImage::ImageRgb8(rgb.clone()).to_rgba8()),
            DynamicImage::ImageRgb16(DynamicImage::ImageRgb8(rgb.clone()).to_rgb16()),
            DynamicImage::ImageLuma16(DynamicImage::ImageRgb8(rgb.clone()).to_luma16()),
        ];
        for form in forms {
            let mut bytes = Cursor::new(Vec::new());
            form.write_to(&mut bytes, ImageFormat::Png).map_err(|e| e.to_string())?;
            let decoded = decode_rgb(bytes.get_ref())?;
            assert_eq!((decoded.width, decoded.height), (9, 7));
            assert_eq!(decoded.bytes, form.to_rgb8().into_raw());
        }
        Ok(())
    }

    #[test]
    fn inks_become_light() -> Result<(), String> {
        // Made with Pillow: the left half red (full magenta and yellow), the right half cyan with a quarter of black.
        let image = decode_rgb(include_bytes!("decode/cmyk.jpg"))?;
        assert_eq!((image.width, image.height), (16, 16));
        for (x, expected) in [(3, [255_u8, 0, 0]), (12, [0, 191, 191])] {
            let found = &image.bytes[3 * (3 * 16 + x)..][..3];
            let close = found.iter().zip(expected).all(|(&one, other)| one.abs_diff(other) <= 6);
            assert!(close, "{found:?} in place of {expected:?}");
        }
        Ok(())
    }

    fn rgb_to_grey(rgb: &image::RgbImage) -> image::GrayImage {
        DynamicImage::ImageRgb8(rgb.clone()).to_luma8()
    }

    #[test]
    fn broken_input_is_an_error_and_never_a_panic() {
        assert!(decode_rgb(&[]).is_err_and(|e| e.contains("empty")));
        assert!(decode_rgb(b"hello, world, this is text").is_err());
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP] {
            let whole = encode(&picture(33, 21, 3), format);
            assert!(decode_rgb(&whole).is_ok(), "{format:?}");
            for cut in 1..whole.len().min(200) {
                let _ = decode_rgb(&whole[..cut]);
            }
            assert!(decode_rgb(&whole[..whole.len() / 2]).is_err(), "{format:?}");
            for at in 0..whole.len() {
                let mut damaged = whole.clone();
                damaged[at] ^= 0x55;
                let _ = decode_rgb(&damaged);
            }
        }
    }

    #[test]
    fn a_huge_header_is_refused_before_it_allocates() {
        let mut png = encode(&picture(8, 8, 4), ImageFormat::Png);
        // Width and height of the header chunk, and its checksum.
        png[16..24].copy_from_slice(&[0, 0, 0x3f, 0xff, 0, 0, 0x3f, 0xff]);
        let sum = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&sum.to_be_bytes());
        assert!(
            decode_rgb(&png).is_err_and(|e| e.contains("limit")),
            "{:?}",
            decode_rgb(&png)
        );
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    }

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
