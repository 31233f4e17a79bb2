//! Colours, sizes and margins of all figures.
//!
//! Lengths are in *units*: two units are one pixel of the displayed figure.

use crate::color::Color;

/// Units per pixel of the displayed figure.
pub(crate) const UNITS_PER_PIXEL: u32 = 2;
/// Default width of a figure.
pub(crate) const WIDTH: u32 = 3200;
/// Margin at the left and right of a figure.
pub(crate) const SIDE: f64 = 70.0;

/// Text and axes.
pub(crate) const INK: Color = Color::new(34, 34, 34);
/// Secondary text.
pub(crate) const FAINT_INK: Color = Color::new(95, 99, 104);
/// Grid lines.
pub(crate) const GRID: Color = Color::new(228, 230, 233);
/// Axis frame and leader lines.
pub(crate) const RULE: Color = Color::new(140, 146, 152);
/// Dominated candidates.
pub(crate) const DOMINATED: Color = Color::new(150, 158, 168);
/// Pareto front.
pub(crate) const FRONT: Color = Color::BLUE;
/// Budget and best network within it.
pub(crate) const BUDGET: Color = Color::VERMILLION;
/// Band around a reference line.
pub(crate) const BAND: Color = Color::new(235, 241, 246);
/// Background.
pub(crate) const PAPER: Color = Color::new(255, 255, 255);
/// Colours of the lowest, middle and highest value of a heat map, with decreasing luminance.
pub(crate) const HEAT: [Color; 3] = [Color::new(232, 241, 248), Color::BLUE, Color::new(0, 40, 76)];

/// Figure's title.
pub(crate) const TITLE_SIZE: f64 = 54.0;
/// Lines below the figure's title.
pub(crate) const SUBTITLE_SIZE: f64 = 32.0;
/// Distance between these lines.
pub(crate) const SUBTITLE_LINE: f64 = 44.0;
/// Entries of the legend, labels of the budget.
pub(crate) const LEGEND_SIZE: f64 = 32.0;
/// Height of a row of the legend.
pub(crate) const LEGEND_ROW: f64 = 54.0;
/// Title of a panel above its frame.
pub(crate) const PANEL_TITLE_SIZE: f64 = 36.0;
/// Message in the middle of an empty panel.
pub(crate) const MESSAGE_SIZE: f64 = 40.0;
/// Notes at the figure's lower right.
pub(crate) const NOTE_SIZE: f64 = 27.0;
/// Text in the box that describes a point.
pub(crate) const ANNOTATION_SIZE: f64 = 31.0;
/// Height of a line in that box.
pub(crate) const ANNOTATION_LINE: f64 = 42.0;

/// Width of the axis frame.
pub(crate) const FRAME_WIDTH: u32 = 3;
/// Width of grid lines.
pub(crate) const GRID_WIDTH: u32 = 2;
/// Width of thin lines of series.
pub(crate) const THIN_LINE: u32 = 3;
/// Width of strong lines of series and of the budget.
pub(crate) const STRONG_LINE: u32 = 5;
/// Width of a hollow marker's outline.
pub(crate) const HOLLOW_LINE: f64 = 5.5;
/// Width of the white rim that separates a marker from shapes below.
pub(crate) const RIM: f64 = 3.0;
/// Opacity of thin lines.
pub(crate) const THIN_OPACITY: f64 = 0.75;
/// Opacity of interval bands.
pub(crate) const INTERVAL_OPACITY: f64 = 0.22;
/// Half the thickness of interval bands.
pub(crate) const INTERVAL_HALF: f64 = 5.0;
/// Half the length of the caps of interval bars.
pub(crate) const CAP_HALF: f64 = 11.0;
/// Half the length of the tick of a measurement.
pub(crate) const MEASURED_HALF: f64 = 15.0;
/// Lengths of a dash and the gap after it.
pub(crate) const DASH: (f64, f64) = (20.0, 14.0);
/// Lengths of a dot and the gap after it.
pub(crate) const DOT: (f64, f64) = (5.0, 11.0);

/// Distance between the frames of panels in a row that share the vertical axis.
pub(crate) const SHARED_AXIS_GAP: f64 = 56.0;
/// Distance of the space for a vertical axis from the frame at its left.
pub(crate) const OWN_AXIS_GAP: f64 = 92.0;
/// Distance between the frames of stacked panels.
pub(crate) const STACKED_GAP: f64 = 80.0;
/// Distance of the first vertical axis' title from the figure's left edge.
pub(crate) const AXIS_TITLE_LEFT: f64 = 62.0;
/// Space above a frame.
pub(crate) const ABOVE_FRAME: f64 = 26.0;
/// Additional space for the label of a budget.
pub(crate) const BUDGET_ROOM: f64 = 36.0;
/// Additional space for a panel's title or legend.
pub(crate) const PANEL_TITLE_ROOM: f64 = 46.0;
/// Additional space below the axis titles for notes on a separate line.
pub(crate) const NOTE_ROOM: f64 = 36.0;
/// Minimum distance between tick labels in a row.
pub(crate) const TICK_GAP: f64 = 22.0;
/// Minimum length of an axis per labelled tick.
pub(crate) const UNITS_PER_TICK: f64 = 160.0;

/// Sizes of axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AxisSizes {
    /// Tick labels.
    pub(crate) tick: f64,
    /// Axis titles.
    pub(crate) title: f64,
    /// Lengths of ticks with and without a label.
    pub(crate) tick_length: (f64, f64),
    /// Distance of the horizontal axis' tick labels from the frame.
    pub(crate) x_tick: f64,
    /// Distance of the horizontal axis' title from the frame.
    pub(crate) x_title: f64,
    /// Distance of the vertical axis' tick labels from the frame.
    pub(crate) y_tick: f64,
    /// Minimum distance of the vertical axis' title from the frame.
    pub(crate) y_title: f64,
    /// Space below the frame.
    pub(crate) below: f64,
}

/// Axes of figures with one column of panels.
pub(crate) const LARGE_AXES: AxisSizes = AxisSizes {
    tick: 34.0,
    title: 38.0,
    tick_length: (16.0, 9.0),
    x_tick: 46.0,
    x_title: 108.0,
    y_tick: 28.0,
    y_title: 148.0,
    below: 170.0,
};

/// Axes of figures with several columns of panels.
pub(crate) const SMALL_AXES: AxisSizes = AxisSizes {
    tick: 32.0,
    title: 35.0,
    tick_length: (14.0, 8.0),
    x_tick: 42.0,
    x_title: 102.0,
    y_tick: 26.0,
    y_title: 134.0,
    below: 150.0,
};
