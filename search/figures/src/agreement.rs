//! Agreement of predicted and measured latencies: points around the diagonal, and errors over the latency.

use crate::axis::{Axis, AxisKind};
use crate::caption::Caption;
use crate::error::FigureError;
use crate::palette::{Marker, MarkerSize, Palette, SeriesStyle};
use crate::style::FRONT;
use crate::svg::Svg;
use crate::xy::{Guide, Panel, Point, Series, XyFigure};

/// Height in pixels.
const HEIGHT: u32 = 900;
/// Half the width of the band around the measurement, as a share of the measurement.
const BAND: f64 = 0.1;
/// Minimum range of the axis of errors, in percent on both sides of 0.
const LEAST_ERROR: f64 = 12.0;

/// Figure of predicted and measured latencies.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Title, subtitle and alternative text.
    pub caption: Caption,
    /// Series of networks, in the legend's order.
    pub series: Vec<AgreementSeries>,
}

/// Networks of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct AgreementSeries {
    /// Name in the legend.
    pub name: String,
    /// True for a family of references, which is drawn in the family's colour.
    pub is_family: bool,
    /// Networks, each as `(measured, predicted)` in milliseconds.
    pub points: Vec<(f64, f64)>,
}

impl Agreement {
    /// Draws the figure as an SVG document of 1600 x 900 pixels.
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

    /// Series with every network at its measurement, at the height computed from measurement and prediction.
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
