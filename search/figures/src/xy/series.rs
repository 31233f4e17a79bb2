//! Series of points and the lines that join them.

use crate::error::FigureError;
use crate::legend::{LegendEntry, Symbol};
use crate::palette::SeriesStyle;

/// Point of a series.
///
/// Points with non-finite coordinates, or with non-positive ones on an axis of positive values, are not drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Value on the horizontal axis.
    pub x: f64,
    /// Value on the vertical axis.
    pub y: f64,
    /// Appearance of the marker.
    pub mark: PointMark,
    /// Text beside the marker.
    pub label: Option<String>,
    /// Ends of the interval of `x`.
    pub x_interval: Option<(f64, f64)>,
    /// Ends of the interval of `y`.
    pub y_interval: Option<(f64, f64)>,
    /// Second value on the horizontal axis, drawn as a tick joined to the marker: the measurement of a predicted value.
    pub measured_x: Option<f64>,
}

impl Point {
    /// Creates a point with a full marker and no label or intervals.
    pub fn new(x: f64, y: f64) -> Self {
        Self {
            x,
            y,
            mark: PointMark::Full,
            label: None,
            x_interval: None,
            y_interval: None,
            measured_x: None,
        }
    }

    /// Same point with text beside it.
    #[must_use]
    pub fn labelled(self, text: impl Into<String>) -> Self {
        Self {
            label: Some(text.into()),
            ..self
        }
    }

    /// Same point with another marker.
    #[must_use]
    pub fn marked(self, mark: PointMark) -> Self {
        Self { mark, ..self }
    }
}

/// Appearance of a point's marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PointMark {
    /// Filled marker in the size of the series.
    #[default]
    Full,
    /// Outlined marker in the size of the series.
    Hollow,
    /// Filled, smaller marker.
    Minor,
    /// No marker; lines still pass through the point.
    Hidden,
}

/// Lines that join the points of a series.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Lines {
    /// No lines.
    #[default]
    None,
    /// One line through all points in order.
    InOrder,
    /// Steps through all points in order: each value extends to the next point.
    Steps,
    /// Steps that extend to the bottom of the frame at the first point and to its right edge at the last: a Pareto front, both
    /// of whose coordinates increase.
    Front,
    /// Lines through points, each given by the points' indices.
    Paths(Vec<Vec<usize>>),
}

/// Appearance of intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IntervalMark {
    /// Thin bars with caps; the axes include their ends.
    #[default]
    Bar,
    /// Pale bands, clipped at the frame.
    Band,
}

/// Priority of a series' labels in the placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LabelRank {
    /// Placed first, if necessary far from the point with a leader line; a note counts those that do not fit.
    Required,
    /// Placed near the point, with a leader line if necessary, or left out.
    #[default]
    Preferred,
    /// Placed beside the point after all others, or left out.
    Optional,
}

/// Series of points of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name in the legend; empty for none.
    pub name: String,
    /// Colour, marker and line.
    pub style: SeriesStyle,
    /// Points, in painting order.
    pub points: Vec<Point>,
    /// Lines that join the points.
    pub lines: Lines,
    /// Appearance of the intervals.
    pub intervals: IntervalMark,
    /// Priority of the labels.
    pub labels: LabelRank,
    /// Step between points with a marker; the last point has one too. 0 for no markers.
    pub marker_step: usize,
    /// True for background points: they are drawn below all lines, and labels of other series may cover them.
    pub is_background: bool,
}

impl Series {
    /// Creates a series of points with markers and without lines.
    pub fn new(name: impl Into<String>, style: SeriesStyle, points: Vec<Point>) -> Self {
        Self {
            name: name.into(),
            style,
            points,
            lines: Lines::None,
            intervals: IntervalMark::Bar,
            labels: LabelRank::Preferred,
            marker_step: 1,
            is_background: false,
        }
    }

    /// Same series with lines.
    #[must_use]
    pub fn joined(self, lines: Lines) -> Self {
        Self { lines, ..self }
    }

    /// Entry of the series in the legend: its marker, its line or both.
    pub fn legend_entry(&self) -> LegendEntry {
        let symbol = match (&self.lines, self.marker_step) {
            (Lines::None, _) => Symbol::Marker(self.style),
            (_, 0) => Symbol::Line(self.style),
            _ => Symbol::MarkedLine(self.style),
        };
        LegendEntry::new(symbol, self.name.clone())
    }

    /// Tests that the point with this index has a marker.
    pub(crate) fn has_marker(&self, index: usize) -> bool {
        let is_chosen = match self.marker_step {
            0 => false,
            step => index.is_multiple_of(step) || index + 1 == self.points.len(),
        };
        is_chosen && self.points[index].mark != PointMark::Hidden
    }

    /// Returns an error if a line passes through a point that does not exist.
    pub(crate) fn check(&self) -> Result<(), FigureError> {
        let Lines::Paths(paths) = &self.lines else {
            return Ok(());
        };
        match paths.iter().flatten().find(|&&index| index >= self.points.len()) {
            Some(index) => Err(FigureError::input(
                format!("series `{}`", self.name),
                format!("a line passes through point {index} of {}", self.points.len()),
            )),
            None => Ok(()),
        }
    }
}
