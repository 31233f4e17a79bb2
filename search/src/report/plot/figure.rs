//! Draws the whole figure: computes where everything goes, then paints from back to front.

use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor};

use super::super::ReportError;
use super::super::geometry::{Position, Rect, Segment};
use super::super::labels::{LabelRequest, Obstacles, place_labels};
use super::super::point::ReportRow;
use super::PlotSpec;
use super::annotation::{LABEL_SIZE, Label};
use super::axes::Axes;
use super::canvas::{Canvas, HEIGHT, Surface, Text};
use super::header::begin;
use super::legend::{draw_interval, draw_legend, draw_measured, legend};
use super::scene::{Scene, best_lines, not_drawn, reference_label};
use super::style::{
    BEST_RADIUS, BUDGET, CANDIDATE, DOT_RADIUS, FAINT_INK, FRONT, FRONT_RADIUS, PAPER, REFERENCE_RADIUS, Shape,
    draw_marker, text_tone,
};

/// Draws the figure of these rows on a backend of `WIDTH` by `HEIGHT`; returns the width of each line of text.
pub(super) fn draw<Backend: Surface>(
    backend: &mut Backend,
    rows: &[ReportRow],
    spec: &PlotSpec,
) -> Result<Vec<f64>, ReportError> {
    let spec = &PlotSpec {
        budget_ms: spec.budget_ms.filter(|budget| budget.is_finite() && *budget > 0.0),
        ..spec.clone()
    };
    let scene = Scene::new(rows);
    let mut canvas = Canvas::new(backend);
    let titles_end = begin(&mut canvas, HEIGHT, &spec.title, &spec.subtitle)?;
    let legend_end = draw_legend(&mut canvas, &legend(rows, &scene, spec), titles_end + 4.0)?;
    let figure = Figure::new(
        rows,
        &scene,
        spec,
        legend_end + if spec.budget_ms.is_some() { 62.0 } else { 26.0 },
    );
    let labels = figure.labels()?;
    let requests: Vec<LabelRequest> = labels.iter().map(|label| label.request.clone()).collect();
    let obstacles = Obstacles {
        hard: &figure.markers(),
        soft: &figure.dots(),
        lines: &figure.lines(),
    };
    let placed = place_labels(&requests, obstacles, figure.axes.frame.grown(-6.0));
    let lost = labels
        .iter()
        .zip(&placed)
        .filter(|(label, place)| label.required && place.is_none())
        .count();
    let mut notes: Vec<String> = not_drawn(rows).into_iter().collect();
    let any_candidate = !scene.front.is_empty() || !scene.dominated.is_empty();
    if any_candidate && scene.best.is_none() {
        notes.push("no candidate is within the budget".to_owned());
    }
    if lost > 0 {
        notes.push(format!("{lost} labels found no room"));
    }
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    figure.axes.draw(&mut canvas, spec, note.as_deref())?;
    figure.paint_back(&mut canvas)?;
    if let Some(budget) = spec.budget_ms {
        figure.axes.draw_budget(&mut canvas, budget)?;
    }
    for (label, place) in labels.iter().zip(&placed) {
        if let Some(place) = place {
            label.paint_box(&mut canvas, place, &obstacles)?;
        }
    }
    figure.paint_markers(&mut canvas)?;
    for (label, place) in labels.iter().zip(&placed) {
        if let Some(place) = place {
            label.paint_text(&mut canvas, place)?;
        }
    }
    if scene.drawn().next().is_none() {
        figure.say_empty(&mut canvas)?;
    }
    canvas.finish()
}

/// The ends of a prediction's interval in milliseconds.
pub(super) fn interval(row: &ReportRow) -> Option<(f64, f64)> {
    let (low, high) = (row.latency_low_ms?, row.latency_high_ms?);
    (low.is_finite() && high.is_finite() && low < high).then_some((low, high))
}

/// Everything needed to place and paint the points.
struct Figure<'a> {
    rows: &'a [ReportRow],
    scene: &'a Scene,
    budget_ms: Option<f64>,
    axes: Axes,
}

impl<'a> Figure<'a> {
    fn new(rows: &'a [ReportRow], scene: &'a Scene, spec: &PlotSpec, top: f64) -> Self {
        let mut latencies: Vec<f64> = spec.budget_ms.into_iter().collect();
        let mut accuracies = Vec::new();
        for index in scene.drawn() {
            if let Some((latency, accuracy)) = rows[index].point() {
                latencies.push(latency);
                accuracies.push(accuracy);
            }
            latencies.extend(rows[index].decisive_latency_ms());
        }
        Self {
            rows,
            scene,
            budget_ms: spec.budget_ms,
            axes: Axes::new(top, &latencies, &accuracies),
        }
    }

    fn position(&self, index: usize) -> Position {
        self.axes.position(self.rows[index].point().unwrap_or_default())
    }

    /// Whether to draw the row hollow.
    fn hollow(&self, index: usize) -> bool {
        self.budget_ms.is_some() && !self.rows[index].within_budget
    }

    /// Colour, shape and radius of every strong marker, the best last so that it lies on top.
    fn strong(&self) -> Vec<(usize, RGBColor, Shape, f64)> {
        let mut strong = Vec::new();
        for family in &self.scene.families {
            strong.extend(
                family
                    .members
                    .iter()
                    .map(|&index| (index, family.style.color, family.style.shape, REFERENCE_RADIUS)),
            );
        }
        let others = self.scene.front.iter().filter(|&&index| Some(index) != self.scene.best);
        strong.extend(others.map(|&index| (index, FRONT, Shape::Disc, FRONT_RADIUS)));
        strong.extend(self.scene.best.map(|index| (index, BUDGET, Shape::Star, BEST_RADIUS)));
        strong
    }

    /// Boxes of the strong markers, of the ticks of measurements and of the budget line.
    fn markers(&self) -> Vec<Rect> {
        let frame = self.axes.frame;
        let line = |budget| Rect {
            left: self.axes.clamped_x(budget) - 8.0,
            right: self.axes.clamped_x(budget) + 8.0,
            ..frame
        };
        let mut boxes: Vec<Rect> = self.budget_ms.map(line).into_iter().collect();
        for (index, _, _, radius) in self.strong() {
            let center = self.position(index);
            boxes.push(Rect::around(center, 2.6 * radius, 2.6 * radius));
            if let Some(x) = self.measured_x(index) {
                boxes.push(Rect::around((x, center.1), 10.0, 34.0));
            }
        }
        boxes
    }

    fn dots(&self) -> Vec<Rect> {
        self.scene
            .dominated
            .iter()
            .map(|&index| Rect::around(self.position(index), 2.2 * DOT_RADIUS, 2.2 * DOT_RADIUS))
            .collect()
    }

    fn lines(&self) -> Vec<Segment> {
        let mut lines: Vec<Segment> = self.staircase().windows(2).map(|pair| (pair[0], pair[1])).collect();
        for family in &self.scene.families {
            lines.extend(
                family
                    .front
                    .windows(2)
                    .map(|pair| (self.position(pair[0]), self.position(pair[1]))),
            );
        }
        if let (Some(&first), Some(&last)) = (lines.first(), lines.last()) {
            lines.push(((first.0.0, self.axes.frame.bottom), first.0));
            lines.push((last.1, (self.axes.frame.right, last.1.1)));
        }
        for (index, ..) in self.strong() {
            let center = self.position(index);
            let ends = if self.scene.front.contains(&index) {
                interval(&self.rows[index])
            } else {
                None
            };
            lines.extend(ends.map(|(low, high)| {
                (
                    (self.axes.clamped_x(low), center.1),
                    (self.axes.clamped_x(high), center.1),
                )
            }));
            lines.extend(self.measured_x(index).map(|x| (center, (x, center.1))));
        }
        lines
    }

    /// Coordinate of a row's measurement if it has a prediction to be joined to.
    fn measured_x(&self, index: usize) -> Option<f64> {
        let row = &self.rows[index];
        row.latency_ms?;
        let measured = row.measured_ms.filter(|value| value.is_finite() && *value > 0.0)?;
        Some(self.axes.clamped_x(measured))
    }

    /// The front as a staircase: at each latency the best accuracy reached so far.
    fn staircase(&self) -> Vec<Position> {
        let corners: Vec<Position> = self.scene.front.iter().map(|&index| self.position(index)).collect();
        let mut path = Vec::new();
        for (position, &corner) in corners.iter().enumerate() {
            if position > 0 {
                path.push((corner.0, corners[position - 1].1));
            }
            path.push(corner);
        }
        path
    }

    fn paint_back<Backend: Surface>(&self, canvas: &mut Canvas<'_, Backend>) -> Result<(), ReportError> {
        for &index in &self.scene.front {
            if let Some((low, high)) = interval(&self.rows[index]) {
                let y = self.position(index).1;
                draw_interval(canvas, y, (self.axes.clamped_x(low), self.axes.clamped_x(high)))?;
            }
        }
        for &index in &self.scene.dominated {
            let center = self.position(index);
            if let Some(x) = self.measured_x(index) {
                draw_measured(canvas, center, x, CANDIDATE)?;
            }
            canvas.disc(center, DOT_RADIUS, CANDIDATE.mix(1.0))?;
            if self.hollow(index) {
                canvas.disc(center, DOT_RADIUS - 3.0, PAPER.mix(1.0))?;
            }
        }
        let path = self.staircase();
        if let (Some(&first), Some(&last)) = (path.first(), path.last()) {
            // To its left nothing was found, to its right nothing better.
            canvas.line(&[(first.0, self.axes.frame.bottom), first], 2, FRONT.mix(0.35))?;
            canvas.line(&[last, (self.axes.frame.right, last.1)], 2, FRONT.mix(0.35))?;
            canvas.line(&path, 5, FRONT.mix(1.0))?;
        }
        for family in &self.scene.families {
            let path: Vec<Position> = family.front.iter().map(|&index| self.position(index)).collect();
            if path.len() > 1 {
                canvas.line(&path, 3, family.style.color.mix(0.75))?;
            }
        }
        Ok(())
    }

    fn paint_markers<Backend: Surface>(&self, canvas: &mut Canvas<'_, Backend>) -> Result<(), ReportError> {
        let strong = self.strong();
        for &(index, color, ..) in &strong {
            if let Some(x) = self.measured_x(index) {
                draw_measured(canvas, self.position(index), x, color)?;
            }
        }
        for (index, color, shape, radius) in strong {
            draw_marker(canvas, shape, self.position(index), radius, color, self.hollow(index))?;
        }
        Ok(())
    }

    fn say_empty<Backend: Surface>(&self, canvas: &mut Canvas<'_, Backend>) -> Result<(), ReportError> {
        let style = Text::new(40.0, FAINT_INK).align(HPos::Center);
        let text = "no complete candidate yet";
        let center = self.axes.frame.center();
        canvas.fill(Rect::around(center, style.width(text)? + 60.0, 90.0), PAPER.mix(1.0))?;
        canvas.text(text, center, style)
    }

    /// The labels to place: the best network, the references, then the trials on the front.
    fn labels(&self) -> Result<Vec<Label>, ReportError> {
        let mut labels = Vec::new();
        if let Some(index) = self.scene.best {
            let lines = best_lines(&self.rows[index], self.budget_ms.is_some());
            labels.push(Label::best(lines, self.position(index))?);
        }
        for family in &self.scene.families {
            for &index in &family.members {
                let text = reference_label(&self.rows[index]);
                let style = Text::new(LABEL_SIZE, text_tone(family.style.color));
                labels.push(Label::one_line(
                    text,
                    style,
                    self.position(index),
                    REFERENCE_RADIUS,
                    true,
                )?);
            }
        }
        for &index in self.scene.front.iter().filter(|&&index| Some(index) != self.scene.best) {
            let style = Text::new(LABEL_SIZE - 3.0, text_tone(FRONT));
            labels.push(Label::one_line(
                self.rows[index].label(),
                style,
                self.position(index),
                FRONT_RADIUS,
                false,
            )?);
        }
        Ok(labels)
    }
}
