//! Labels of points: what they say, how large they are, and how they are painted once placed.

use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use super::super::ReportError;
use super::super::geometry::Position;
use super::super::labels::{LabelRequest, Obstacles, Placement};
use super::canvas::{Canvas, Surface, Text};
use super::style::{BEST_RADIUS, BUDGET, INK, PAPER, RULE};

/// Font size of labels.
pub(super) const LABEL_SIZE: f64 = 30.0;
/// Height of a line in the box of the best network.
const BEST_LINE: f64 = 42.0;
/// Free space around that box.
const BOX_MARGIN: f64 = 9.0;
/// Labels are given this much more width, for readers of the SVG whose sans-serif font is wider.
const SLACK: f64 = 1.06;

/// A label and how it looks.
pub(super) struct Label {
    lines: Vec<String>,
    style: Text,
    /// What it asks of the placer.
    pub(super) request: LabelRequest,
    /// Said in a note when it finds no room.
    pub(super) required: bool,
    boxed: bool,
}

impl Label {
    /// A name beside its point; one that is not required is left out rather than moved far.
    pub(super) fn one_line(
        text: String,
        style: Text,
        anchor: Position,
        radius: f64,
        required: bool,
    ) -> Result<Self, ReportError> {
        let request = LabelRequest {
            anchor,
            clearance: radius * 1.3,
            width: style.width(&text)? * SLACK + 10.0,
            height: style.size * 1.2,
            priority: if required { 1 } else { 2 },
            reach: if required { 700.0 } else { 30.0 },
        };
        Ok(Self {
            lines: vec![text],
            style,
            request,
            required,
            boxed: false,
        })
    }

    /// The framed description of the best network.
    pub(super) fn best(lines: Vec<String>, anchor: Position) -> Result<Self, ReportError> {
        let style = Text::new(LABEL_SIZE + 1.0, INK);
        let mut width = 0.0_f64;
        for (number, line) in lines.iter().enumerate() {
            width = width.max(Self::line_style(style, true, number).width(line)?);
        }
        let height = BEST_LINE * lines.len() as f64 + 18.0 + 2.0 * BOX_MARGIN;
        let request = LabelRequest {
            anchor,
            clearance: BEST_RADIUS * 1.5,
            width: width * SLACK + 40.0 + 2.0 * BOX_MARGIN,
            height,
            priority: 0,
            reach: 1200.0,
        };
        Ok(Self {
            lines,
            style,
            request,
            required: true,
            boxed: true,
        })
    }

    /// The first line of a boxed label is its headline.
    fn line_style(style: Text, boxed: bool, number: usize) -> Text {
        if boxed && number == 0 { style.bold() } else { style }
    }

    /// Leader line, frame and backing: what lies below the markers.
    pub(super) fn paint_box<Backend: Surface>(
        &self,
        canvas: &mut Canvas<'_, Backend>,
        place: &Placement,
        obstacles: &Obstacles<'_>,
    ) -> Result<(), ReportError> {
        if let Some((start, end)) = place.leader {
            let end = if self.boxed {
                place.rect.grown(-BOX_MARGIN).nearest(end)
            } else {
                end
            };
            canvas.line(&[start, end], 2, if self.boxed { BUDGET } else { RULE }.mix(1.0))?;
        }
        if self.boxed {
            let rect = place.rect.grown(-BOX_MARGIN);
            canvas.fill(rect, PAPER.mix(0.94))?;
            return canvas.frame(rect, 3, BUDGET);
        }
        let covers = obstacles.soft.iter().any(|dot| dot.intersects(&place.rect))
            || obstacles.lines.iter().any(|&line| place.rect.crossed_by(line));
        if covers {
            canvas.fill(place.rect, PAPER.mix(0.72))
        } else {
            Ok(())
        }
    }

    /// The text, above the markers.
    pub(super) fn paint_text<Backend: Surface>(
        &self,
        canvas: &mut Canvas<'_, Backend>,
        place: &Placement,
    ) -> Result<(), ReportError> {
        let rect = place.rect;
        if !self.boxed {
            return canvas.text(&self.lines[0], rect.center(), self.style.align(HPos::Center));
        }
        for (number, line) in self.lines.iter().enumerate() {
            let y = rect.top + BOX_MARGIN + 9.0 + BEST_LINE * (number as f64 + 0.5);
            canvas.text(
                line,
                (rect.left + BOX_MARGIN + 20.0, y),
                Self::line_style(self.style, true, number),
            )?;
        }
        Ok(())
    }
}
