//! `front.svg` and `front.png`: accuracy over latency with the front, the candidates, the references and the budget.
//!
//! Both files come from the same drawing code and an embedded font, so they look alike on every machine; equal rows and
//! spec give equal bytes of SVG.

mod annotation;
mod axes;
mod canvas;
mod curve;
mod figure;
mod header;
mod legend;
mod scale;
mod scene;
mod style;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use image::{ExtendedColorType, ImageEncoder as _};
use plotters::backend::{BitMapBackend, SVGBackend};

use super::ReportError;
use super::point::ReportRow;
use crate::files::write_atomically;
use canvas::{HEIGHT, UNITS_PER_PIXEL, WIDTH};

pub use curve::{Curve, CurvePoint};

/// What a plot says beside its points.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotSpec {
    /// Headline: the study's name.
    pub title: String,
    /// Lines below it, each wrapped to the width: device, runtime and threads; data set; what the proxy was.
    pub subtitle: Vec<String>,
    /// The latency budget in milliseconds, if the study has one.
    pub budget_ms: Option<f64>,
    /// Title of the vertical axis, unit included; by default `top-1 accuracy (%)`.
    pub accuracy_title: String,
    /// Title of the horizontal axis, unit included; by default `predicted latency (ms)`.
    pub latency_title: String,
}

impl PlotSpec {
    /// A spec with this title, no subtitle, no budget and the default axis titles.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: Vec::new(),
            budget_ms: None,
            accuracy_title: "top-1 accuracy (%)".to_owned(),
            latency_title: "predicted latency (ms)".to_owned(),
        }
    }
}

/// The plot as an SVG document, shown at 1600 x 1000 pixels; text stays text.
///
/// Reads `on_front` and `within_budget` of the rows: call [`mark_front`](super::mark_front) first.
pub fn render_svg(rows: &[ReportRow], spec: &PlotSpec) -> Result<String, ReportError> {
    svg_document(&spec.title, |backend| figure::draw(backend, rows, spec))
}

/// The document of what `draw` draws; it returns the width of each line of text.
fn svg_document(
    title: &str,
    draw: impl FnOnce(&mut SVGBackend<'_>) -> Result<Vec<f64>, ReportError>,
) -> Result<String, ReportError> {
    let mut document = String::new();
    let text_widths = {
        let mut backend = SVGBackend::with_string(&mut document, (WIDTH, HEIGHT));
        draw(&mut backend)?
    };
    // plotters writes width and height as large as its whole-number coordinates need.
    let drawn = format!("width=\"{WIDTH}\" height=\"{HEIGHT}\"");
    let shown = format!(
        "width=\"{}\" height=\"{}\" role=\"img\"",
        WIDTH / UNITS_PER_PIXEL,
        HEIGHT / UNITS_PER_PIXEL
    );
    let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let document = document
        .replacen(&drawn, &shown, 1)
        .replacen(">\n", &format!(">\n<title>{title}</title>\n"), 1);
    Ok(fix_text_widths(&document, &text_widths))
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

/// The plot as a PNG file of 1600 x 1000 pixels.
///
/// Reads `on_front` and `within_budget` of the rows: call [`mark_front`](super::mark_front) first.
pub fn render_png(rows: &[ReportRow], spec: &PlotSpec) -> Result<Vec<u8>, ReportError> {
    png_file(|backend| figure::draw(backend, rows, spec))
}

fn png_file(
    draw: impl FnOnce(&mut BitMapBackend<'_>) -> Result<Vec<f64>, ReportError>,
) -> Result<Vec<u8>, ReportError> {
    let mut drawn = vec![0_u8; (WIDTH * HEIGHT * 3) as usize];
    {
        let mut backend = BitMapBackend::with_buffer(&mut drawn, (WIDTH, HEIGHT));
        draw(&mut backend)?;
    }
    let pixels = halve(&drawn);
    let mut file = Vec::new();
    image::codecs::png::PngEncoder::new(&mut file)
        .write_image(
            &pixels,
            WIDTH / UNITS_PER_PIXEL,
            HEIGHT / UNITS_PER_PIXEL,
            ExtendedColorType::Rgb8,
        )
        .map_err(|error| ReportError::Drawing {
            reason: error.to_string(),
        })?;
    Ok(file)
}

/// Writes `front.svg` and `front.png` into `folder` and returns their paths; each replaces its predecessor in one step.
pub fn write_plots(folder: &Path, rows: &[ReportRow], spec: &PlotSpec) -> Result<[PathBuf; 2], ReportError> {
    let svg = folder.join("front.svg");
    write_atomically(&svg, render_svg(rows, spec)?.as_bytes())?;
    let png = folder.join("front.png");
    write_atomically(&png, &render_png(rows, spec)?)?;
    Ok([svg, png])
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

#[cfg(test)]
mod tests;
