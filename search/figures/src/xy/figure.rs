//! Panels and the figure made of them.

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
    /// Side by side with one vertical axis, which must be of the same kind in all.
    SharedY,
    /// One above the other with one horizontal axis, which must be of the same kind in all.
    SharedX,
    /// One above the other, each with its own axes.
    Column,
}

/// Line or band that is no series.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Guide {
    /// A dashed vertical line named above the frame; the values beyond it are shaded.
    Budget {
        /// Value on the horizontal axis.
        at: f64,
        /// Name.
        label: String,
    },
    /// The line of equal values on both axes, which then have the same ends, with a band on both sides.
    Diagonal {
        /// Half the width of the band as a share of the value.
        band: f64,
    },
    /// A horizontal line with a band.
    Level {
        /// Value on the vertical axis.
        at: f64,
        /// Ends of the band.
        band: (f64, f64),
    },
}

/// Box that describes a point, joined to it by a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// The point's values on both axes.
    pub at: (f64, f64),
    /// Lines of text; the first is the headline.
    pub lines: Vec<String>,
}

/// Frame with two axes and the series in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Title above the frame; empty for none.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Series, in the order in which they are painted.
    pub series: Vec<Series>,
    /// Reference lines and bands.
    pub guides: Vec<Guide>,
    /// Description of the point that matters most.
    pub annotation: Option<Annotation>,
    /// Message in the middle of the frame if no point can be drawn; empty for none.
    pub empty_message: String,
    /// As wide as it is high.
    pub is_square: bool,
}

impl Panel {
    /// A panel of these series and nothing else.
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

    /// The same panel with a title above its frame.
    #[must_use]
    pub fn titled(self, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..self
        }
    }

    /// Value and label of the budget, if it is one that the axis can show.
    pub(crate) fn budget(&self) -> Option<(f64, &str)> {
        self.guides.iter().find_map(|guide| match guide {
            Guide::Budget { at, label } if self.x.accepts(*at) => Some((*at, label.as_str())),
            _ => None,
        })
    }
}

/// A figure of one or several panels.
#[derive(Debug, Clone, PartialEq)]
pub struct XyFigure {
    /// Title, subtitle and alternative text.
    pub caption: Caption,
    /// Arrangement of the panels.
    pub arrangement: Arrangement,
    /// The panels, from left to right or from top to bottom.
    pub panels: Vec<Panel>,
    /// Legend.
    pub legend: Legend,
    /// Remarks at the lower right, such as what is not drawn.
    pub notes: Vec<String>,
    /// Width in pixels: 1600 but for figures that small screens show.
    pub width: u32,
    /// Height in pixels; a figure whose head needs it is higher.
    pub height: u32,
}

impl XyFigure {
    /// A figure of panels side by side: 1000 pixels high for one panel, 860 for several.
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

    /// Fails where the input contradicts itself.
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
