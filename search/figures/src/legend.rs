//! Legends: symbols with their meaning, in rows above all panels or beside a panel's title.

use crate::canvas::Canvas;
use crate::error::FigureError;
use crate::geometry::{Position, Rect};
use crate::marker::draw_marker;
use crate::palette::{Marker, MarkerSize, SeriesStyle};
use crate::strokes::{draw_hatching, draw_horizontal_band, draw_measured, draw_path};
use crate::style::{BUDGET, DOMINATED, GRID, INK, LEGEND_ROW, LEGEND_SIZE, RULE, SIDE, STRONG_LINE};
use crate::text::TextStyle;

/// Maximum width of an entry's text, in units.
const WIDEST_TEXT: f64 = 900.0;
/// Distance of a symbol from its text.
const SYMBOL_GAP: f64 = 16.0;
/// Distance of an entry from the next.
const ENTRY_GAP: f64 = 56.0;

/// Content and position of a figure's legend.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Legend {
    /// One entry per named series, in order of first appearance, above all panels.
    #[default]
    Series,
    /// Given entries, above all panels.
    Entries(Vec<LegendEntry>),
    /// Named series of each panel, above the right end of its frame.
    PerPanel,
}

/// Entry of a legend: a symbol and its description.
#[derive(Debug, Clone, PartialEq)]
pub struct LegendEntry {
    /// Symbol.
    pub symbol: Symbol,
    /// Description.
    pub text: String,
}

impl LegendEntry {
    /// Creates an entry.
    pub fn new(symbol: Symbol, text: impl Into<String>) -> Self {
        Self {
            symbol,
            text: text.into(),
        }
    }
}

/// Symbol in a legend.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Symbol {
    /// Marker of a series.
    Marker(SeriesStyle),
    /// Marker of a series on its line.
    MarkedLine(SeriesStyle),
    /// Line of a series.
    Line(SeriesStyle),
    /// Hollow marker.
    Hollow,
    /// Marker of a series joined to the tick of its measurement.
    Measured(SeriesStyle),
    /// Marker of a series on the band of its interval.
    Interval(SeriesStyle),
    /// Hatched cell of a heat map.
    HatchedCell,
    /// Framed cell of a heat map.
    FramedCell,
}

impl Symbol {
    fn width(self) -> f64 {
        match self {
            Self::Marker(_) | Self::Hollow => 34.0,
            Self::HatchedCell | Self::FramedCell => 52.0,
            Self::MarkedLine(_) | Self::Line(_) | Self::Measured(_) | Self::Interval(_) => 76.0,
        }
    }
}

/// Entries of a legend with their positions.
pub(crate) struct PlacedLegend {
    /// Left end of each symbol at the middle of its row, symbol and text.
    entries: Vec<(Position, Symbol, String)>,
    /// Bottom edge of the legend.
    pub(crate) bottom: f64,
}

impl PlacedLegend {
    /// Arranges entries in as many rows over the width of the figure as necessary.
    pub(crate) fn rows(entries: &[LegendEntry], top: f64, figure_width: u32) -> Self {
        let (mut x, mut y) = (SIDE, top + LEGEND_ROW / 2.0);
        let mut placed = Vec::new();
        for entry in entries {
            let (text, width) = measure(entry);
            if x > SIDE && x + width > f64::from(figure_width) - SIDE {
                x = SIDE;
                y += LEGEND_ROW;
            }
            placed.push(((x, y), entry.symbol, text));
            x += width + ENTRY_GAP;
        }
        Self {
            bottom: if placed.is_empty() { top } else { y + LEGEND_ROW / 2.0 },
            entries: placed,
        }
    }

    /// Arranges entries in one row that ends at this position; leaves out those that do not fit to the right of `left`.
    pub(crate) fn ending_at(entries: &[LegendEntry], (mut right, y): Position, left: f64) -> Self {
        let mut placed = Vec::new();
        for entry in entries.iter().rev() {
            let (text, width) = measure(entry);
            if right - width < left {
                break;
            }
            placed.push(((right - width, y), entry.symbol, text));
            right -= width + ENTRY_GAP;
        }
        placed.reverse();
        Self {
            entries: placed,
            bottom: y + LEGEND_ROW / 2.0,
        }
    }

    /// Left end of the first entry of a row.
    pub(crate) fn left(&self) -> Option<f64> {
        self.entries.first().map(|((x, _), ..)| *x)
    }

    /// Draws symbols and texts.
    pub(crate) fn draw(&self, canvas: &mut Canvas<'_>) -> Result<(), FigureError> {
        for ((x, y), symbol, text) in &self.entries {
            draw_symbol(canvas, *symbol, (*x, *y))?;
            let at = (x + symbol.width() + SYMBOL_GAP, *y);
            canvas.text(text, at, TextStyle::new(LEGEND_SIZE, INK));
        }
        Ok(())
    }
}

/// Text of an entry, truncated to the maximum width, and the width of the entry.
fn measure(entry: &LegendEntry) -> (String, f64) {
    let style = TextStyle::new(LEGEND_SIZE, INK);
    let text = style.shorten(&entry.text, WIDEST_TEXT);
    let width = entry.symbol.width() + SYMBOL_GAP + style.width(&text);
    (text, width)
}

fn draw_symbol(canvas: &mut Canvas<'_>, symbol: Symbol, (x, y): Position) -> Result<(), FigureError> {
    let right = x + symbol.width();
    let middle = (f64::midpoint(x, right), y);
    let marker = |canvas: &mut Canvas<'_>, style: SeriesStyle, center| {
        draw_marker(
            canvas,
            style.marker,
            center,
            style.size.legend_radius(),
            style.color,
            false,
        )
    };
    match symbol {
        Symbol::Marker(style) => marker(canvas, style, middle),
        Symbol::MarkedLine(style) => {
            draw_path(canvas, &[(x, y), (right, y)], style, 1.0)?;
            marker(canvas, style, middle)
        }
        Symbol::Line(style) => draw_path(canvas, &[(x, y), (right, y)], style, 1.0),
        Symbol::Hollow => draw_marker(canvas, Marker::Disc, middle, 12.0, DOMINATED, true),
        Symbol::Measured(style) => {
            draw_measured(canvas, (x + 14.0, y), right - 4.0, style.color)?;
            marker(canvas, style.sized(MarkerSize::Small), (x + 14.0, y))
        }
        Symbol::Interval(style) => {
            draw_horizontal_band(canvas, y, (x, right), style.color)?;
            marker(canvas, style.sized(MarkerSize::Small), middle)
        }
        Symbol::HatchedCell => {
            let cell = Rect::around(middle, 52.0, 34.0);
            canvas.fill(cell, GRID)?;
            draw_hatching(canvas, cell, RULE)
        }
        Symbol::FramedCell => {
            let cell = Rect::around(middle, 48.0, 32.0);
            canvas.fill(cell, GRID)?;
            canvas.frame(cell, STRONG_LINE + 1, BUDGET)
        }
    }
}
