//! Lines, intervals and hatching shared by panels and legends.

use crate::canvas::Canvas;
use crate::color::Color;
use crate::error::FigureError;
use crate::geometry::{Position, Rect};
use crate::palette::{LineStyle, LineWeight, SeriesStyle};
use crate::style::{CAP_HALF, INTERVAL_HALF, INTERVAL_OPACITY, MEASURED_HALF, STRONG_LINE, THIN_LINE};

/// Distance between hatching lines along an edge.
const HATCHING_STEP: f64 = 18.0;

/// Draws a path in the style of a series; the opacity applies to thin lines.
pub(crate) fn draw_path(
    canvas: &mut Canvas<'_>,
    path: &[Position],
    style: SeriesStyle,
    thin_opacity: f64,
) -> Result<(), FigureError> {
    let width = style.weight.width();
    let opacity = match style.weight {
        LineWeight::Thin => thin_opacity,
        LineWeight::Strong => 1.0,
    };
    match style.line {
        LineStyle::Solid => canvas.line(path, width, style.color.alpha(opacity)),
        LineStyle::Dashed => canvas.dashed(path, width, style.color),
        LineStyle::Dotted => canvas.dotted(path, width, style.color),
    }
}

/// Draws the line from a prediction to its measurement, with a tick.
pub(crate) fn draw_measured(
    canvas: &mut Canvas<'_>,
    predicted: Position,
    measured_x: f64,
    color: Color,
) -> Result<(), FigureError> {
    let y = predicted.1;
    canvas.line(&[predicted, (measured_x, y)], THIN_LINE, color)?;
    let tick = [(measured_x, y - MEASURED_HALF), (measured_x, y + MEASURED_HALF)];
    canvas.line(&tick, STRONG_LINE, color)
}

/// Draws the band of a horizontal interval.
pub(crate) fn draw_horizontal_band(
    canvas: &mut Canvas<'_>,
    y: f64,
    (left, right): (f64, f64),
    color: Color,
) -> Result<(), FigureError> {
    let band = Rect {
        left,
        top: y - INTERVAL_HALF,
        right,
        bottom: y + INTERVAL_HALF,
    };
    canvas.fill(band, color.alpha(INTERVAL_OPACITY))
}

/// Draws the band of a vertical interval.
pub(crate) fn draw_vertical_band(
    canvas: &mut Canvas<'_>,
    x: f64,
    (top, bottom): (f64, f64),
    color: Color,
) -> Result<(), FigureError> {
    let band = Rect {
        left: x - INTERVAL_HALF,
        top,
        right: x + INTERVAL_HALF,
        bottom,
    };
    canvas.fill(band, color.alpha(INTERVAL_OPACITY))
}

/// Draws the bar of an interval between two positions in the same row or column, with caps at both ends.
pub(crate) fn draw_bar(canvas: &mut Canvas<'_>, from: Position, to: Position, color: Color) -> Result<(), FigureError> {
    canvas.line(&[from, to], THIN_LINE, color)?;
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let across = if dx.abs() > dy.abs() {
        (0.0, CAP_HALF)
    } else {
        (CAP_HALF, 0.0)
    };
    for (x, y) in [from, to] {
        let cap = [(x - across.0, y - across.1), (x + across.0, y + across.1)];
        canvas.line(&cap, THIN_LINE, color)?;
    }
    Ok(())
}

/// Draws diagonal lines over a rectangle.
pub(crate) fn draw_hatching(canvas: &mut Canvas<'_>, rect: Rect, color: Color) -> Result<(), FigureError> {
    let (width, height) = (rect.width(), rect.height());
    let mut offset = HATCHING_STEP;
    // Each line runs from the left or bottom edge to the top or right edge.
    while offset < width + height {
        let start = if offset <= height {
            (rect.left, rect.top + offset)
        } else {
            (rect.left + offset - height, rect.bottom)
        };
        let end = if offset <= width {
            (rect.left + offset, rect.top)
        } else {
            (rect.right, rect.top + offset - width)
        };
        canvas.line(&[start, end], 2, color)?;
        offset += HATCHING_STEP;
    }
    Ok(())
}
