//! General figure and its panels.

use crate::axis::Axis;
use crate::caption::Caption;
use crate::error::FigureError;
use crate::legend::Legend;
use crate::style::{UNITS_PER_PIXEL, WIDTH};

use super::series::Series;

/// Height of a figure with one column of panels, in pixels.
const TALL: u32 = 1000;
/// Height of a figure with several columns of panels, in pixels.
const FLAT: u32 = 860;

/// Arrangement of panels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arrangement {
    /// Side by side, each with its own axes.
    #[default]
    Row,
    /// Side by side with a shared vertical axis, which must be of the same kind in all panels.
    SharedY,
    /// One above the other with a shared horizontal axis, which must be of the same kind in all panels.
    SharedX,
    /// One above the other, each with its own axes.
    Column,
}

/// Reference line or band.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Guide {
    /// Dashed vertical line with a label above the frame; the area beyond it is shaded.
    Budget {
        /// Value on the horizontal axis.
        at: f64,
        /// Label.
        label: String,
    },
    /// Line of equal values on both axes, which then have the same range, with a band on both sides.
    Diagonal {
        /// Half the width of the band as a share of the value.
        band: f64,
    },
    /// Horizontal line with a band.
    Level {
        /// Value on the vertical axis.
        at: f64,
        /// Ends of the band.
        band: (f64, f64),
    },
}

/// Box that describes a point, with a line to the point.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Values of the point on both axes.
    pub at: (f64, f64),
    /// Lines of text; the first is the headline.
    pub lines: Vec<String>,
}

/// Panel: a frame with two axes and series.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Title above the frame; empty for none.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Series, in painting order.
    pub series: Vec<Series>,
    /// Reference lines and bands.
    pub guides: Vec<Guide>,
    /// Description of the most important point.
    pub annotation: Option<Annotation>,
    /// Message in the middle of the frame if no point can be drawn; empty for none.
    pub empty_message: String,
    /// True for a square frame.
    pub is_square: bool,
}

impl Panel {
    /// Creates a panel with only these series.
    pub fn new(x: Axis, y: Axis, series: Vec<Series>) -> Self {
        Self {
            title: String::new(),
            x,
            y,
            series,
            guides: Vec::new(),
            annotation: None,
            empty_message: String::new(),
            is_square: false,
        }
    }

    /// Same panel with a title above its frame.
    #[must_use]
    pub fn titled(self, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..self
        }
    }

    /// Value and label of the budget; `None` if there is none or the axis cannot show its value.
    pub(crate) fn budget(&self) -> Option<(f64, &str)> {
        self.guides.iter().find_map(|guide| match guide {
            Guide::Budget { at, label } if self.x.accepts(*at) => Some((*at, label.as_str())),
            _ => None,
        })
    }
}

/// General figure of one or several panels.
#[derive(Debug, Clone, PartialEq)]
pub struct XyFigure {
    /// Title, subtitle and alternative text.
    pub caption: Caption,
    /// Arrangement of the panels.
    pub arrangement: Arrangement,
    /// Panels, from left to right or from top to bottom.
    pub panels: Vec<Panel>,
    /// Legend.
    pub legend: Legend,
    /// Remarks at the lower right, for example about networks that are not drawn.
    pub notes: Vec<String>,
    /// Width in pixels, 1600 by default; smaller for figures on small screens.
    pub width: u32,
    /// Minimum height in pixels; the figure is higher if its caption and legend need more space.
    pub height: u32,
}

impl XyFigure {
    /// Creates a figure of panels side by side: 1000 pixels high for one panel, 860 for several.
    pub fn new(caption: Caption, panels: Vec<Panel>) -> Self {
        Self {
            caption,
            arrangement: Arrangement::Row,
            width: WIDTH / UNITS_PER_PIXEL,
            height: if panels.len() > 1 { FLAT } else { TALL },
            panels,
            legend: Legend::Series,
            notes: Vec::new(),
        }
    }

    /// Returns an error if the input is inconsistent.
    pub(crate) fn check(&self) -> Result<(), FigureError> {
        let kind = |panel: &Panel| match self.arrangement {
            Arrangement::Row | Arrangement::Column => None,
            Arrangement::SharedY => Some(panel.y.kind),
            Arrangement::SharedX => Some(panel.x.kind),
        };
        for (number, pair) in self.panels.windows(2).enumerate() {
            if kind(&pair[0]) != kind(&pair[1]) {
                let problem = "the axis that it shares with the panel before is of another kind";
                return Err(FigureError::input(format!("panel {}", number + 2), problem));
            }
        }
        let mut series = self.panels.iter().flat_map(|panel| &panel.series);
        series.try_for_each(Series::check)
    }
}
