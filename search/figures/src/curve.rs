//! Learning curve: accuracy and losses over the epochs of one training run.

use crate::axis::{Axis, AxisKind};
use crate::caption::Caption;
use crate::color::Color;
use crate::error::FigureError;
use crate::legend::Legend;
use crate::palette::{LineStyle, LineWeight, Marker, MarkerSize, SeriesStyle};
use crate::style::{BUDGET, DOMINATED, FRONT};
use crate::svg::Svg;
use crate::xy::{Arrangement, Lines, Panel, Point, Series, XyFigure};

/// Figure of accuracy and losses over epochs.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningCurve {
    /// Title, subtitle and alternative text.
    pub caption: Caption,
    /// Values of the epochs, in order.
    pub points: Vec<CurvePoint>,
}

/// Values of one epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Number of the epoch, from 1.
    pub epoch: u32,
    /// Mean training loss.
    pub train_loss: f64,
    /// Loss on the validation images; `None` in epochs without validation.
    pub val_loss: Option<f64>,
    /// Top-1 accuracy on the validation images in percent; `None` in epochs without validation.
    pub accuracy: Option<f64>,
}

impl LearningCurve {
    /// Draws the figure as an SVG document of 1600 x 1000 pixels.
    pub fn draw(&self) -> Result<Svg, FigureError> {
        let accuracy = self.series("validation top-1", style(FRONT, LineStyle::Solid), |point| {
            point.accuracy
        });
        let train_loss = self.series("training", style(DOMINATED, LineStyle::Solid), |point| {
            Some(point.train_loss)
        });
        let val_loss = self.series("validation", style(BUDGET, LineStyle::Dashed), |point| point.val_loss);
        let epochs = self.points.iter().map(|point| f64::from(point.epoch));
        let epochs = || Axis::new("epoch", AxisKind::Whole).including(epochs.clone());
        let named = |series: Vec<Series>| series.into_iter().filter(|one| !one.points.is_empty()).collect();
        let panels = vec![
            Panel::new(epochs(), Axis::percent("accuracy (%)"), named(vec![accuracy])),
            Panel::new(
                epochs(),
                Axis::new("loss", AxisKind::Linear),
                named(vec![train_loss, val_loss]),
            ),
        ];
        XyFigure {
            arrangement: Arrangement::SharedX,
            legend: Legend::PerPanel,
            height: 1000,
            ..XyFigure::new(self.caption.clone(), panels)
        }
        .draw()
    }

    fn series(&self, name: &str, style: SeriesStyle, value: impl Fn(&CurvePoint) -> Option<f64>) -> Series {
        let point = |point: &CurvePoint| {
            Some(Point::new(
                f64::from(point.epoch),
                value(point).filter(|one| one.is_finite())?,
            ))
        };
        let points: Vec<Point> = self.points.iter().filter_map(point).collect();
        // A line needs two points; a single point is drawn with a marker.
        let marker_step = usize::from(points.len() < 2);
        Series {
            marker_step,
            ..Series::new(name, style, points).joined(Lines::InOrder)
        }
    }
}

const fn style(color: Color, line: LineStyle) -> SeriesStyle {
    SeriesStyle {
        size: MarkerSize::Dot,
        weight: LineWeight::Strong,
        line,
        ..SeriesStyle::new(color, Marker::Disc)
    }
}
