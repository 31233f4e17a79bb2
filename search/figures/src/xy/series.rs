//! Series of points and the lines that join them.

use crate::error::FigureError;
use crate::legend::{LegendEntry, Symbol};
use crate::palette::SeriesStyle;

/// A point of a series.
///
/// A point whose coordinates are not finite, or not positive where the axis needs it, is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Value on the horizontal axis.
    pub x: f64,
    /// Value on the vertical axis.
    pub y: f64,
    /// Look of the marker.
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
    /// A point with a full marker and nothing else.
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

    /// The same point with text beside it.
    #[must_use]
    pub fn labelled(self, text: impl Into<String>) -> Self {
        Self {
            label: Some(text.into()),
            ..self
        }
    }

    /// The same point with another marker.
    #[must_use]
    pub fn marked(self, mark: PointMark) -> Self {
        Self { mark, ..self }
    }
}

/// Look of a point's marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PointMark {
    /// Filled, in the size of the series.
    #[default]
    Full,
    /// Outline in the size of the series.
    Hollow,
    /// Filled and smaller.
    Minor,
    /// None; lines still pass through the point.
    Hidden,
}

/// Points joined by lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Lines {
    /// None.
    #[default]
    None,
    /// One line through all points in order.
    InOrder,
    /// Steps through all points in order: each value holds until the next point.
    Steps,
    /// Steps that go on to the bottom of the frame at the first point and to its right edge at the last: a Pareto front
    /// whose points both grow.
    Front,
    /// Lines through these points, by index.
    Paths(Vec<Vec<usize>>),
}

/// Look of intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IntervalMark {
    /// Thin bars with caps; the axes reach their ends.
    #[default]
    Bar,
    /// Pale bands, cut at the frame.
    Band,
}

/// Claim of a series' labels to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LabelRank {
    /// Placed first and far from the point if need be, with a leader line; a note counts those without room.
    Required,
    /// Placed near the point, with a leader line if need be, or left out.
    #[default]
    Preferred,
    /// Placed beside the point or left out, after all others.
    Optional,
}

/// Points of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name in the legend; empty for none.
    pub name: String,
    /// Colour, marker and line.
    pub style: SeriesStyle,
    /// The points, in the order in which they are painted.
    pub points: Vec<Point>,
    /// Lines that join them.
    pub lines: Lines,
    /// Look of their intervals.
    pub intervals: IntervalMark,
    /// Claim of their labels to a place.
    pub labels: LabelRank,
    /// Markers stand at every point of this step and at the last one; 0 for none.
    pub marker_step: usize,
    /// Background: painted below all lines, and labels of other series may cover it.
    pub is_background: bool,
}

impl Series {
    /// Points with markers and no lines.
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

    /// The same series with lines.
    #[must_use]
    pub fn joined(self, lines: Lines) -> Self {
        Self { lines, ..self }
    }

    /// The entry that the legend has for the series: its marker, its line or both.
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

    /// Fails if a line passes through a point that does not exist.
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
