//! From drawing code to files: the same picture as SVG and as PNG.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use image::{ExtendedColorType, ImageEncoder as _};
use plotters::backend::{BitMapBackend, SVGBackend};

use super::super::ReportError;
use super::canvas::{Surface, UNITS_PER_PIXEL, WIDTH};
use mnas_engine::files::write_atomically;

/// Something that draws itself on any backend.
pub(super) trait Picture {
    /// Its title, for readers of the SVG that cannot see it.
    fn title(&self) -> &str;

    /// Its height in units; its width is [`WIDTH`].
    fn height(&self) -> u32;

    /// Draws it; returns the width of each line of text.
    fn paint<Backend: Surface>(&self, backend: &mut Backend) -> Result<Vec<f64>, ReportError>;
}

/// The picture as an SVG document; text stays text.
pub(super) fn to_svg(picture: &impl Picture) -> Result<String, ReportError> {
    let height = picture.height();
    let mut document = String::new();
    let text_widths = {
        let mut backend = SVGBackend::with_string(&mut document, (WIDTH, height));
        picture.paint(&mut backend)?
    };
    // plotters writes width and height as large as its whole-number coordinates need.
    let drawn = format!("width=\"{WIDTH}\" height=\"{height}\"");
    let shown = format!(
        "width=\"{}\" height=\"{}\" role=\"img\"",
        WIDTH / UNITS_PER_PIXEL,
        height / UNITS_PER_PIXEL
    );
    let title = picture
        .title()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let document = document
        .replacen(&drawn, &shown, 1)
        .replacen(">\n", &format!(">\n<title>{title}</title>\n"), 1);
    Ok(fix_text_widths(&document, &text_widths))
}

/// Writes `<name>.svg` and `<name>.png` into `folder` and returns their paths; each replaces its predecessor in one step.
pub(super) fn write(picture: &impl Picture, folder: &Path, name: &str) -> Result<[PathBuf; 2], ReportError> {
    let svg = folder.join(format!("{name}.svg"));
    write_atomically(&svg, to_svg(picture)?.as_bytes())?;
    let png = folder.join(format!("{name}.png"));
    write_atomically(&png, &to_png(picture)?)?;
    Ok([svg, png])
}

/// Gives every line of text the width it was laid out for, whatever font the reader has.
fn fix_text_widths(document: &str, text_widths: &[f64]) -> String {
    let mut fixed = String::with_capacity(document.len() + 64 * text_widths.len());
    for (number, part) in document.split("<text ").enumerate() {
        if number > 0 {
            fixed.push_str("<text ");
            if let Some(width) = text_widths.get(number - 1) {
                let _ = write!(fixed, "textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" ");
            }
        }
        fixed.push_str(part);
    }
    fixed
}

/// The picture as a PNG file.
pub(super) fn to_png(picture: &impl Picture) -> Result<Vec<u8>, ReportError> {
    let height = picture.height();
    let mut drawn = vec![0_u8; (WIDTH * height * 3) as usize];
    {
        let mut backend = BitMapBackend::with_buffer(&mut drawn, (WIDTH, height));
        picture.paint(&mut backend)?;
    }
    let pixels = halve(&drawn);
    let mut file = Vec::new();
    image::codecs::png::PngEncoder::new(&mut file)
        .write_image(
            &pixels,
            WIDTH / UNITS_PER_PIXEL,
            height / UNITS_PER_PIXEL,
            ExtendedColorType::Rgb8,
        )
        .map_err(|error| ReportError::Drawing {
            reason: error.to_string(),
        })?;
    Ok(file)
}

/// Averages blocks of 2 x 2 pixels, which smooths the edges that plotters leaves hard.
fn halve(drawn: &[u8]) -> Vec<u8> {
    let row_bytes = WIDTH as usize * 3;
    let mut pixels = Vec::with_capacity(drawn.len() / 4);
    for rows in drawn.chunks_exact(2 * row_bytes) {
        let (upper, lower) = rows.split_at(row_bytes);
        for (above, below) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            for channel in 0..3 {
                let sum: u16 = [above[channel], above[channel + 3], below[channel], below[channel + 3]]
                    .map(u16::from)
                    .iter()
                    .sum();
                pixels.push(((sum + 2) / 4) as u8);
            }
        }
    }
    pixels
}
