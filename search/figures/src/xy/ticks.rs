//! Ticks of both axes, as dense as their labels allow.

use crate::scale::{Scale, Tick};
use crate::style::{AxisSizes, INK, TICK_GAP, UNITS_PER_TICK};
use crate::text::TextStyle;

/// Minimum and maximum number of labelled ticks of an axis.
const COUNTS: (f64, f64) = (3.0, 9.0);

/// Ticks of a horizontal axis.
pub(crate) fn x_ticks(scale: &Scale, sizes: AxisSizes) -> Vec<Tick> {
    let style = TextStyle::new(sizes.tick, INK);
    scale.ticks(wanted(scale), TICK_GAP, |label| style.width(label))
}

/// Ticks of a vertical axis.
pub(crate) fn y_ticks(scale: &Scale, sizes: AxisSizes) -> Vec<Tick> {
    scale.ticks(wanted(scale), TICK_GAP, |_| sizes.tick)
}

fn wanted(scale: &Scale) -> usize {
    (scale.length() / UNITS_PER_TICK).round().clamp(COUNTS.0, COUNTS.1) as usize
}
