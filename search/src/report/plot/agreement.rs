//! Predicted against measured latencies: the points beside the diagonal, and their errors over the latency.

use std::path::{Path, PathBuf};

use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor};

use super::super::ReportError;
use super::super::geometry::{Position, Rect};
use super::canvas::{Canvas, Surface, Text, WIDTH};
use super::header::{SIDE, begin};
use super::legend::{Symbol, draw_legend};
use super::picture::{self, Picture};
use super::scale::Scale;
use super::style::{FRONT, FamilyStyle, GRID, INK, RULE, Shape, draw_marker, family_style};

const HEIGHT: u32 = 1800;
const LEFT: f64 = 200.0;
/// Room for the second panel's axis.
const BETWEEN: f64 = 230.0;
const BELOW: f64 = 150.0;
const RADIUS: f64 = 9.0;
/// The band around the prediction, as a share of the measurement.
const BAND: f64 = 0.1;
const BAND_COLOR: RGBColor = RGBColor(235, 241, 246);

/// Networks of one kind, each `(measured, predicted)` in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct AgreementSeries {
    /// The kind: a family of references, or what is in the legend otherwise.
    pub name: String,
    /// Whether it is a family of references, drawn in the family's colour.
    pub is_family: bool,
    /// The networks.
    pub points: Vec<(f64, f64)>,
}

/// The whole figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Headline.
    pub title: String,
    /// Lines below it.
    pub subtitle: Vec<String>,
    /// The networks, in the legend's order.
    pub series: Vec<AgreementSeries>,
}

impl Agreement {
    /// Writes `<name>.svg`, in which text stays text, and `<name>.png` of 1600 x 900 pixels into `folder` and returns their
    /// paths; each replaces its predecessor in one step.
    pub fn write(&self, folder: &Path, name: &str) -> Result<[PathBuf; 2], ReportError> {
        picture::write(self, folder, name)
    }

    fn styles(&self) -> Vec<FamilyStyle> {
        let mut unknown = 0;
        let style = |series: &AgreementSeries| {
            if series.is_family {
                family_style(&series.name, &mut unknown)
            } else {
                FamilyStyle {
                    color: FRONT,
                    shape: Shape::Disc,
                }
            }
        };
        self.series.iter().map(style).collect()
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.series.iter().flat_map(|series| &series.points).copied()
    }
}

/// Percent that a prediction is off.
fn error((measured, predicted): (f64, f64)) -> f64 {
    100.0 * (predicted / measured - 1.0)
}

impl Picture for Agreement {
    fn title(&self) -> &str {
        &self.title
    }

    fn height(&self) -> u32 {
        HEIGHT
    }

    fn paint<Backend: Surface>(&self, backend: &mut Backend) -> Result<Vec<f64>, ReportError> {
        let mut canvas = Canvas::new(backend);
        let titles_end = begin(&mut canvas, HEIGHT, &self.title, &self.subtitle)?;
        let styles = self.styles();
        let entry = |(series, style): (&AgreementSeries, &FamilyStyle)| {
            let symbol = Symbol::Marker {
                shape: style.shape,
                color: style.color,
                radius: 1.3 * RADIUS,
                hollow: false,
                line: false,
            };
            (symbol, format!("{} ({})", series.name, series.points.len()))
        };
        let entries: Vec<(Symbol, String)> = self.series.iter().zip(&styles).map(entry).collect();
        let top = draw_legend(&mut canvas, &entries, titles_end + 4.0)? + 26.0;
        let bottom = f64::from(HEIGHT) - BELOW;
        // The left panel is as wide as it is high, so that the diagonal is one.
        let left = Rect {
            left: LEFT,
            top,
            right: LEFT + (bottom - top),
            bottom,
        };
        let right = Rect {
            left: left.right + BETWEEN,
            right: f64::from(WIDTH) - SIDE,
            ..left
        };
        let both: Vec<f64> = self
            .points()
            .flat_map(|(measured, predicted)| [measured, predicted])
            .collect();
        let measured: Vec<f64> = self.points().map(|(measured, _)| measured).collect();
        let errors: Vec<f64> = self.points().map(error).chain([-120.0 * BAND, 120.0 * BAND]).collect();
        let diagonal = DrawnPanel {
            frame: left,
            x: Scale::latency(&both, left.left, left.right),
            y: Scale::latency(&both, left.bottom, left.top),
            y_title: "predicted (ms)",
        };
        let off = DrawnPanel {
            frame: right,
            x: Scale::latency(&measured, right.left, right.right),
            y: Scale::linear(&errors, right.bottom, right.top),
            y_title: "error of the prediction (%)",
        };
        diagonal.draw_diagonal(&mut canvas)?;
        off.draw_band(&mut canvas)?;
        for panel in [&diagonal, &off] {
            panel.draw_axes(&mut canvas)?;
        }
        for (series, style) in self.series.iter().zip(&styles) {
            for &point in &series.points {
                let places = [diagonal.position(point), off.position((point.0, error(point)))];
                for place in places {
                    draw_marker(&mut canvas, style.shape, place, RADIUS, style.color, false)?;
                }
            }
        }
        canvas.finish()
    }
}

/// A frame with its scales.
struct DrawnPanel {
    frame: Rect,
    x: Scale,
    y: Scale,
    y_title: &'static str,
}

impl DrawnPanel {
    fn position(&self, (x, y): (f64, f64)) -> Position {
        (self.x.position(x), self.y.position(y))
    }

    /// The diagonal with the band around it, both scales being alike.
    fn draw_diagonal<Backend: Surface>(&self, canvas: &mut Canvas<'_, Backend>) -> Result<(), ReportError> {
        let (low, high) = self.x.range();
        let (above, below) = (1.0 + BAND, 1.0 - BAND);
        let corners = [
            (low, low),
            (low, low * above),
            (high / above, high),
            (high, high),
            (high, high * below),
            (low / below, low),
        ];
        canvas.polygon(&corners.map(|corner| self.position(corner)), BAND_COLOR)?;
        canvas.line(
            &[self.position((low, low)), self.position((high, high))],
            3,
            RULE.mix(1.0),
        )
    }

    /// The line of no error with the band around it.
    fn draw_band<Backend: Surface>(&self, canvas: &mut Canvas<'_, Backend>) -> Result<(), ReportError> {
        let y = |share: f64| self.y.position(100.0 * share);
        let band = Rect {
            top: y(BAND),
            bottom: y(-BAND),
            ..self.frame
        };
        canvas.fill(band, BAND_COLOR.mix(1.0))?;
        canvas.line(
            &[(self.frame.left, y(0.0)), (self.frame.right, y(0.0))],
            3,
            RULE.mix(1.0),
        )
    }

    fn draw_axes<Backend: Surface>(&self, canvas: &mut Canvas<'_, Backend>) -> Result<(), ReportError> {
        let frame = self.frame;
        let style = Text::new(32.0, INK);
        for tick in self.x.ticks(7) {
            let x = self.x.position(tick.value);
            if let Some(label) = &tick.label {
                canvas.line(&[(x, frame.top), (x, frame.bottom)], 2, GRID.mix(1.0))?;
                canvas.text(label, (x, frame.bottom + 42.0), style.align(HPos::Center))?;
            }
        }
        for tick in self.y.ticks(8) {
            if let Some(label) = &tick.label {
                let y = self.y.position(tick.value);
                canvas.line(&[(frame.left, y), (frame.right, y)], 2, GRID.mix(1.0))?;
                canvas.text(label, (frame.left - 20.0, y), style.align(HPos::Right))?;
            }
        }
        canvas.frame(frame, 3, RULE)?;
        let title = Text::new(35.0, INK).align(HPos::Center);
        canvas.text("measured (ms)", (frame.center().0, frame.bottom + 102.0), title)?;
        let beside = (frame.left - 138.0, frame.center().1);
        canvas.text(self.y_title, beside, Text { upwards: true, ..title })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreement(points: Vec<(f64, f64)>) -> Agreement {
        let series = |name: &str, is_family, points| AgreementSeries {
            name: name.to_owned(),
            is_family,
            points,
        };
        Agreement {
            title: "host".to_owned(),
            subtitle: vec!["predicted and measured".to_owned()],
            series: vec![
                series("random networks", false, points.clone()),
                series("MobileNetV2", true, points),
            ],
        }
    }

    #[test]
    fn both_forms_are_drawn_for_any_number_of_points() {
        let many: Vec<(f64, f64)> = (1..90)
            .map(|i| (0.1 * f64::from(i), 0.1 * f64::from(i + i % 3)))
            .collect();
        for points in [vec![], vec![(1.0, 1.02)], many] {
            let agreement = agreement(points);
            let svg = picture::to_svg(&agreement).unwrap();
            assert!(svg.contains("measured (ms)") && !svg.contains("NaN"));
            assert_eq!(svg, picture::to_svg(&agreement).unwrap());
            assert!(picture::to_png(&agreement).unwrap().starts_with(b"\x89PNG"));
        }
    }
}
