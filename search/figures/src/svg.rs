//! Figures as files: SVG documents, and PNG files rendered from them.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use crate::canvas::{Canvas, escape};
use crate::caption::Caption;
use crate::error::FigureError;
use crate::geometry::Rect;
use crate::style::{PAPER, UNITS_PER_PIXEL};
use crate::text::{BOLD_FONT, FONT_FAMILY, REGULAR_FONT};

/// Drawn figure: an SVG document with selectable text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Svg {
    document: String,
}

impl Svg {
    /// Creates the figure that `paint` draws on a canvas of this width and height in units.
    pub(crate) fn draw(
        caption: &Caption,
        (width, height): (u32, u32),
        paint: impl FnOnce(&mut Canvas<'_>) -> Result<(), FigureError>,
    ) -> Result<Self, FigureError> {
        let mut drawn = String::new();
        let mut canvas = Canvas::new(&mut drawn, width, height);
        let paper = Rect {
            left: 0.0,
            top: 0.0,
            right: f64::from(width),
            bottom: f64::from(height),
        };
        canvas.fill(paper, PAPER)?;
        paint(&mut canvas)?;
        let texts = canvas.finish()?;
        let shapes = drawn
            .split_once('\n')
            .and_then(|(_, rest)| Some(rest.rsplit_once("</svg>")?.0))
            .ok_or_else(|| FigureError::Drawing {
                reason: "the backend wrote no document".to_owned(),
            })?;
        let (shown_width, shown_height) = (width / UNITS_PER_PIXEL, height / UNITS_PER_PIXEL);
        let description = if caption.description.is_empty() {
            String::new()
        } else {
            format!("<desc>{}</desc>\n", escape(&caption.description))
        };
        // The font names after Inter are for viewers without that font.
        let document = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{shown_width}\" height=\"{shown_height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
             <title>{title}</title>\n\
             {description}{shapes}\n\
             <g font-family=\"{FONT_FAMILY}, Helvetica, Arial, sans-serif\">\n{texts}</g>\n\
             </svg>\n",
            title = escape(&caption.title),
            shapes = shapes.trim_end(),
        );
        Ok(Self { document })
    }

    /// Text of the document.
    pub fn as_str(&self) -> &str {
        &self.document
    }

    /// Renders the figure as a PNG file of the displayed size.
    pub fn to_png(&self) -> Result<Vec<u8>, FigureError> {
        let options = usvg::Options {
            font_family: FONT_FAMILY.to_owned(),
            fontdb: fonts(),
            ..usvg::Options::default()
        };
        let tree = usvg::Tree::from_str(&self.document, &options).map_err(|error| png_error(&error))?;
        let size = tree.size().to_int_size();
        let mut pixels = Pixmap::new(size.width(), size.height()).ok_or_else(|| FigureError::Png {
            reason: format!("{} x {} pixels do not fit into memory", size.width(), size.height()),
        })?;
        pixels.fill(Color::WHITE);
        resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
        pixels.encode_png().map_err(|error| png_error(&error))
    }
}

/// Database of the embedded fonts; the machine's fonts are never used.
fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = fontdb::Database::new();
        for file in [REGULAR_FONT, BOLD_FONT] {
            fonts.load_font_data(file.to_vec());
        }
        Arc::new(fonts)
    };
    Arc::clone(FONTS.get_or_init(load))
}

fn png_error(error: &dyn std::error::Error) -> FigureError {
    FigureError::Png {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::INK;
    use crate::text::{Align, TextStyle};

    /// Left, top, right and bottom of the dark pixels.
    fn ink(png: &[u8]) -> [f64; 4] {
        let pixels = Pixmap::decode_png(png).expect("the picture is a PNG file");
        let width = pixels.width() as usize;
        let dark = pixels
            .pixels()
            .iter()
            .enumerate()
            .filter(|(_, pixel)| pixel.red() < 128);
        let mut ends = [f64::INFINITY, f64::INFINITY, 0.0, 0.0];
        for (index, _) in dark {
            let (x, y) = ((index % width) as f64, (index / width) as f64);
            ends = [
                ends[0].min(x),
                ends[1].min(y),
                ends[2].max(x + 1.0),
                ends[3].max(y + 1.0),
            ];
        }
        ends
    }

    #[test]
    fn text_has_the_same_size_and_place_in_both_files() -> Result<(), FigureError> {
        let regular = TextStyle::new(64.0, INK);
        let (x, y, cap_height) = (1600.0, 400.0, 0.727 * 64.0);
        for style in [regular, regular.bold()] {
            for align in [Align::Start, Align::Middle, Align::End] {
                for is_upwards in [false, true] {
                    let style = TextStyle {
                        is_upwards,
                        ..style.align(align)
                    };
                    let svg = Svg::draw(&Caption::new("text"), (3200, 800), |canvas| {
                        canvas.text("HEIGHT H", (x, y), style);
                        Ok(())
                    })?;
                    let width = style.width("HEIGHT H");
                    let before = match align {
                        Align::Start => 0.0,
                        Align::Middle => width / 2.0,
                        Align::End => width,
                    };
                    let expected = if is_upwards {
                        [
                            x - cap_height / 2.0,
                            y + before - width,
                            x + cap_height / 2.0,
                            y + before,
                        ]
                    } else {
                        [
                            x - before,
                            y - cap_height / 2.0,
                            x - before + width,
                            y + cap_height / 2.0,
                        ]
                    };
                    // Letters have side bearings of up to 0.1 em.
                    for (found, expected) in ink(&svg.to_png()?).into_iter().zip(expected) {
                        assert!(
                            (found - expected / 2.0).abs() < 4.5,
                            "{style:?}: {found} for {}",
                            expected / 2.0
                        );
                    }
                }
            }
        }
        Ok(())
    }
}
