//! The legend: symbols for what the plot has, in rows above it.

use plotters::style::{Color, RGBColor};

use super::super::ReportError;
use super::super::geometry::{Position, Rect};
use super::super::point::ReportRow;
use super::PlotSpec;
use super::canvas::{Canvas, Surface, Text, WIDTH};
use super::figure::interval;
use super::header::{SIDE, shorten};
use super::scene::Scene;
use super::style::{
    BEST_RADIUS, BUDGET, CANDIDATE, DOT_RADIUS, FRONT, FRONT_RADIUS, INK, REFERENCE_RADIUS, Shape, draw_marker,
};

const SIZE: f64 = 32.0;
const ROW: f64 = 54.0;

/// A symbol of the legend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Symbol {
    /// A marker, its radius, and whether a line runs through it.
    Marker {
        shape: Shape,
        color: RGBColor,
        radius: f64,
        hollow: bool,
        line: bool,
    },
    /// A marker joined to the tick of its measurement.
    Measured,
    /// The band of a prediction's interval.
    Interval,
}

/// Entries of the legend, only for what the plot has.
pub(super) fn legend(rows: &[ReportRow], scene: &Scene, spec: &PlotSpec) -> Vec<(Symbol, String)> {
    let disc = |color, radius, line| Symbol::Marker {
        shape: Shape::Disc,
        color,
        radius,
        hollow: false,
        line,
    };
    let mut entries = Vec::new();
    if !scene.front.is_empty() {
        entries.push((disc(FRONT, FRONT_RADIUS, true), "Pareto front".to_owned()));
    }
    if !scene.dominated.is_empty() {
        entries.push((disc(CANDIDATE, DOT_RADIUS, false), "dominated candidate".to_owned()));
    }
    if scene.best.is_some() {
        let what = if spec.budget_ms.is_some() {
            "best within budget"
        } else {
            "most accurate"
        };
        let star = Symbol::Marker {
            shape: Shape::Star,
            color: BUDGET,
            radius: BEST_RADIUS * 0.85,
            hollow: false,
            line: false,
        };
        entries.push((star, what.to_owned()));
    }
    if scene.drawn().any(|index| !rows[index].within_budget) && spec.budget_ms.is_some() {
        let hollow = Symbol::Marker {
            shape: Shape::Disc,
            color: CANDIDATE,
            radius: 12.0,
            hollow: true,
            line: false,
        };
        entries.push((hollow, "hollow: over budget".to_owned()));
    }
    if scene
        .drawn()
        .any(|index| rows[index].measured_ms.is_some() && rows[index].latency_ms.is_some())
    {
        entries.push((Symbol::Measured, "predicted to measured".to_owned()));
    }
    if scene.front.iter().any(|&index| interval(&rows[index]).is_some()) {
        entries.push((Symbol::Interval, "predicted interval".to_owned()));
    }
    for family in &scene.families {
        let line = family.front.len() > 1;
        let (shape, color) = (family.style.shape, family.style.color);
        let symbol = Symbol::Marker {
            shape,
            color,
            radius: REFERENCE_RADIUS,
            hollow: false,
            line,
        };
        entries.push((symbol, family.name.clone()));
    }
    entries
}

/// Draws the legend in as many rows as it needs and returns the height it ends at.
pub(super) fn draw_legend<Backend: Surface>(
    canvas: &mut Canvas<'_, Backend>,
    entries: &[(Symbol, String)],
    top: f64,
) -> Result<f64, ReportError> {
    let style = Text::new(SIZE, INK);
    let (mut x, mut y) = (SIDE, top + ROW / 2.0);
    for (symbol, label) in entries {
        let symbol_width = symbol_width(*symbol);
        let label = shorten(label, style, 900.0)?;
        let width = symbol_width + 16.0 + style.width(&label)?;
        if x > SIDE && x + width > f64::from(WIDTH) - SIDE {
            x = SIDE;
            y += ROW;
        }
        draw_symbol(canvas, *symbol, (x, y))?;
        canvas.text(&label, (x + symbol_width + 16.0, y), style)?;
        x += width + 56.0;
    }
    Ok(if entries.is_empty() { top } else { y + ROW / 2.0 })
}

fn symbol_width(symbol: Symbol) -> f64 {
    match symbol {
        Symbol::Marker { line: false, .. } => 34.0,
        _ => 76.0,
    }
}

fn draw_symbol<Backend: Surface>(
    canvas: &mut Canvas<'_, Backend>,
    symbol: Symbol,
    (x, y): Position,
) -> Result<(), ReportError> {
    let right = x + symbol_width(symbol);
    match symbol {
        Symbol::Marker {
            shape,
            color,
            radius,
            hollow,
            line,
        } => {
            if line {
                let width = if color == FRONT { 5 } else { 3 };
                canvas.line(&[(x, y), (right, y)], width, color.mix(1.0))?;
            }
            draw_marker(canvas, shape, (f64::midpoint(x, right), y), radius, color, hollow)
        }
        Symbol::Measured => {
            draw_measured(canvas, (x + 14.0, y), right - 4.0, FRONT)?;
            draw_marker(canvas, Shape::Disc, (x + 14.0, y), 13.0, FRONT, false)
        }
        Symbol::Interval => {
            draw_interval(canvas, y, (x, right))?;
            draw_marker(canvas, Shape::Disc, (f64::midpoint(x, right), y), 13.0, FRONT, false)
        }
    }
}

/// The line from a prediction to the tick of its measurement.
pub(super) fn draw_measured<Backend: Surface>(
    canvas: &mut Canvas<'_, Backend>,
    predicted: Position,
    measured_x: f64,
    color: RGBColor,
) -> Result<(), ReportError> {
    let y = predicted.1;
    canvas.line(&[predicted, (measured_x, y)], 3, color.mix(1.0))?;
    canvas.line(&[(measured_x, y - 15.0), (measured_x, y + 15.0)], 5, color.mix(1.0))
}

/// The band of a prediction's interval.
pub(super) fn draw_interval<Backend: Surface>(
    canvas: &mut Canvas<'_, Backend>,
    y: f64,
    (left, right): (f64, f64),
) -> Result<(), ReportError> {
    canvas.fill(
        Rect {
            left,
            top: y - 5.0,
            right,
            bottom: y + 5.0,
        },
        FRONT.mix(0.22),
    )
}
