//! Figures of studies and measurements as SVG and PNG.
//!
//! Every figure is plain data with a `draw` method that returns an [`Svg`]; [`Svg::to_png`] renders the same document as
//! PNG. Equal input gives equal bytes, and text uses an embedded font, so that a figure looks the same on every machine.
//!
//! [`XyFigure`] is the general figure: one or several panels of [`Series`] on linear or logarithmic axes, with lines,
//! markers, intervals, reference lines and non-overlapping labels. [`FrontFigure`] (accuracy over latency
//! with the Pareto front), [`FamilyFigure`] (families of networks over several costs), [`LearningCurve`] and [`Agreement`]
//! (predicted against measured latency) are built from it. [`HeatMap`] is a grid coloured by a value.
//!
//! ```
//! use mnas_figures::{Axis, Caption, Lines, Palette, Panel, Point, Series, XyFigure};
//!
//! let points = vec![Point::new(6.9, 65.2), Point::new(8.1, 66.9).labelled("1.0")];
//! let style = Palette::default().family("MobileNetV3-Small");
//! let series = Series::new("MobileNetV3-Small", style, points).joined(Lines::InOrder);
//! let panel = Panel::new(Axis::positive("latency (ms)"), Axis::percent("top-1 (%)"), vec![series]);
//! let svg = XyFigure::new(Caption::new("Two widths"), vec![panel]).draw()?;
//! assert!(svg.as_str().contains("<title>Two widths</title>"));
//! assert!(svg.to_png()?.starts_with(b"\x89PNG"));
//! # Ok::<(), mnas_figures::FigureError>(())
//! ```
//!
//! Reading order: [`Series`] and [`Axis`] first, then `xy/layout.rs` (frames and scales), `xy/draw.rs` (order of painting)
//! and `labels.rs` (placement of labels). Colours, sizes and margins are in `style.rs`.

mod agreement;
mod axis;
mod canvas;
mod caption;
mod color;
mod curve;
mod error;
mod family;
mod front;
mod geometry;
mod heat_map;
mod labels;
mod legend;
mod marker;
mod palette;
mod scale;
mod strokes;
mod style;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod xy;

pub use agreement::{Agreement, AgreementSeries};
pub use axis::{Axis, AxisKind};
pub use caption::Caption;
pub use color::Color;
pub use curve::{CurvePoint, LearningCurve};
pub use error::FigureError;
pub use family::{Family, FamilyFigure, FamilyPoint};
pub use front::{Best, Budget, FrontFamily, FrontFigure, FrontPanel};
pub use heat_map::{HeatCell, HeatMap};
pub use legend::{Legend, LegendEntry, Symbol};
pub use palette::{LineStyle, LineWeight, Marker, MarkerSize, Palette, SeriesStyle};
pub use svg::Svg;
pub use xy::{
    Annotation, Arrangement, Guide, IntervalMark, LabelRank, Lines, Panel, Point, PointMark, Series, XyFigure,
};
