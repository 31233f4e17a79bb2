//! Labels of points: text, size, and drawing after placement.

use crate::canvas::Canvas;
use crate::color::Color;
use crate::error::FigureError;
use crate::geometry::Position;
use crate::labels::{LabelPlace, LabelRequest, Obstacles};
use crate::palette::MarkerSize;
use crate::style::{ANNOTATION_LINE, ANNOTATION_SIZE, BUDGET, INK, PAPER, RULE};
use crate::text::{Align, TextStyle};

use super::series::LabelRank;

/// Free space around the box of an annotation.
const BOX_MARGIN: f64 = 9.0;
/// Distance of the box' text from its left edge.
const BOX_LEFT: f64 = 20.0;
/// Distance of the box' text from its upper edge.
const BOX_TOP: f64 = 9.0;
/// Factor on the width of labels, for SVG viewers that ignore the specified width of text.
const SLACK: f64 = 1.06;

/// Text beside a point, or the box that describes it.
pub(crate) struct Label {
    lines: Vec<String>,
    style: TextStyle,
    /// Size and reach for the placement.
    pub(crate) request: LabelRequest,
    /// True if a note counts the label when it cannot be placed.
    pub(crate) is_required: bool,
    is_boxed: bool,
}

impl Label {
    /// Creates a label beside a marker of this radius.
    pub(crate) fn beside(text: String, rank: LabelRank, color: Color, anchor: Position, radius: f64) -> Self {
        // Font size, height of the line in em, priority, and reach in units.
        let (size, line, priority, reach) = match rank {
            LabelRank::Required => (30.0, 1.2, 1, 700.0),
            LabelRank::Preferred => (28.0, 0.95, 2, 70.0),
            LabelRank::Optional => (27.0, 1.2, 3, 30.0),
        };
        let style = TextStyle::new(size, color.darker());
        Self {
            request: LabelRequest {
                anchor,
                clearance: radius * 1.3,
                width: style.width(&text) * SLACK + 8.0,
                height: line * size,
                priority,
                reach,
            },
            lines: vec![text],
            style,
            is_required: rank == LabelRank::Required,
            is_boxed: false,
        }
    }

    /// Creates the framed description of the most important point.
    pub(crate) fn boxed(lines: Vec<String>, anchor: Position) -> Self {
        let style = TextStyle::new(ANNOTATION_SIZE, INK);
        let widths = lines
            .iter()
            .enumerate()
            .map(|(number, line)| box_style(style, number).width(line));
        let width = widths.fold(0.0, f64::max);
        let request = LabelRequest {
            anchor,
            clearance: MarkerSize::Best.radius() * 1.5,
            width: width * SLACK + 2.0 * BOX_LEFT + 2.0 * BOX_MARGIN,
            height: ANNOTATION_LINE * lines.len() as f64 + 2.0 * BOX_TOP + 2.0 * BOX_MARGIN,
            priority: 0,
            reach: 1200.0,
        };
        Self {
            lines,
            style,
            request,
            is_required: true,
            is_boxed: true,
        }
    }

    /// Draws leader line, frame and background: the parts below the markers.
    pub(crate) fn draw_box(
        &self,
        canvas: &mut Canvas<'_>,
        place: &LabelPlace,
        obstacles: &Obstacles<'_>,
    ) -> Result<(), FigureError> {
        let inner = place.rect.grown(-BOX_MARGIN);
        if let Some((start, end)) = place.leader {
            let (end, color) = if self.is_boxed {
                (inner.nearest(end), BUDGET)
            } else {
                (end, RULE)
            };
            canvas.line(&[start, end], 2, color)?;
        }
        if self.is_boxed {
            canvas.fill(inner, PAPER.alpha(0.94))?;
            return canvas.frame(inner, 3, BUDGET);
        }
        let covers = obstacles.soft.iter().any(|dot| dot.intersects(&place.rect))
            || obstacles.lines.iter().any(|&line| place.rect.crossed_by(line));
        if covers {
            canvas.fill(place.rect, PAPER.alpha(0.72))
        } else {
            Ok(())
        }
    }

    /// Draws the text, which is above the markers.
    pub(crate) fn draw_text(&self, canvas: &mut Canvas<'_>, place: &LabelPlace) {
        let rect = place.rect;
        for (number, line) in self.lines.iter().enumerate() {
            if self.is_boxed {
                let y = rect.top + BOX_MARGIN + BOX_TOP + ANNOTATION_LINE * (number as f64 + 0.5);
                let at = (rect.left + BOX_MARGIN + BOX_LEFT, y);
                canvas.text(line, at, box_style(self.style, number));
            } else {
                canvas.text(line, rect.center(), self.style.align(Align::Middle));
            }
        }
    }
}

/// Style of a line in a box; the first line is the headline.
fn box_style(style: TextStyle, number: usize) -> TextStyle {
    if number == 0 { style.bold() } else { style }
}
