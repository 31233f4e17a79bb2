//! The learning curve: accuracy and losses over the epochs of one training.

use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor};

use super::super::ReportError;
use super::super::geometry::{Position, Rect};
use super::canvas::{Canvas, HEIGHT, Surface, Text, WIDTH};
use super::header::{SIDE, begin};
use super::picture::{self, Picture};
use super::scale::Scale;
use super::style::{BUDGET, CANDIDATE, FRONT, GRID, INK, RULE};

/// An epoch of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Mean loss in training.
    pub train_loss: f64,
    /// Loss on the validation images, where they were looked at.
    pub val_loss: Option<f64>,
    /// Accuracy on the validation images in percent, where they were looked at.
    pub accuracy: Option<f64>,
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Headline: the network.
    pub title: String,
    /// Lines below it: data and recipe.
    pub subtitle: Vec<String>,
    /// The epochs in order.
    pub points: Vec<CurvePoint>,
}

type Series = Vec<(f64, f64)>;

impl Curve {
    /// As an SVG document, shown at 1600 x 1000 pixels; text stays text.
    pub fn svg(&self) -> Result<String, ReportError> {
        picture::to_svg(self)
    }

    /// As a PNG file of 1600 x 1000 pixels.
    pub fn png(&self) -> Result<Vec<u8>, ReportError> {
        picture::to_png(self)
    }
}

impl Picture for Curve {
    fn title(&self) -> &str {
        &self.title
    }

    fn height(&self) -> u32 {
        HEIGHT
    }

    fn paint<Backend: Surface>(&self, backend: &mut Backend) -> Result<Vec<f64>, ReportError> {
        let mut canvas = Canvas::new(backend);
        let (width, height) = (f64::from(WIDTH), f64::from(HEIGHT));
        let top = begin(&mut canvas, HEIGHT, &self.title, &self.subtitle)? + 40.0;
        let (left, right, bottom) = (210.0, width - SIDE, height - 170.0);
        let middle = f64::midpoint(top, bottom);
        let series = |value: &dyn Fn(&CurvePoint) -> Option<f64>| -> Series {
            let finite =
                |point: &CurvePoint| Some((f64::from(point.epoch), value(point).filter(|one| one.is_finite())?));
            self.points.iter().filter_map(finite).collect()
        };
        let accuracy = series(&|point| point.accuracy);
        let train_loss = series(&|point| Some(point.train_loss));
        let val_loss = series(&|point| point.val_loss);
        let values =
            |series: &[&Series]| -> Vec<f64> { series.iter().flat_map(|one| one.iter().map(|at| at.1)).collect() };
        let upper = Rect {
            left,
            top,
            right,
            bottom: middle - 40.0,
        };
        let lower = Rect {
            left,
            top: middle + 40.0,
            right,
            bottom,
        };
        let epochs: Vec<f64> = self.points.iter().map(|point| f64::from(point.epoch)).collect();
        let x = Scale::linear(&epochs, left, right);
        let panels = [
            Panel {
                frame: upper,
                title: "accuracy (%)",
                y: Scale::accuracy(&values(&[&accuracy]), upper.bottom, upper.top),
                lines: vec![("validation top-1", FRONT, accuracy)],
            },
            Panel {
                frame: lower,
                title: "loss",
                y: Scale::linear(&values(&[&train_loss, &val_loss]), lower.bottom, lower.top),
                lines: vec![("training", CANDIDATE, train_loss), ("validation", BUDGET, val_loss)],
            },
        ];
        for panel in &panels {
            panel.draw(&mut canvas, &x)?;
        }
        let style = Text::new(34.0, INK).align(HPos::Center);
        for tick in x.ticks(10).iter().filter(|tick| tick.value.fract() == 0.0) {
            if tick.label.is_some() {
                canvas.text(
                    &format!("{:.0}", tick.value),
                    (x.position(tick.value), bottom + 46.0),
                    style,
                )?;
            }
        }
        let title = Text::new(38.0, INK).align(HPos::Center);
        canvas.text("epoch", (f64::midpoint(left, right), height - 62.0), title)?;
        canvas.finish()
    }
}

/// One frame with its lines.
struct Panel {
    frame: Rect,
    title: &'static str,
    y: Scale,
    lines: Vec<(&'static str, RGBColor, Series)>,
}

impl Panel {
    fn draw<Backend: Surface>(&self, canvas: &mut Canvas<'_, Backend>, x: &Scale) -> Result<(), ReportError> {
        let frame = self.frame;
        for tick in x.ticks(10).iter().filter(|tick| tick.value.fract() == 0.0) {
            let at = x.position(tick.value);
            canvas.line(&[(at, frame.top), (at, frame.bottom)], 2, GRID.mix(1.0))?;
        }
        for tick in self.y.ticks(5) {
            let y = self.y.position(tick.value);
            canvas.line(&[(frame.left, y), (frame.right, y)], 2, GRID.mix(1.0))?;
            let style = Text::new(34.0, INK).align(HPos::Right);
            canvas.text(&tick.label.unwrap_or_default(), (frame.left - 28.0, y), style)?;
        }
        canvas.frame(frame, 3, RULE)?;
        let title = Text::new(38.0, INK).align(HPos::Center);
        canvas.text(self.title, (62.0, frame.center().1), Text { upwards: true, ..title })?;
        // What the lines are stands above the frame, where no line passes.
        let mut right = frame.right;
        for (name, color, series) in self.lines.iter().rev() {
            let path: Vec<Position> = series
                .iter()
                .map(|&(epoch, value)| (x.position(epoch), self.y.position(value)))
                .collect();
            match path[..] {
                [] => continue,
                [single] => canvas.disc(single, 8.0, color.mix(1.0))?,
                _ => canvas.line(&path, 5, color.mix(1.0))?,
            }
            let style = Text::new(32.0, INK).align(HPos::Right);
            let at = frame.top - 30.0;
            canvas.text(name, (right, at), style)?;
            right -= style.width(name)? + 18.0;
            canvas.line(&[(right - 60.0, at), (right, at)], 5, color.mix(1.0))?;
            right -= 100.0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(epochs: u32) -> Curve {
        let points = (1..=epochs).map(|epoch| CurvePoint {
            epoch,
            train_loss: 2.0 / f64::from(epoch),
            val_loss: epoch.is_multiple_of(2).then_some(2.2 / f64::from(epoch)),
            accuracy: Some(90.0 - 60.0 / f64::from(epoch)),
        });
        Curve {
            title: "MobileNetV2 <small>".to_owned(),
            subtitle: vec!["photos".to_owned()],
            points: points.collect(),
        }
    }

    #[test]
    fn both_forms_are_drawn_for_any_number_of_epochs() {
        for epochs in [0, 1, 2, 30, 600] {
            let curve = curve(epochs);
            let svg = curve.svg().unwrap();
            assert!(
                svg.contains("validation") == (epochs > 0) && svg.contains("&lt;small&gt;"),
                "{epochs}"
            );
            assert_eq!(svg, curve.svg().unwrap());
            assert!(curve.png().unwrap().starts_with(b"\x89PNG"));
        }
    }

    #[test]
    fn values_that_are_no_numbers_are_left_out() {
        let mut curve = curve(3);
        curve.points[1].train_loss = f64::NAN;
        curve.points[2].val_loss = Some(f64::INFINITY);
        assert!(!curve.svg().unwrap().contains("NaN"));
    }
}
