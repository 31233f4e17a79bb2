//! Grid, frame, ticks, axis titles and the budget line.

use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use super::super::ReportError;
use super::super::geometry::Rect;
use super::super::units;
use super::PlotSpec;
use super::canvas::{Canvas, HEIGHT, Surface, Text, WIDTH};
use super::scale::Scale;
use super::style::{BUDGET, FAINT_INK, GRID, INK, RULE};

const TICK_SIZE: f64 = 34.0;
const TITLE_SIZE: f64 = 38.0;

/// The plot area and its two scales.
#[derive(Debug, Clone)]
pub(super) struct Axes {
    pub(super) frame: Rect,
    pub(super) x: Scale,
    pub(super) y: Scale,
}

impl Axes {
    /// Axes below `top` for these latencies (ms) and accuracies (percent).
    pub(super) fn new(top: f64, latencies: &[f64], accuracies: &[f64]) -> Self {
        let frame = Rect {
            left: 210.0,
            top,
            right: f64::from(WIDTH) - super::header::SIDE,
            bottom: f64::from(HEIGHT) - 170.0,
        };
        Self {
            frame,
            x: Scale::latency(latencies, frame.left, frame.right),
            y: Scale::accuracy(accuracies, frame.bottom, frame.top),
        }
    }

    /// Drawing position of a point (latency in ms, accuracy in percent).
    pub(super) fn position(&self, point: (f64, f64)) -> (f64, f64) {
        (self.x.position(point.0), self.y.position(point.1))
    }

    /// A latency's coordinate, kept inside the frame.
    pub(super) fn clamped_x(&self, latency_ms: f64) -> f64 {
        let x = if latency_ms > 0.0 {
            self.x.position(latency_ms)
        } else {
            self.frame.left
        };
        x.clamp(self.frame.left, self.frame.right)
    }

    /// The shade over the budget, the grid, the ticks, the titles and the frame.
    pub(super) fn draw<Backend: Surface>(
        &self,
        canvas: &mut Canvas<'_, Backend>,
        spec: &PlotSpec,
        note: Option<&str>,
    ) -> Result<(), ReportError> {
        let frame = self.frame;
        if let Some(budget) = spec.budget_ms {
            canvas.fill(
                Rect {
                    left: self.clamped_x(budget),
                    ..frame
                },
                RULE.mix(0.12),
            )?;
        }
        self.draw_ticks(canvas)?;
        canvas.frame(frame, 3, RULE)?;
        let middle = frame.center();
        let title = Text::new(TITLE_SIZE, INK).align(HPos::Center);
        let suffix = if self.x.log { ", logarithmic" } else { "" };
        let latency_title = match spec.latency_title.strip_suffix(')') {
            Some(start) if self.x.log => format!("{start}{suffix})"),
            _ => format!("{}{suffix}", spec.latency_title),
        };
        canvas.text(&latency_title, (middle.0, f64::from(HEIGHT) - 62.0), title)?;
        canvas.text(&spec.accuracy_title, (62.0, middle.1), Text { upwards: true, ..title })?;
        if let Some(note) = note {
            let style = Text::new(27.0, FAINT_INK).align(HPos::Right);
            let y = if style.width(note)? < 1000.0 {
                f64::from(HEIGHT) - 60.0
            } else {
                f64::from(HEIGHT) - 24.0
            };
            canvas.text(note, (frame.right, y), style)?;
        }
        Ok(())
    }

    fn draw_ticks<Backend: Surface>(&self, canvas: &mut Canvas<'_, Backend>) -> Result<(), ReportError> {
        let frame = self.frame;
        let style = Text::new(TICK_SIZE, INK);
        for tick in self.x.ticks(9) {
            let x = self.x.position(tick.value);
            let length = if tick.label.is_some() { 16.0 } else { 9.0 };
            if let Some(label) = &tick.label {
                canvas.line(&[(x, frame.top), (x, frame.bottom)], 2, GRID.mix(1.0))?;
                canvas.text(label, (x, frame.bottom + 46.0), style.align(HPos::Center))?;
            }
            canvas.line(&[(x, frame.bottom), (x, frame.bottom + length)], 3, RULE.mix(1.0))?;
        }
        for tick in self.y.ticks(8) {
            let y = self.y.position(tick.value);
            canvas.line(&[(frame.left, y), (frame.right, y)], 2, GRID.mix(1.0))?;
            canvas.line(&[(frame.left - 16.0, y), (frame.left, y)], 3, RULE.mix(1.0))?;
            let label = tick.label.unwrap_or_default();
            canvas.text(&label, (frame.left - 28.0, y), style.align(HPos::Right))?;
        }
        Ok(())
    }

    /// The dashed line of the budget with its label above the frame, where no data lies.
    pub(super) fn draw_budget<Backend: Surface>(
        &self,
        canvas: &mut Canvas<'_, Backend>,
        budget_ms: f64,
    ) -> Result<(), ReportError> {
        let x = self.clamped_x(budget_ms);
        canvas.dashed_down(x, (self.frame.top, self.frame.bottom), 5.0, BUDGET)?;
        let label = format!("budget {}", units::milliseconds(budget_ms));
        let style = Text::new(32.0, BUDGET).bold().align(HPos::Center);
        let half = style.width(&label)? / 2.0;
        let center = x.clamp(self.frame.left + half, self.frame.right - half);
        canvas.text(&label, (center, self.frame.top - 28.0), style)
    }
}
