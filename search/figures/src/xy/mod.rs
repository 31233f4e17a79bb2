//! The general figure: panels of points and lines over two axes.
//!
//! [`series`] and [`figure`] are its input, [`layout`] computes frames and scales, [`draw`] paints from back to front.

mod draw;
mod figure;
mod frame;
mod label;
mod layout;
mod points;
mod series;
mod ticks;

pub use figure::{Annotation, Arrangement, Guide, Panel, XyFigure};
pub use series::{IntervalMark, LabelRank, Lines, Point, PointMark, Series};
