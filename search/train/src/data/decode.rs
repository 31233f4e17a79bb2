//! Decoding of images to 8-bit RGB, within bounds on size and memory.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

/// Longest side of an image.
const MAX_SIDE_PX: u32 = 16_384;
/// Largest memory for the pixels of one image before any resize: 89 megapixels of RGB.
const MAX_PIXEL_BYTES: u64 = 256 << 20;

/// Decodes a JPEG, PNG, BMP or WebP image to 8-bit RGB, rotated by its EXIF orientation.
///
/// Grey is repeated over the channels, 16 bits are rounded to 8, alpha is dropped, CMYK is converted.
/// The format follows from the content, not from a name. A truncated image is an error, and a header that announces a huge
/// image is refused before memory is allocated for it.
pub(super) fn decode_rgb(bytes: &[u8]) -> Result<Rgb, String> {
    if bytes.is_empty() {
        return Err("the image is empty (0 bytes)".to_owned());
    }
    // Input is untrusted: a panic of a decoder fails the image, not the process.
    catch_unwind(AssertUnwindSafe(|| decode_checked(bytes)))
        .unwrap_or_else(|_| Err("the image is malformed (its decoder failed)".to_owned()))
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

/// Short side of an encoded image in pixels, from its header.
pub(super) fn short_side(bytes: &[u8]) -> Option<u32> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    reader.into_dimensions().ok().map(|(width, height)| width.min(height))
}

/// Walks the markers of a JPEG up to its end-of-image marker.
///
/// The decoder fills the missing part of a truncated file with grey without an error, so that truncation is detected here.
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

/// Owned RGB image, row by row.
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
    /// Borrowed pixels.
    pub(super) fn pixels(&self) -> Pixels<'_> {
        Pixels {
            rgb: &self.bytes,
            width: self.width,
            height: self.height,
        }
    }
}

/// Borrowed RGB image, row by row.
#[derive(Clone, Copy)]
pub(super) struct Pixels<'a> {
    /// `height * width * 3` bytes.
    pub rgb: &'a [u8],
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
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
}
