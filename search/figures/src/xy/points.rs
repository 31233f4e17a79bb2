//! Points and lines of a panel: positions, obstacles for labels, and drawing.

use crate::canvas::Canvas;
use crate::error::FigureError;
use crate::geometry::{Position, Rect, Segment};
use crate::marker::draw_marker;
use crate::strokes::{draw_bar, draw_horizontal_band, draw_measured, draw_path, draw_vertical_band};
use crate::style::{THIN_LINE, THIN_OPACITY};

use super::figure::Guide;
use super::label::Label;
use super::layout::PlacedPanel;
use super::series::{IntervalMark, Lines, Point, PointMark, Series};

/// Radius of minor markers relative to that of full ones.
const MINOR: f64 = 0.64;
/// Opacity of the lines from a front's ends to the edges of the frame.
const TAIL_OPACITY: f64 = 0.35;
/// Side of the box around a marker that labels avoid, as a multiple of the marker's radius.
const MARKER_BOX: f64 = 2.6;
/// Side of the box around a background marker, as a multiple of the marker's radius.
const DOT_BOX: f64 = 2.2;

/// Point with its series and position.
struct Drawn<'a> {
    series: &'a Series,
    point: &'a Point,
    at: Position,
    has_marker: bool,
}

impl Drawn<'_> {
    fn radius(&self) -> f64 {
        let radius = self.series.style.size.radius();
        if self.point.mark == PointMark::Minor {
            MINOR * radius
        } else {
            radius
        }
    }
}

/// Drawable points of a panel.
pub(crate) struct Points<'a> {
    placed: &'a PlacedPanel<'a>,
    drawn: Vec<Drawn<'a>>,
}

impl<'a> Points<'a> {
    /// Collects the points within the range of both axes of the panel.
    pub(crate) fn new(placed: &'a PlacedPanel<'a>) -> Self {
        let mut drawn = Vec::new();
        for series in &placed.panel.series {
            for (index, point) in series
                .points
                .iter()
                .enumerate()
                .filter(|(_, point)| placed.shows(point))
            {
                drawn.push(Drawn {
                    series,
                    point,
                    at: placed.position((point.x, point.y)),
                    has_marker: series.has_marker(index),
                });
            }
        }
        Self { placed, drawn }
    }

    /// Tests that the panel has no points to draw.
    pub(crate) fn is_empty(&self) -> bool {
        self.drawn.is_empty()
    }

    /// Boxes around markers, ticks of measurements and the budget line, which labels never cover.
    pub(crate) fn markers(&self) -> Vec<Rect> {
        let frame = self.placed.frame;
        let budget = self.placed.panel.budget().map(|(at, _)| self.placed.x.clamped(at));
        let mut boxes: Vec<Rect> = budget
            .map(|x| Rect {
                left: x - 8.0,
                right: x + 8.0,
                ..frame
            })
            .into_iter()
            .collect();
        for drawn in self.foreground() {
            if drawn.has_marker {
                let side = MARKER_BOX * drawn.radius();
                boxes.push(Rect::around(drawn.at, side, side));
            }
            if let Some(x) = self.measured_x(drawn.point) {
                boxes.push(Rect::around((x, drawn.at.1), 10.0, 34.0));
            }
        }
        boxes
    }

    /// Boxes around background markers, which labels may cover.
    pub(crate) fn dots(&self) -> Vec<Rect> {
        self.background()
            .map(|drawn| Rect::around(drawn.at, DOT_BOX * drawn.radius(), DOT_BOX * drawn.radius()))
            .collect()
    }

    /// Line segments that labels avoid covering.
    pub(crate) fn segments(&self) -> Vec<Segment> {
        let mut segments = Vec::new();
        for series in &self.placed.panel.series {
            let paths = self.paths(series).into_iter().chain(self.tails(series));
            segments.extend(paths.flat_map(|path| path.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()));
        }
        for drawn in self.foreground() {
            segments.extend(
                self.x_interval(drawn.point)
                    .map(|(left, right)| ((left, drawn.at.1), (right, drawn.at.1))),
            );
            segments.extend(
                self.y_interval(drawn.point)
                    .map(|(top, bottom)| ((drawn.at.0, top), (drawn.at.0, bottom))),
            );
            segments.extend(self.measured_x(drawn.point).map(|x| (drawn.at, (x, drawn.at.1))));
        }
        let frame = self.placed.frame;
        for guide in &self.placed.panel.guides {
            match guide {
                Guide::Budget { .. } => {}
                Guide::Diagonal { .. } => segments.push(((frame.left, frame.bottom), (frame.right, frame.top))),
                Guide::Level { at, .. } => {
                    let y = self.placed.y.clamped(*at);
                    segments.push(((frame.left, y), (frame.right, y)));
                }
            }
        }
        segments
    }

    /// Box of the annotation and labels of all points.
    pub(crate) fn labels(&self) -> Vec<Label> {
        let panel = self.placed.panel;
        let annotation = panel.annotation.as_ref().filter(|annotation| {
            panel.x.accepts(annotation.at.0) && panel.y.accepts(annotation.at.1) && !annotation.lines.is_empty()
        });
        let mut labels: Vec<Label> = annotation
            .map(|annotation| Label::boxed(annotation.lines.clone(), self.placed.position(annotation.at)))
            .into_iter()
            .collect();
        for drawn in &self.drawn {
            let (series, radius) = (drawn.series, drawn.radius());
            let text = drawn.point.label.clone().filter(|text| !text.is_empty());
            labels.extend(text.map(|text| Label::beside(text, series.labels, series.style.color, drawn.at, radius)));
        }
        labels
    }

    /// Draws intervals, background markers and all lines.
    pub(crate) fn draw_back(&self, canvas: &mut Canvas<'_>) -> Result<(), FigureError> {
        for drawn in &self.drawn {
            self.draw_intervals(canvas, drawn)?;
        }
        for drawn in self.background() {
            self.draw_measurement(canvas, drawn)?;
            Self::draw_marker(canvas, drawn)?;
        }
        for series in &self.placed.panel.series {
            for tail in self.tails(series) {
                canvas.line(&tail, THIN_LINE - 1, series.style.color.alpha(TAIL_OPACITY))?;
            }
            for path in self.paths(series) {
                draw_path(canvas, &path, series.style, THIN_OPACITY)?;
            }
        }
        Ok(())
    }

    /// Draws measurements and foreground markers.
    pub(crate) fn draw_front(&self, canvas: &mut Canvas<'_>) -> Result<(), FigureError> {
        for drawn in self.foreground() {
            self.draw_measurement(canvas, drawn)?;
        }
        for drawn in self.foreground() {
            Self::draw_marker(canvas, drawn)?;
        }
        Ok(())
    }

    fn foreground(&self) -> impl Iterator<Item = &Drawn<'a>> {
        self.drawn.iter().filter(|drawn| !drawn.series.is_background)
    }

    fn background(&self) -> impl Iterator<Item = &Drawn<'a>> {
        self.drawn.iter().filter(|drawn| drawn.series.is_background)
    }

    fn draw_marker(canvas: &mut Canvas<'_>, drawn: &Drawn<'_>) -> Result<(), FigureError> {
        if !drawn.has_marker {
            return Ok(());
        }
        let style = drawn.series.style;
        let is_hollow = drawn.point.mark == PointMark::Hollow;
        draw_marker(canvas, style.marker, drawn.at, drawn.radius(), style.color, is_hollow)
    }

    fn draw_measurement(&self, canvas: &mut Canvas<'_>, drawn: &Drawn<'_>) -> Result<(), FigureError> {
        match self.measured_x(drawn.point) {
            Some(x) => draw_measured(canvas, drawn.at, x, drawn.series.style.color),
            None => Ok(()),
        }
    }

    fn draw_intervals(&self, canvas: &mut Canvas<'_>, drawn: &Drawn<'_>) -> Result<(), FigureError> {
        let ((x, y), color) = (drawn.at, drawn.series.style.color);
        let (across, along) = (self.x_interval(drawn.point), self.y_interval(drawn.point));
        match drawn.series.intervals {
            IntervalMark::Band => {
                across.map_or(Ok(()), |ends| draw_horizontal_band(canvas, y, ends, color))?;
                along.map_or(Ok(()), |ends| draw_vertical_band(canvas, x, ends, color))
            }
            IntervalMark::Bar => {
                across.map_or(Ok(()), |(left, right)| draw_bar(canvas, (left, y), (right, y), color))?;
                along.map_or(Ok(()), |(top, bottom)| draw_bar(canvas, (x, top), (x, bottom), color))
            }
        }
    }

    /// Left and right end of a point's interval, clipped to the frame.
    fn x_interval(&self, point: &Point) -> Option<(f64, f64)> {
        let (low, high) = point.x_interval.filter(|&ends| is_interval(ends))?;
        Some((self.placed.x.clamped(low), self.placed.x.clamped(high)))
    }

    /// Upper and lower end of a point's interval, clipped to the frame.
    fn y_interval(&self, point: &Point) -> Option<(f64, f64)> {
        let (low, high) = point.y_interval.filter(|&ends| is_interval(ends))?;
        Some((self.placed.y.clamped(high), self.placed.y.clamped(low)))
    }

    fn measured_x(&self, point: &Point) -> Option<f64> {
        let measured = point.measured_x.filter(|&value| self.placed.panel.x.accepts(value))?;
        Some(self.placed.x.clamped(measured))
    }

    /// Positions of a series' points, by index; `None` for points that are not drawn.
    fn positions(&self, series: &Series) -> Vec<Option<Position>> {
        let position = |point: &Point| {
            let is_shown = self.placed.shows(point);
            is_shown.then(|| self.placed.position((point.x, point.y)))
        };
        series.points.iter().map(position).collect()
    }

    /// Lines of a series, each through at least two points.
    fn paths(&self, series: &Series) -> Vec<Vec<Position>> {
        let positions = self.positions(series);
        let in_order = || positions.iter().copied().flatten().collect::<Vec<Position>>();
        let mut paths = match &series.lines {
            Lines::None => Vec::new(),
            Lines::InOrder => vec![in_order()],
            Lines::Steps | Lines::Front => vec![staircase(&in_order())],
            Lines::Paths(paths) => paths
                .iter()
                .map(|path| path.iter().filter_map(|&index| positions[index]).collect())
                .collect(),
        };
        paths.retain(|path| path.len() > 1);
        paths
    }

    /// Lines from a front's ends to the edges of the frame: no network was found to the left, and no better one to the right.
    fn tails(&self, series: &Series) -> Vec<Vec<Position>> {
        if series.lines != Lines::Front {
            return Vec::new();
        }
        let positions: Vec<Position> = self.positions(series).into_iter().flatten().collect();
        let (Some(&first), Some(&last)) = (positions.first(), positions.last()) else {
            return Vec::new();
        };
        let frame = self.placed.frame;
        vec![vec![(first.0, frame.bottom), first], vec![last, (frame.right, last.1)]]
    }
}

fn is_interval((low, high): (f64, f64)) -> bool {
    low.is_finite() && high.is_finite() && low < high
}

/// Staircase through the corners: each height extends to the next corner.
fn staircase(corners: &[Position]) -> Vec<Position> {
    let mut path = Vec::new();
    for (index, &corner) in corners.iter().enumerate() {
        if index > 0 {
            path.push((corner.0, corners[index - 1].1));
        }
        path.push(corner);
    }
    path
}
