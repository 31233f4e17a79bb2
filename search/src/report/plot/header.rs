//! The figure's head: title, subtitle and legend, in rows above the plot.

use plotters::style::{Color, RGBColor};

use super::super::ReportError;
use super::PlotSpec;
use super::canvas::{Canvas, Surface, Text, WIDTH};
use super::style::{FAINT_INK, FRONT, INK, Shape, draw_marker};

/// Space left free at the figure's left and right.
pub(super) const SIDE: f64 = 70.0;
const TITLE_SIZE: f64 = 54.0;
const SUBTITLE_SIZE: f64 = 32.0;
const LEGEND_SIZE: f64 = 32.0;
const LEGEND_ROW: f64 = 54.0;

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

/// Draws title and subtitle and returns the height they end at.
pub(super) fn draw_titles<Backend: Surface>(
    canvas: &mut Canvas<'_, Backend>,
    spec: &PlotSpec,
) -> Result<f64, ReportError> {
    let room = f64::from(WIDTH) - 2.0 * SIDE;
    let style = Text::new(TITLE_SIZE, INK).bold();
    let mut y = 74.0;
    canvas.text(&shorten(&spec.title, style, room)?, (SIDE, y), style)?;
    y += 62.0;
    let style = Text::new(SUBTITLE_SIZE, FAINT_INK);
    for line in &spec.subtitle {
        for piece in wrap(line, style, room)? {
            canvas.text(&piece, (SIDE, y), style)?;
            y += 44.0;
        }
    }
    Ok(y)
}

/// Draws the legend in as many rows as it needs and returns the height it ends at.
pub(super) fn draw_legend<Backend: Surface>(
    canvas: &mut Canvas<'_, Backend>,
    entries: &[(Symbol, String)],
    top: f64,
) -> Result<f64, ReportError> {
    let style = Text::new(LEGEND_SIZE, INK);
    let (mut x, mut y) = (SIDE, top + LEGEND_ROW / 2.0);
    for (symbol, label) in entries {
        let symbol_width = symbol_width(*symbol);
        let label = shorten(label, style, 900.0)?;
        let width = symbol_width + 16.0 + style.width(&label)?;
        if x > SIDE && x + width > f64::from(WIDTH) - SIDE {
            x = SIDE;
            y += LEGEND_ROW;
        }
        draw_symbol(canvas, *symbol, (x, y))?;
        canvas.text(&label, (x + symbol_width + 16.0, y), style)?;
        x += width + 56.0;
    }
    Ok(if entries.is_empty() {
        top
    } else {
        y + LEGEND_ROW / 2.0
    })
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
    (x, y): (f64, f64),
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
            draw_marker(
                canvas,
                shape,
                (f64::midpoint(x, right), y),
                radius,
                color,
                hollow,
            )
        }
        Symbol::Measured => {
            draw_measured(canvas, (x + 14.0, y), right - 4.0, FRONT)?;
            draw_marker(canvas, Shape::Disc, (x + 14.0, y), 13.0, FRONT, false)
        }
        Symbol::Interval => {
            draw_interval(canvas, y, (x, right))?;
            draw_marker(
                canvas,
                Shape::Disc,
                (f64::midpoint(x, right), y),
                13.0,
                FRONT,
                false,
            )
        }
    }
}

/// The line from a prediction to the tick of its measurement.
pub(super) fn draw_measured<Backend: Surface>(
    canvas: &mut Canvas<'_, Backend>,
    predicted: (f64, f64),
    measured_x: f64,
    color: RGBColor,
) -> Result<(), ReportError> {
    let y = predicted.1;
    canvas.line(&[predicted, (measured_x, y)], 3, color.mix(1.0))?;
    canvas.line(
        &[(measured_x, y - 15.0), (measured_x, y + 15.0)],
        5,
        color.mix(1.0),
    )
}

/// The band of a prediction's interval.
pub(super) fn draw_interval<Backend: Surface>(
    canvas: &mut Canvas<'_, Backend>,
    y: f64,
    (left, right): (f64, f64),
) -> Result<(), ReportError> {
    canvas.fill(
        super::super::labels::Rect {
            left,
            top: y - 5.0,
            right,
            bottom: y + 5.0,
        },
        FRONT.mix(0.22),
    )
}

/// The text, cut with an ellipsis where it is wider than `room`.
fn shorten(text: &str, style: Text, room: f64) -> Result<String, ReportError> {
    if style.width(text)? <= room {
        return Ok(text.to_owned());
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let candidate = format!("{}…", kept.iter().collect::<String>().trim_end());
        if style.width(&candidate)? <= room {
            return Ok(candidate);
        }
    }
    Ok(String::new())
}

/// The text in lines no wider than `room`, broken between words.
fn wrap(text: &str, style: Text, room: f64) -> Result<Vec<String>, ReportError> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if style.width(&longer)? > room && !line.is_empty() {
            lines.push(std::mem::replace(&mut line, word.to_owned()));
        } else {
            line = longer;
        }
    }
    lines.push(line);
    lines
        .iter()
        .map(|line| shorten(line, style, room))
        .collect()
}
