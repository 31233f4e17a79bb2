//! General figure: panels of points and lines over two axes.
//!
//! [`series`] and [`figure`] define its input, [`layout`] computes frames and scales, and [`draw`] draws from back to front.

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
