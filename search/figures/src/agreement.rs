//! Predicted against measured latencies: the points beside the diagonal, and their errors over the latency.

use crate::axis::{Axis, AxisKind};
use crate::caption::Caption;
use crate::error::FigureError;
use crate::palette::{Marker, MarkerSize, Palette, SeriesStyle};
use crate::style::FRONT;
use crate::svg::Svg;
use crate::xy::{Guide, Panel, Point, Series, XyFigure};

/// Height in pixels.
const HEIGHT: u32 = 900;
/// Half the width of the band around the measurement, as a share of it.
const BAND: f64 = 0.1;
/// Percent that the axis of errors reaches at least.
const LEAST_ERROR: f64 = 12.0;

/// Predictions beside measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Title, subtitle and alternative text.
    pub caption: Caption,
    /// The networks, in the legend's order.
    pub series: Vec<AgreementSeries>,
}

/// Networks of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct AgreementSeries {
    /// Kind, as the legend names it.
    pub name: String,
    /// A family of references, drawn in the family's colour.
    pub is_family: bool,
    /// The networks, each `(measured, predicted)` in milliseconds.
    pub points: Vec<(f64, f64)>,
}

impl Agreement {
    /// The figure as an SVG document of 1600 x 900 pixels.
    pub fn draw(&self) -> Result<Svg, FigureError> {
        let diagonal = Panel {
            guides: vec![Guide::Diagonal { band: BAND }],
            is_square: true,
            ..Panel::new(
                Axis::positive("measured (ms)"),
                Axis::positive("predicted (ms)"),
                self.series(|predicted, _| predicted),
            )
        };
        let percent = 100.0 * BAND;
        let errors = Panel {
            guides: vec![Guide::Level {
                at: 0.0,
                band: (-percent, percent),
            }],
            ..Panel::new(
                Axis::positive("measured (ms)"),
                Axis::new("error of the prediction (%)", AxisKind::Linear).including([-LEAST_ERROR, LEAST_ERROR]),
                self.series(|predicted, measured| 100.0 * (predicted / measured - 1.0)),
            )
        };
        XyFigure {
            height: HEIGHT,
            ..XyFigure::new(self.caption.clone(), vec![diagonal, errors])
        }
        .draw()
    }

    /// Every network at its measurement and the height that its prediction and measurement give.
    fn series(&self, height: impl Fn(f64, f64) -> f64) -> Vec<Series> {
        let mut palette = Palette::default();
        let series = |series: &AgreementSeries| {
            let style = if series.is_family {
                palette.family(&series.name)
            } else {
                SeriesStyle::new(FRONT, Marker::Disc)
            };
            let points = series
                .points
                .iter()
                .map(|&(measured, predicted)| Point::new(measured, height(predicted, measured)));
            Series::new(
                format!("{} ({})", series.name, series.points.len()),
                style.sized(MarkerSize::Small),
                points.collect(),
            )
        };
        self.series.iter().map(series).collect()
    }
}
