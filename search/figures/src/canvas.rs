//! Drawing primitives: shapes through plotters' SVG backend, text as SVG elements above all shapes.
//!
//! Coordinates are in *units*: a figure of 3200 x 2000 units is shown at 1600 x 1000 pixels, so that plotters' integer
//! coordinates and line widths have a resolution of half a pixel.

use std::fmt::Write as _;

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::ShapeStyle;

use crate::color::{Color, Paint};
use crate::error::FigureError;
use crate::geometry::{Position, Rect};
use crate::style::{DASH, DOT};
use crate::text::{Align, TextStyle};

/// Canvas for drawing a figure.
pub(crate) struct Canvas<'a> {
    backend: SVGBackend<'a>,
    /// SVG elements of the lines of text.
    texts: String,
}

impl<'a> Canvas<'a> {
    /// Creates a canvas that writes its shapes into `document`.
    pub(crate) fn new(document: &'a mut String, width: u32, height: u32) -> Self {
        Self {
            backend: SVGBackend::with_string(document, (width, height)),
            texts: String::new(),
        }
    }

    /// Draws a filled rectangle.
    pub(crate) fn fill(&mut self, rect: Rect, paint: impl Into<Paint>) -> Result<(), FigureError> {
        let corners = (whole((rect.left, rect.top)), whole((rect.right, rect.bottom)));
        self.backend
            .draw_rect(corners.0, corners.1, &filled(paint), true)
            .map_err(|error| drawing_error(&error))
    }

    /// Draws the outline of a rectangle.
    pub(crate) fn frame(&mut self, rect: Rect, width: u32, color: Color) -> Result<(), FigureError> {
        let (left, top, right, bottom) = (rect.left, rect.top, rect.right, rect.bottom);
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        self.line(&corners, width, color)
    }

    /// Draws a solid polyline.
    pub(crate) fn line(&mut self, points: &[Position], width: u32, paint: impl Into<Paint>) -> Result<(), FigureError> {
        let style = ShapeStyle {
            color: paint.into().into(),
            filled: false,
            stroke_width: width,
        };
        let path: Vec<(i32, i32)> = points.iter().map(|&point| whole(point)).collect();
        self.backend
            .draw_path(path, &style)
            .map_err(|error| drawing_error(&error))
    }

    /// Draws a dashed polyline.
    pub(crate) fn dashed(&mut self, points: &[Position], width: u32, color: Color) -> Result<(), FigureError> {
        self.strokes(points, width, color, DASH)
    }

    /// Draws a dotted polyline.
    pub(crate) fn dotted(&mut self, points: &[Position], width: u32, color: Color) -> Result<(), FigureError> {
        self.strokes(points, width, color, DOT)
    }

    fn strokes(
        &mut self,
        points: &[Position],
        width: u32,
        color: Color,
        pattern: (f64, f64),
    ) -> Result<(), FigureError> {
        for stroke in strokes(points, pattern) {
            self.line(&stroke, width, color)?;
        }
        Ok(())
    }

    /// Draws a filled polygon.
    pub(crate) fn polygon(&mut self, points: &[Position], paint: impl Into<Paint>) -> Result<(), FigureError> {
        let path: Vec<(i32, i32)> = points.iter().map(|&point| whole(point)).collect();
        self.backend
            .fill_polygon(path, &filled(paint))
            .map_err(|error| drawing_error(&error))
    }

    /// Draws a filled disc.
    pub(crate) fn disc(&mut self, center: Position, radius: f64, paint: impl Into<Paint>) -> Result<(), FigureError> {
        let radius = radius.round().max(1.0) as u32;
        self.backend
            .draw_circle(whole(center), radius, &filled(paint), true)
            .map_err(|error| drawing_error(&error))
    }

    /// Draws one line of text, with its capital letters vertically centred on the position.
    pub(crate) fn text(&mut self, line: &str, at: Position, style: TextStyle) {
        // SVG viewers collapse white space, so its width must not be counted.
        let words = line.split(|character: char| character.is_whitespace() || !is_allowed(character));
        let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            return;
        }
        let (x, y) = if style.is_upwards {
            (at.0 + style.drop(), at.1)
        } else {
            (at.0, at.1 + style.drop())
        };
        let (x, y, width) = (decimal(x), decimal(y), decimal(style.width(&line)));
        let mut attributes = format!("x=\"{x}\" y=\"{y}\" font-size=\"{}\"", decimal(style.size));
        if style.is_bold {
            attributes.push_str(" font-weight=\"bold\"");
        }
        match style.align {
            Align::Start => {}
            Align::Middle => attributes.push_str(" text-anchor=\"middle\""),
            Align::End => attributes.push_str(" text-anchor=\"end\""),
        }
        if style.is_upwards {
            let _ = write!(attributes, " transform=\"rotate(-90 {x} {y})\"");
        }
        // `textLength` fixes the width used in the layout, whatever font the viewer has.
        let _ = writeln!(
            self.texts,
            "<text {attributes} fill=\"{}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>",
            style.color.hex(),
            escape(&line)
        );
    }

    /// Finishes the drawing and returns the SVG elements of its text.
    pub(crate) fn finish(mut self) -> Result<String, FigureError> {
        self.backend.present().map_err(|error| drawing_error(&error))?;
        Ok(self.texts)
    }
}

/// Escapes text as XML character data; replaces characters that XML does not allow with spaces.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            character if is_allowed(character) => escaped.push(character),
            _ => escaped.push(' '),
        }
    }
    escaped
}

/// Tests that XML allows the character and that it is not a control character.
fn is_allowed(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{FFFE}' | '\u{FFFF}')
}

/// Formats a number with at most one decimal.
fn decimal(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Splits a path into the strokes of a pattern `(length, gap)`, including the path's corners.
fn strokes(points: &[Position], (length, gap): (f64, f64)) -> Vec<Vec<Position>> {
    let mut strokes = Vec::new();
    let mut stroke: Vec<Position> = points.first().map(|&first| vec![first]).unwrap_or_default();
    let (mut is_on, mut left) = (true, length);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let rest = (to.0 - from.0).hypot(to.1 - from.1);
            if rest < left {
                left -= rest;
                stroke.extend(is_on.then_some(to));
                break;
            }
            let share = left / rest;
            from = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
            if is_on {
                stroke.push(from);
                strokes.push(std::mem::take(&mut stroke));
            } else {
                stroke = vec![from];
            }
            is_on = !is_on;
            left = if is_on { length } else { gap };
        }
    }
    if stroke.len() > 1 {
        strokes.push(stroke);
    }
    strokes
}

fn filled(paint: impl Into<Paint>) -> ShapeStyle {
    ShapeStyle {
        color: paint.into().into(),
        filled: true,
        stroke_width: 0,
    }
}

fn whole(point: Position) -> (i32, i32) {
    (point.0.round() as i32, point.1.round() as i32)
}

fn drawing_error(error: &dyn std::error::Error) -> FigureError {
    FigureError::Drawing {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn length(path: &[Position]) -> f64 {
        path.windows(2)
            .map(|pair| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1))
            .sum()
    }

    #[test]
    fn numbers_are_short_and_text_is_escaped() {
        assert_eq!(decimal(53.999_999_999), "54");
        assert_eq!(decimal(0.25), "0.2");
        assert_eq!(escape("a<b> & \"c\"\u{0}\n"), "a&lt;b&gt; &amp; &quot;c&quot;  ");
    }

    #[test]
    fn a_straight_line_is_cut_into_strokes() {
        let cut = strokes(&[(0.0, 0.0), (0.0, 50.0)], (20.0, 14.0));
        assert_eq!(cut, [[(0.0, 0.0), (0.0, 20.0)], [(0.0, 34.0), (0.0, 50.0)]]);
        assert!(strokes(&[], DASH).is_empty());
        assert!(strokes(&[(1.0, 1.0)], DASH).is_empty());
    }

    proptest! {
        #[test]
        fn strokes_cover_their_share_of_any_path(path in vec((0.0..500.0_f64, 0.0..500.0_f64), 0..12)) {
            let covered: f64 = strokes(&path, DASH).iter().map(|stroke| length(stroke)).sum();
            let whole = length(&path);
            let share = DASH.0 / (DASH.0 + DASH.1);
            prop_assert!((covered - share * whole).abs() <= DASH.0, "{covered} of {whole}");
            prop_assert!(strokes(&path, DASH).iter().all(|stroke| length(stroke) <= DASH.0 + 1e-6));
        }
    }
}
