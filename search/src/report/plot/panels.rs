//! Families of networks over several costs: panels side by side with one vertical axis.

use std::path::{Path, PathBuf};

use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use super::super::ReportError;
use super::super::geometry::{Position, Rect, Segment};
use super::super::labels::{LabelRequest, Obstacles, Placement, place_labels};
use super::canvas::{Canvas, Surface, Text, WIDTH};
use super::header::{SIDE, begin};
use super::legend::{Symbol, draw_legend};
use super::picture::{self, Picture};
use super::scale::Scale;
use super::style::{FamilyStyle, GRID, INK, PAPER, RULE, draw_marker, family_style, text_tone};

const HEIGHT: u32 = 1720;
/// Room for the vertical axis' title and numbers.
const LEFT: f64 = 196.0;
const BETWEEN: f64 = 56.0;
/// Room below the panels.
const BELOW: f64 = 150.0;
const TICK_SIZE: f64 = 32.0;
const TITLE_SIZE: f64 = 35.0;
const LABEL_SIZE: f64 = 28.0;
/// Of points with a label.
const RADIUS: f64 = 11.0;
/// Of the others.
const MINOR_RADIUS: f64 = 7.0;
/// How far a label may stand from its point.
const REACH: f64 = 70.0;
/// A label's capitals are lower than its line.
const LABEL_LINE: f64 = 0.95;

/// One panel: a cost on its horizontal axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Title of the horizontal axis, unit included.
    pub title: String,
}

/// A network in the plot.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesPoint {
    /// Its cost in each panel, positive.
    pub costs: Vec<f64>,
    /// Its accuracy in percent.
    pub accuracy: f64,
    /// What stands beside it, where there is room.
    pub label: Option<String>,
}

/// A family of networks.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its networks.
    pub points: Vec<SeriesPoint>,
    /// Which of them are joined, by index, in order.
    pub lines: Vec<Vec<usize>>,
}

/// The whole figure.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelPlot {
    /// Headline.
    pub title: String,
    /// Lines below it.
    pub subtitle: Vec<String>,
    /// Title of the vertical axis, unit included.
    pub accuracy_title: String,
    /// The panels from left to right.
    pub panels: Vec<Panel>,
    /// The families, in the legend's order.
    pub series: Vec<Series>,
}

impl PanelPlot {
    /// Writes `<name>.svg`, in which text stays text, and `<name>.png` of 1600 x 860 pixels into `folder` and returns their
    /// paths; each replaces its predecessor in one step.
    pub fn write(&self, folder: &Path, name: &str) -> Result<[PathBuf; 2], ReportError> {
        picture::write(self, folder, name)
    }

    fn styles(&self) -> Vec<FamilyStyle> {
        let mut unknown = 0;
        self.series
            .iter()
            .map(|series| family_style(&series.name, &mut unknown))
            .collect()
    }

    fn points(&self) -> impl Iterator<Item = &SeriesPoint> {
        self.series.iter().flat_map(|series| &series.points)
    }
}

impl Picture for PanelPlot {
    fn title(&self) -> &str {
        &self.title
    }

    fn height(&self) -> u32 {
        HEIGHT
    }

    fn paint<Backend: Surface>(&self, backend: &mut Backend) -> Result<Vec<f64>, ReportError> {
        let mut canvas = Canvas::new(backend);
        let titles_end = begin(&mut canvas, HEIGHT, &self.title, &self.subtitle)?;
        let styles = self.styles();
        let top = draw_legend(&mut canvas, &self.legend(&styles), titles_end + 4.0)? + 26.0;
        let count = self.panels.len().max(1) as f64;
        let width = (f64::from(WIDTH) - LEFT - SIDE - (count - 1.0) * BETWEEN) / count;
        for (index, panel) in self.panels.iter().enumerate() {
            let left = LEFT + index as f64 * (width + BETWEEN);
            let frame = Rect {
                left,
                top,
                right: left + width,
                bottom: f64::from(HEIGHT) - BELOW,
            };
            let costs: Vec<f64> = self.points().map(|point| point.costs[index]).collect();
            let accuracies: Vec<f64> = self.points().map(|point| point.accuracy).collect();
            let drawn = DrawnPanel {
                plot: self,
                styles: &styles,
                index,
                frame,
                x: Scale::latency(&costs, frame.left, frame.right),
                y: Scale::accuracy(&accuracies, frame.bottom, frame.top),
            };
            drawn.draw(&mut canvas, panel)?;
        }
        let title = Text::new(TITLE_SIZE, INK).align(HPos::Center);
        let middle = f64::midpoint(top, f64::from(HEIGHT) - BELOW);
        canvas.text(&self.accuracy_title, (62.0, middle), Text { upwards: true, ..title })?;
        canvas.finish()
    }
}

impl PanelPlot {
    fn legend(&self, styles: &[FamilyStyle]) -> Vec<(Symbol, String)> {
        let entry = |(series, style): (&Series, &FamilyStyle)| {
            let symbol = Symbol::Marker {
                shape: style.shape,
                color: style.color,
                radius: 1.3 * RADIUS,
                hollow: false,
                line: !series.lines.is_empty(),
            };
            (symbol, series.name.clone())
        };
        self.series.iter().zip(styles).map(entry).collect()
    }
}

fn radius(point: &SeriesPoint) -> f64 {
    if point.label.is_some() { RADIUS } else { MINOR_RADIUS }
}

/// A panel with its axes.
struct DrawnPanel<'a> {
    plot: &'a PanelPlot,
    styles: &'a [FamilyStyle],
    index: usize,
    frame: Rect,
    x: Scale,
    y: Scale,
}

impl DrawnPanel<'_> {
    fn draw<Backend: Surface>(&self, canvas: &mut Canvas<'_, Backend>, panel: &Panel) -> Result<(), ReportError> {
        self.draw_axes(canvas, panel)?;
        for (series, style) in self.plot.series.iter().zip(self.styles) {
            for path in self.paths(series) {
                canvas.line(&path, 3, style.color.mix(0.65))?;
            }
        }
        for (series, style) in self.plot.series.iter().zip(self.styles) {
            for point in &series.points {
                draw_marker(
                    canvas,
                    style.shape,
                    self.position(point),
                    radius(point),
                    style.color,
                    false,
                )?;
            }
        }
        let labels = self.labels()?;
        for (_, _, place) in &labels {
            if let Some((start, end)) = place.leader {
                canvas.line(&[start, end], 2, RULE.mix(1.0))?;
            }
        }
        for (text, style, place) in labels {
            canvas.fill(place.rect, PAPER.mix(0.75))?;
            canvas.text(&text, place.rect.center(), style.align(HPos::Center))?;
        }
        Ok(())
    }

    fn position(&self, point: &SeriesPoint) -> Position {
        (
            self.x.position(point.costs[self.index]),
            self.y.position(point.accuracy),
        )
    }

    fn paths(&self, series: &Series) -> Vec<Vec<Position>> {
        let path = |line: &Vec<usize>| line.iter().map(|&point| self.position(&series.points[point])).collect();
        series.lines.iter().map(path).collect()
    }

    fn draw_axes<Backend: Surface>(&self, canvas: &mut Canvas<'_, Backend>, panel: &Panel) -> Result<(), ReportError> {
        let frame = self.frame;
        let style = Text::new(TICK_SIZE, INK);
        for tick in self.x.ticks(6) {
            let x = self.x.position(tick.value);
            if let Some(label) = &tick.label {
                canvas.line(&[(x, frame.top), (x, frame.bottom)], 2, GRID.mix(1.0))?;
                canvas.text(label, (x, frame.bottom + 42.0), style.align(HPos::Center))?;
            }
            let length = if tick.label.is_some() { 14.0 } else { 8.0 };
            canvas.line(&[(x, frame.bottom), (x, frame.bottom + length)], 3, RULE.mix(1.0))?;
        }
        for tick in self.y.ticks(8) {
            let y = self.y.position(tick.value);
            canvas.line(&[(frame.left, y), (frame.right, y)], 2, GRID.mix(1.0))?;
            if self.index == 0 {
                canvas.line(&[(frame.left - 14.0, y), (frame.left, y)], 3, RULE.mix(1.0))?;
                let label = tick.label.unwrap_or_default();
                canvas.text(&label, (frame.left - 26.0, y), style.align(HPos::Right))?;
            }
        }
        canvas.frame(frame, 3, RULE)?;
        let title = Text::new(TITLE_SIZE, INK).align(HPos::Center);
        canvas.text(&panel.title, (frame.center().0, frame.bottom + 102.0), title)
    }

    /// Labels that find a place, with their style.
    fn labels(&self) -> Result<Vec<(String, Text, Placement)>, ReportError> {
        let mut texts = Vec::new();
        let mut requests = Vec::new();
        for (series, style) in self.plot.series.iter().zip(self.styles) {
            let style = Text::new(LABEL_SIZE, text_tone(style.color));
            for point in &series.points {
                let Some(label) = &point.label else { continue };
                requests.push(LabelRequest {
                    anchor: self.position(point),
                    clearance: 1.4 * RADIUS,
                    width: style.width(label)? * 1.06 + 6.0,
                    height: LABEL_SIZE * LABEL_LINE,
                    priority: 0,
                    reach: REACH,
                });
                texts.push((label.clone(), style));
            }
        }
        let marker = |point| Rect::around(self.position(point), 2.4 * radius(point), 2.4 * radius(point));
        let markers: Vec<Rect> = self.plot.points().map(marker).collect();
        let paths = self.plot.series.iter().flat_map(|series| self.paths(series));
        let lines: Vec<Segment> = paths
            .flat_map(|path| path.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>())
            .collect();
        let obstacles = Obstacles {
            hard: &markers,
            soft: &[],
            lines: &lines,
        };
        let placed = place_labels(&requests, obstacles, self.frame.grown(-6.0));
        let with_place = texts.into_iter().zip(placed);
        Ok(with_place
            .filter_map(|((text, style), place)| Some((text, style, place?)))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot() -> PanelPlot {
        let point = |width: f64, resolution: f64, label: Option<&str>| SeriesPoint {
            costs: vec![width * resolution, 20.0 * width * width * resolution, 3.0 * width],
            accuracy: 60.0 + 8.0 * width + resolution / 40.0,
            label: label.map(str::to_owned),
        };
        let series = |name: &str, shift: f64| Series {
            name: name.to_owned(),
            points: vec![
                point(1.0 + shift, 96.0, None),
                point(1.0 + shift, 224.0, Some("one")),
                point(0.5 + shift, 96.0, None),
                point(0.5 + shift, 224.0, Some("half")),
            ],
            lines: vec![vec![0, 1], vec![2, 3]],
        };
        PanelPlot {
            title: "made-up families <a> & b".to_owned(),
            subtitle: vec!["nothing was measured".to_owned()],
            accuracy_title: "top-1 accuracy (%)".to_owned(),
            panels: ["latency (ms)", "multiply-adds (million)", "parameters (million)"]
                .map(|title| Panel {
                    title: title.to_owned(),
                })
                .into(),
            series: vec![series("MobileNetV1", 0.0), series("MnasNet-A1", 0.4)],
        }
    }

    #[test]
    fn both_forms_are_drawn_with_every_label_in_every_panel() {
        let plot = plot();
        let svg = picture::to_svg(&plot).unwrap();
        assert!(svg.starts_with("<svg width=\"1600\" height=\"860\""));
        assert!(svg.contains("made-up families &lt;a&gt; &amp; b"));
        for (text, times) in [
            ("\none\n", 6),
            ("\nhalf\n", 6),
            ("\nlatency (ms)\n", 1),
            ("\nMnasNet-A1\n", 1),
        ] {
            assert_eq!(svg.matches(text).count(), times, "{text}");
        }
        assert_eq!(svg, picture::to_svg(&plot).unwrap());
        let png =
            image::load_from_memory_with_format(&picture::to_png(&plot).unwrap(), image::ImageFormat::Png).unwrap();
        assert_eq!((png.width(), png.height()), (1600, 860));
    }

    #[test]
    fn nothing_to_draw_is_an_empty_figure() {
        let empty = PanelPlot {
            series: Vec::new(),
            ..plot()
        };
        assert!(picture::to_svg(&empty).unwrap().contains("parameters (million)"));
    }
}
