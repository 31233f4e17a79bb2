//! Grid, frame, ticks, axis titles and reference lines of a panel.

use crate::canvas::Canvas;
use crate::error::FigureError;
use crate::geometry::Rect;
use crate::legend::PlacedLegend;
use crate::scale::Tick;
use crate::style::{
    BAND, BUDGET, FRAME_WIDTH, GRID, GRID_WIDTH, INK, LEGEND_SIZE, PANEL_TITLE_SIZE, RULE, STRONG_LINE, THIN_LINE,
};
use crate::text::{Align, TextStyle};

use super::figure::Guide;
use super::layout::PlacedPanel;
use super::ticks::{x_ticks, y_ticks};

/// Distance of a budget's label from the frame.
const BUDGET_Y: f64 = 28.0;

/// Draws the parts of a panel that lie below its series.
pub(crate) fn draw_frame(canvas: &mut Canvas<'_>, placed: &PlacedPanel<'_>) -> Result<(), FigureError> {
    let frame = placed.frame;
    draw_bands(canvas, placed)?;
    draw_ticks(canvas, placed)?;
    draw_reference_lines(canvas, placed)?;
    canvas.frame(frame, FRAME_WIDTH, RULE)?;
    let (panel, sizes, middle) = (placed.panel, placed.sizes, frame.center());
    let title = TextStyle::new(sizes.title, INK).align(Align::Middle);
    if placed.has_x_labels {
        let text = title.shorten(&panel.x.full_title(&placed.x), frame.width());
        canvas.text(&text, (middle.0, frame.bottom + sizes.x_title), title);
    }
    if let Some(x) = placed.y_title_x {
        let text = title.shorten(&panel.y.full_title(&placed.y), frame.height());
        canvas.text(&text, (x, middle.1), title.upwards());
    }
    draw_head(canvas, placed)
}

/// Draws title and legend above the frame.
fn draw_head(canvas: &mut Canvas<'_>, placed: &PlacedPanel<'_>) -> Result<(), FigureError> {
    let legend_left = placed.legend.as_ref().and_then(PlacedLegend::left);
    let right = legend_left.map_or(placed.frame.right, |left| left - 40.0);
    let style = TextStyle::new(PANEL_TITLE_SIZE, INK).bold();
    let title = style.shorten(&placed.panel.title, right - placed.frame.left);
    canvas.text(&title, placed.title_at, style);
    placed.legend.as_ref().map_or(Ok(()), |legend| legend.draw(canvas))
}

/// Draws the shading beyond the budget and the bands around reference lines.
fn draw_bands(canvas: &mut Canvas<'_>, placed: &PlacedPanel<'_>) -> Result<(), FigureError> {
    let frame = placed.frame;
    for guide in &placed.panel.guides {
        match guide {
            Guide::Budget { at, .. } if placed.panel.x.accepts(*at) => {
                let left = placed.x.clamped(*at);
                canvas.fill(Rect { left, ..frame }, RULE.alpha(0.12))?;
            }
            Guide::Budget { .. } => {}
            Guide::Diagonal { band } => {
                let (low, high) = placed.x.range();
                let (above, below) = (1.0 + band, 1.0 - band);
                let corners = [
                    (low, low),
                    (low, low * above),
                    (high / above, high),
                    (high, high),
                    (high, high * below),
                    (low / below, low),
                ];
                canvas.polygon(&corners.map(|corner| placed.position(corner)), BAND)?;
            }
            Guide::Level { band, .. } => {
                let (top, bottom) = (placed.y.clamped(band.1), placed.y.clamped(band.0));
                canvas.fill(Rect { top, bottom, ..frame }, BAND)?;
            }
        }
    }
    Ok(())
}

fn draw_ticks(canvas: &mut Canvas<'_>, placed: &PlacedPanel<'_>) -> Result<(), FigureError> {
    let (frame, sizes) = (placed.frame, placed.sizes);
    let style = TextStyle::new(sizes.tick, INK);
    let length = |tick: &Tick| {
        if tick.label.is_some() {
            sizes.tick_length.0
        } else {
            sizes.tick_length.1
        }
    };
    for tick in x_ticks(&placed.x, sizes) {
        let x = placed.x.position(tick.value);
        if let Some(label) = &tick.label {
            canvas.line(&[(x, frame.top), (x, frame.bottom)], GRID_WIDTH, GRID)?;
            let (half, overhang) = (style.width(label) / 2.0, placed.overhang);
            let has_room = x - half >= frame.left - overhang && x + half <= frame.right + overhang;
            if placed.has_x_labels && has_room {
                canvas.text(label, (x, frame.bottom + sizes.x_tick), style.align(Align::Middle));
            }
        }
        if placed.has_x_labels {
            canvas.line(
                &[(x, frame.bottom), (x, frame.bottom + length(&tick))],
                FRAME_WIDTH,
                RULE,
            )?;
        }
    }
    for tick in y_ticks(&placed.y, sizes) {
        let y = placed.y.position(tick.value);
        let has_labels = placed.y_title_x.is_some();
        if let Some(label) = &tick.label {
            canvas.line(&[(frame.left, y), (frame.right, y)], GRID_WIDTH, GRID)?;
            if has_labels {
                canvas.text(label, (frame.left - sizes.y_tick, y), style.align(Align::End));
            }
        }
        if has_labels {
            canvas.line(&[(frame.left - length(&tick), y), (frame.left, y)], FRAME_WIDTH, RULE)?;
        }
    }
    Ok(())
}

/// Draws the reference lines within the bands.
fn draw_reference_lines(canvas: &mut Canvas<'_>, placed: &PlacedPanel<'_>) -> Result<(), FigureError> {
    let frame = placed.frame;
    for guide in &placed.panel.guides {
        match guide {
            Guide::Budget { .. } => {}
            Guide::Diagonal { .. } => {
                let (low, high) = placed.x.range();
                let ends = [placed.position((low, low)), placed.position((high, high))];
                canvas.line(&ends, THIN_LINE, RULE)?;
            }
            Guide::Level { at, .. } => {
                let y = placed.y.clamped(*at);
                canvas.line(&[(frame.left, y), (frame.right, y)], THIN_LINE, RULE)?;
            }
        }
    }
    Ok(())
}

/// Draws the dashed line of the budget, with its label above the frame, clear of the data.
pub(crate) fn draw_budget(canvas: &mut Canvas<'_>, placed: &PlacedPanel<'_>) -> Result<(), FigureError> {
    let Some((at, label)) = placed.panel.budget() else {
        return Ok(());
    };
    let (x, frame) = (placed.x.clamped(at), placed.frame);
    canvas.dashed(&[(x, frame.top), (x, frame.bottom)], STRONG_LINE, BUDGET)?;
    let style = TextStyle::new(LEGEND_SIZE, BUDGET).bold().align(Align::Middle);
    let label = style.shorten(label, frame.width());
    let half = style.width(&label) / 2.0;
    let center = x.min(frame.right - half).max(frame.left + half);
    canvas.text(&label, (center, frame.top - BUDGET_Y), style);
    Ok(())
}
