//! Drawing in painting order: frames, lines, labels' boxes, markers, text.

use crate::canvas::Canvas;
use crate::error::FigureError;
use crate::geometry::{Rect, Segment};
use crate::labels::{LabelPlace, LabelRequest, Obstacles, place_labels};
use crate::style::{FAINT_INK, MESSAGE_SIZE, NOTE_SIZE, PAPER};
use crate::svg::Svg;
use crate::text::{Align, TextStyle};

use super::figure::XyFigure;
use super::frame::{draw_budget, draw_frame};
use super::label::Label;
use super::layout::{Layout, PlacedPanel};
use super::points::Points;

/// Distance of labels from the frame.
const FRAME_GAP: f64 = 6.0;

impl XyFigure {
    /// Draws the figure as an SVG document.
    ///
    /// Inconsistent input, such as a line through a missing point, is an error.
    pub fn draw(&self) -> Result<Svg, FigureError> {
        self.check()?;
        let mut notes = self.notes.clone();
        let mut layout = Layout::new(self, &notes.join("; "));
        let lost: usize = layout.panels.iter().map(|panel| PanelLabels::place(panel).lost()).sum();
        if lost > 0 {
            let labels = if lost == 1 { "label" } else { "labels" };
            notes.push(format!("{lost} {labels} found no room"));
            layout = Layout::new(self, &notes.join("; "));
        }
        Svg::draw(&self.caption, (layout.width, layout.height), |canvas| {
            layout.caption.draw(canvas);
            layout.legend.draw(canvas)?;
            for panel in &layout.panels {
                draw_panel(canvas, panel)?;
            }
            if let Some((note, at)) = &layout.note {
                canvas.text(note, *at, TextStyle::new(NOTE_SIZE, FAINT_INK).align(Align::End));
            }
            Ok(())
        })
    }
}

fn draw_panel(canvas: &mut Canvas<'_>, placed: &PlacedPanel<'_>) -> Result<(), FigureError> {
    let points = Points::new(placed);
    let labels = PanelLabels::place(placed);
    draw_frame(canvas, placed)?;
    points.draw_back(canvas)?;
    draw_budget(canvas, placed)?;
    let obstacles = labels.obstacles.borrowed();
    for (label, place) in labels.placed() {
        label.draw_box(canvas, place, &obstacles)?;
    }
    points.draw_front(canvas)?;
    for (label, place) in labels.placed() {
        label.draw_text(canvas, place);
    }
    if points.is_empty() && !placed.panel.empty_message.is_empty() {
        draw_message(canvas, placed)?;
    }
    Ok(())
}

fn draw_message(canvas: &mut Canvas<'_>, placed: &PlacedPanel<'_>) -> Result<(), FigureError> {
    let style = TextStyle::new(MESSAGE_SIZE, FAINT_INK).align(Align::Middle);
    let text = style.shorten(&placed.panel.empty_message, placed.frame.width() - 80.0);
    let center = placed.frame.center();
    canvas.fill(Rect::around(center, style.width(&text) + 60.0, 90.0), PAPER)?;
    canvas.text(&text, center, style);
    Ok(())
}

/// Shapes of a panel that labels avoid.
struct PanelObstacles {
    markers: Vec<Rect>,
    dots: Vec<Rect>,
    segments: Vec<Segment>,
}

impl PanelObstacles {
    fn borrowed(&self) -> Obstacles<'_> {
        Obstacles {
            hard: &self.markers,
            soft: &self.dots,
            lines: &self.segments,
        }
    }
}

/// Labels of a panel with their positions.
struct PanelLabels {
    labels: Vec<Label>,
    places: Vec<Option<LabelPlace>>,
    obstacles: PanelObstacles,
}

impl PanelLabels {
    fn place(placed: &PlacedPanel<'_>) -> Self {
        let points = Points::new(placed);
        let labels = points.labels();
        let obstacles = PanelObstacles {
            markers: points.markers(),
            dots: points.dots(),
            segments: points.segments(),
        };
        let requests: Vec<LabelRequest> = labels.iter().map(|label| label.request.clone()).collect();
        let found = place_labels(&requests, obstacles.borrowed(), placed.frame.grown(-FRAME_GAP));
        Self {
            labels,
            places: found,
            obstacles,
        }
    }

    /// Labels with a position.
    fn placed(&self) -> impl Iterator<Item = (&Label, &LabelPlace)> {
        let pairs = self.labels.iter().zip(&self.places);
        pairs.filter_map(|(label, place)| Some((label, place.as_ref()?)))
    }

    /// Number of required labels without a position.
    fn lost(&self) -> usize {
        let pairs = self.labels.iter().zip(&self.places);
        pairs
            .filter(|(label, place)| label.is_required && place.is_none())
            .count()
    }
}
