//! Figures: numbers in, pictures out.
//!
//! Every figure is plain data with a `draw` method that returns an [`Svg`]; [`Svg::to_png`] renders the same document as a
//! picture. Equal input gives equal bytes, and text comes from an embedded font, so a figure looks alike on every machine.
//!
//! [`XyFigure`] is the general figure: one or several panels of [`Series`] on linear or logarithmic axes, with lines,
//! markers, intervals, reference lines and labels that keep clear of one another. [`FrontFigure`] (accuracy over latency
//! with the Pareto front), [`FamilyFigure`] (families of networks over several costs), [`LearningCurve`] and [`Agreement`]
//! (predicted against measured) are built from it. [`HeatMap`] colours a grid by a value.
//!
//! Reading order: [`Series`] and [`Axis`] first, then `xy/layout.rs` (frames and scales), `xy/draw.rs` (order of painting)
//! and `labels.rs` (placement of labels). Colours, sizes and margins stand in `style.rs`.

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
