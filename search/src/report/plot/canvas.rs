//! Drawing primitives over a plotters backend, alike for SVG and bitmap.
//!
//! Coordinates are *units*: a figure of 3200 x 2000 units is shown at 1600 x 1000 pixels, so that plotters' whole-number
//! coordinates and line widths come in steps of half a pixel.

use std::sync::OnceLock;

use ab_glyph::{Font as _, FontRef, PxScale, ScaleFont as _};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBAColor, RGBColor, ShapeStyle, TextStyle,
};

use super::super::ReportError;
use super::super::geometry::{Position, Rect};

/// Width of the figure in units.
pub(super) const WIDTH: u32 = 3200;
/// Height of the figure in units.
pub(super) const HEIGHT: u32 = 2000;
/// Units per pixel of the written figure.
pub(super) const UNITS_PER_PIXEL: u32 = 2;

/// Height of capital letters and digits in em.
const CAP_HEIGHT_EM: f64 = 0.727;

/// The two embedded fonts.
struct Fonts {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

fn fonts() -> Result<&'static Fonts, ReportError> {
    static FONTS: OnceLock<Option<Fonts>> = OnceLock::new();
    let load = || {
        Some(Fonts {
            regular: FontRef::try_from_slice(include_bytes!("../../../assets/Inter-Regular-Latin.otf")).ok()?,
            bold: FontRef::try_from_slice(include_bytes!("../../../assets/Inter-Bold-Latin.otf")).ok()?,
        })
    };
    let missing = || ReportError::Drawing {
        reason: "the embedded font does not load".to_owned(),
    };
    FONTS.get_or_init(load).as_ref().ok_or_else(missing)
}

/// A backend that can set text with its baseline at an exact place.
///
/// plotters' own bitmap text drops the side bearings of letters and stands elsewhere than its SVG text.
pub(super) trait Surface: DrawingBackend {
    /// Sets one line of this width with the start, middle or end of its baseline, as `text.align` says, at `at`.
    fn set_line(&mut self, line: &str, width: f64, at: Position, text: Text) -> Result<(), ReportError>;
}

impl Surface for SVGBackend<'_> {
    fn set_line(&mut self, line: &str, _width: f64, at: Position, text: Text) -> Result<(), ReportError> {
        // For readers without Inter the names behind it; `textLength`, added at the end, keeps the width.
        const FAMILY: FontFamily<'_> = FontFamily::Name("Inter, Helvetica, Arial, sans-serif");
        // plotters divides sizes by 1.24 and lets text anchored at its top hang 0.76 em above the baseline.
        let style = if text.bold { FontStyle::Bold } else { FontStyle::Normal };
        let mut font = FontDesc::new(FAMILY, text.size * 1.24, style);
        let hang = 0.76 * text.size;
        let mut anchor = (at.0, at.1 - hang);
        if text.upwards {
            font = font.transform(FontTransform::Rotate270);
            anchor = (at.0 - hang, at.1);
        }
        let style = TextStyle::from(font)
            .color(&text.color)
            .pos(Pos::new(text.align, VPos::Top));
        self.draw_text(line, &style, whole(anchor))
            .map_err(|error| drawing_error(&error))
    }
}

impl Surface for BitMapBackend<'_> {
    fn set_line(&mut self, line: &str, width: f64, at: Position, text: Text) -> Result<(), ReportError> {
        let before = match text.align {
            HPos::Left => 0.0,
            HPos::Center => width / 2.0,
            HPos::Right => width,
        };
        let origin = if text.upwards {
            (at.0, at.1 + before)
        } else {
            (at.0 - before, at.1)
        };
        let font = text.font()?;
        let scale = text.scale(font);
        let scaled = font.as_scaled(scale);
        let size = self.get_size();
        let mut pen = 0.0_f32;
        for character in line.chars() {
            let id = scaled.glyph_id(character);
            let (pen_x, pen_y) = if text.upwards {
                (origin.0 as f32, origin.1 as f32)
            } else {
                (origin.0 as f32 + pen, origin.1 as f32)
            };
            let place = if text.upwards {
                ab_glyph::point(pen, 0.0)
            } else {
                ab_glyph::point(pen_x, pen_y)
            };
            pen += scaled.h_advance(id);
            let Some(outline) = font.outline_glyph(id.with_scale_and_position(scale, place)) else {
                continue;
            };
            let bounds = outline.px_bounds();
            let mut pixels = Vec::new();
            outline.draw(|x, y, coverage| pixels.push((x, y, coverage)));
            for (x, y, coverage) in pixels {
                let (along, down) = (x as i32 + bounds.min.x as i32, y as i32 + bounds.min.y as i32);
                let at = if text.upwards {
                    (pen_x as i32 + down, pen_y as i32 - along)
                } else {
                    (along, down)
                };
                if at.0 < 0 || at.1 < 0 || at.0 >= size.0 as i32 || at.1 >= size.1 as i32 || coverage <= 0.0 {
                    continue;
                }
                let color = text.color.mix(f64::from(coverage.min(1.0))).to_backend_color();
                self.draw_pixel(at, color).map_err(|error| drawing_error(&error))?;
            }
        }
        Ok(())
    }
}

/// How text looks and which part of it stands at the position given.
#[derive(Clone, Copy)]
pub(super) struct Text {
    /// Font size: one em in units.
    pub(super) size: f64,
    /// Bold instead of regular.
    pub(super) bold: bool,
    /// Colour.
    pub(super) color: RGBColor,
    /// Horizontal part at the position; the vertical one is the middle of the capital letters.
    pub(super) align: HPos,
    /// Turned by 90 degrees to read upwards.
    pub(super) upwards: bool,
}

impl Text {
    /// Regular text that starts at its position.
    pub(super) fn new(size: f64, color: RGBColor) -> Self {
        Self {
            size,
            bold: false,
            color,
            align: HPos::Left,
            upwards: false,
        }
    }

    /// The same in bold.
    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same with another horizontal anchor.
    pub(super) fn align(self, align: HPos) -> Self {
        Self { align, ..self }
    }

    /// Width of a line of text in units.
    pub(super) fn width(self, line: &str) -> Result<f64, ReportError> {
        let font = self.font()?;
        let scaled = font.as_scaled(self.scale(font));
        Ok(line
            .chars()
            .map(|character| f64::from(scaled.h_advance(scaled.glyph_id(character))))
            .sum())
    }

    fn font(self) -> Result<&'static FontRef<'static>, ReportError> {
        let fonts = fonts()?;
        Ok(if self.bold { &fonts.bold } else { &fonts.regular })
    }

    /// `ab_glyph` takes a size as the height from descent to ascent.
    fn scale(self, font: &FontRef<'static>) -> PxScale {
        let em = font.units_per_em().unwrap_or(1000.0);
        PxScale::from(self.size as f32 * font.height_unscaled() / em)
    }
}

/// A backend to draw on in units.
pub(super) struct Canvas<'a, Backend> {
    backend: &'a mut Backend,
    /// Widths of the lines of text drawn, in order.
    text_widths: Vec<f64>,
}

impl<'a, Backend: Surface> Canvas<'a, Backend> {
    /// Draws on this backend, which must be `WIDTH` by `HEIGHT`.
    pub(super) fn new(backend: &'a mut Backend) -> Self {
        Self {
            backend,
            text_widths: Vec::new(),
        }
    }

    /// A filled rectangle.
    pub(super) fn fill(&mut self, rect: Rect, color: RGBAColor) -> Result<(), ReportError> {
        let style = ShapeStyle {
            color,
            filled: true,
            stroke_width: 0,
        };
        self.backend
            .draw_rect(
                whole((rect.left, rect.top)),
                whole((rect.right, rect.bottom)),
                &style,
                true,
            )
            .map_err(|error| drawing_error(&error))
    }

    /// The outline of a rectangle.
    pub(super) fn frame(&mut self, rect: Rect, width: u32, color: RGBColor) -> Result<(), ReportError> {
        let (left, top, right, bottom) = (rect.left, rect.top, rect.right, rect.bottom);
        self.line(
            &[(left, top), (right, top), (right, bottom), (left, bottom), (left, top)],
            width,
            color.mix(1.0),
        )
    }

    /// Joined straight lines.
    pub(super) fn line(&mut self, points: &[Position], width: u32, color: RGBAColor) -> Result<(), ReportError> {
        let style = ShapeStyle {
            color,
            filled: false,
            stroke_width: width,
        };
        let path: Vec<(i32, i32)> = points.iter().map(|&point| whole(point)).collect();
        self.backend
            .draw_path(path, &style)
            .map_err(|error| drawing_error(&error))
    }

    /// A vertical dashed line.
    pub(super) fn dashed_down(
        &mut self,
        x: f64,
        span: (f64, f64),
        width: f64,
        color: RGBColor,
    ) -> Result<(), ReportError> {
        let (dash, gap) = (20.0, 14.0);
        let mut top = span.0;
        while top < span.1 {
            let bottom = (top + dash).min(span.1);
            self.fill(
                Rect {
                    left: x - width / 2.0,
                    top,
                    right: x + width / 2.0,
                    bottom,
                },
                color.mix(1.0),
            )?;
            top += dash + gap;
        }
        Ok(())
    }

    /// A filled polygon.
    pub(super) fn polygon(&mut self, points: &[Position], color: RGBColor) -> Result<(), ReportError> {
        let style = ShapeStyle {
            color: color.mix(1.0),
            filled: true,
            stroke_width: 0,
        };
        let path: Vec<(i32, i32)> = points.iter().map(|&point| whole(point)).collect();
        self.backend
            .fill_polygon(path, &style)
            .map_err(|error| drawing_error(&error))
    }

    /// A filled disc.
    pub(super) fn disc(&mut self, center: Position, radius: f64, color: RGBAColor) -> Result<(), ReportError> {
        let style = ShapeStyle {
            color,
            filled: true,
            stroke_width: 0,
        };
        let radius = radius.round().max(1.0) as u32;
        self.backend
            .draw_circle(whole(center), radius, &style, true)
            .map_err(|error| drawing_error(&error))
    }

    /// One line of text whose capital letters are vertically centred on the position.
    pub(super) fn text(&mut self, line: &str, at: Position, text: Text) -> Result<(), ReportError> {
        let width = text.width(line)?;
        let drop = CAP_HEIGHT_EM / 2.0 * text.size;
        let at = if text.upwards {
            (at.0 + drop, at.1)
        } else {
            (at.0, at.1 + drop)
        };
        self.text_widths.push(width);
        self.backend.set_line(line, width, at, text)
    }

    /// Ends the drawing and returns the width of each line of text in the order drawn.
    pub(super) fn finish(self) -> Result<Vec<f64>, ReportError> {
        self.backend.present().map_err(|error| drawing_error(&error))?;
        Ok(self.text_widths)
    }
}

fn whole(point: Position) -> (i32, i32) {
    (point.0.round() as i32, point.1.round() as i32)
}

fn drawing_error(error: &dyn std::error::Error) -> ReportError {
    ReportError::Drawing {
        reason: error.to_string(),
    }
}
