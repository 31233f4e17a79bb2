//! Pareto fronts: accuracy over latency with the front, dominated candidates, families of references and the budget.

use crate::axis::Axis;
use crate::caption::Caption;
use crate::error::FigureError;
use crate::legend::{Legend, LegendEntry, Symbol};
use crate::palette::{Palette, SeriesStyle};
use crate::svg::Svg;
use crate::xy::{Annotation, Guide, IntervalMark, LabelRank, Lines, Panel, Point, PointMark, Series, XyFigure};

/// Figure of the Pareto fronts of one or several studies, side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontFigure {
    /// Title, subtitle and alternative text.
    pub caption: Caption,
    /// Panels, one per front, from left to right.
    pub panels: Vec<FrontPanel>,
    /// Remarks at the lower right.
    pub notes: Vec<String>,
}

/// Panel with a front and other networks.
///
/// Points have the latency as `x` and the accuracy as `y`; hollow points are over the budget.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontPanel {
    /// Title above the frame; empty for none.
    pub title: String,
    /// Title of the horizontal axis, including the unit.
    pub latency_title: String,
    /// Title of the vertical axis, including the unit.
    pub accuracy_title: String,
    /// Latency budget.
    pub budget: Option<Budget>,
    /// Candidates on the front, from the fastest to the slowest.
    pub front: Vec<Point>,
    /// Dominated candidates.
    pub dominated: Vec<Point>,
    /// Families of published networks.
    pub families: Vec<FrontFamily>,
    /// Best candidate, which is also in `front` or `dominated`.
    pub best: Option<Best>,
}

/// Latency budget, a hard limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// Limit, as a value on the horizontal axis.
    pub at: f64,
    /// Label, including the unit: `budget 20.0 ms`.
    pub label: String,
}

/// Published networks of one family.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontFamily {
    /// Name in the legend.
    pub name: String,
    /// Networks of the family.
    pub points: Vec<Point>,
    /// Indices of the networks that a line joins, in order.
    pub joined: Vec<usize>,
}

/// Best candidate with its description.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Point of the candidate.
    pub point: Point,
    /// Lines of the description; the first is the headline.
    pub lines: Vec<String>,
    /// Entry of the legend: `best within budget`.
    pub legend: String,
}

impl FrontFigure {
    /// Draws the figure as an SVG document, 1000 pixels high for one front and 860 for several.
    pub fn draw(&self) -> Result<Svg, FigureError> {
        let mut palette = Palette::default();
        let panels: Vec<Panel> = self.panels.iter().map(|panel| panel.panel(&mut palette)).collect();
        let mut entries: Vec<LegendEntry> = Vec::new();
        for entry in self.panels.iter().flat_map(|panel| panel.legend(&mut palette)) {
            if entries.iter().all(|one| one.text != entry.text) {
                entries.push(entry);
            }
        }
        XyFigure {
            legend: Legend::Entries(entries),
            notes: self.notes.clone(),
            ..XyFigure::new(self.caption.clone(), panels)
        }
        .draw()
    }
}

impl FrontPanel {
    /// Converts the front to a panel of a general figure.
    pub fn panel(&self, palette: &mut Palette) -> Panel {
        let mut series = vec![Series {
            is_background: true,
            points: self.without_best(&self.dominated),
            ..Series::new("", SeriesStyle::DOMINATED, Vec::new())
        }];
        series.extend(self.families.iter().map(|family| Series {
            labels: LabelRank::Required,
            lines: Lines::Paths(vec![family.joined.clone()]),
            intervals: IntervalMark::Band,
            ..Series::new(&family.name, palette.family(&family.name), family.points.clone())
        }));
        series.push(Series {
            labels: LabelRank::Optional,
            lines: Lines::Front,
            intervals: IntervalMark::Band,
            ..Series::new("", SeriesStyle::FRONT, self.without_best(&self.front))
        });
        series.extend(self.best.iter().map(|best| {
            let point = Point {
                label: None,
                // The interval of the front's point is already drawn.
                x_interval: None,
                y_interval: None,
                ..best.point.clone()
            };
            Series::new(&best.legend, SeriesStyle::BEST, vec![point])
        }));
        let budget = self.budget.iter().map(|budget| Guide::Budget {
            at: budget.at,
            label: budget.label.clone(),
        });
        Panel {
            title: self.title.clone(),
            guides: budget.collect(),
            annotation: self.best.as_ref().map(|best| Annotation {
                at: (best.point.x, best.point.y),
                lines: best.lines.clone(),
            }),
            empty_message: "no complete candidate yet".to_owned(),
            ..Panel::new(
                Axis::positive(&self.latency_title),
                Axis::percent(&self.accuracy_title),
                series,
            )
        }
    }

    /// Points without the marker, label and measurement of the best one, whose star shows them.
    fn without_best(&self, points: &[Point]) -> Vec<Point> {
        let best = self.best.as_ref().map(|best| (best.point.x, best.point.y));
        let point = |point: &Point| {
            if best == Some((point.x, point.y)) {
                Point {
                    mark: PointMark::Hidden,
                    label: None,
                    measured_x: None,
                    ..point.clone()
                }
            } else {
                point.clone()
            }
        };
        points.iter().map(point).collect()
    }

    /// Entries of the legend for the elements that the panel contains.
    pub fn legend(&self, palette: &mut Palette) -> Vec<LegendEntry> {
        let mut entries = Vec::new();
        let mut add = |symbol: Symbol, text: &str| entries.push(LegendEntry::new(symbol, text));
        if !self.front.is_empty() {
            add(Symbol::MarkedLine(SeriesStyle::FRONT), "Pareto front");
        }
        if !self.dominated.is_empty() {
            add(Symbol::Marker(SeriesStyle::DOMINATED), "dominated candidate");
        }
        if let Some(best) = &self.best {
            add(Symbol::Marker(SeriesStyle::BEST), &best.legend);
        }
        let references = self.families.iter().flat_map(|family| &family.points);
        let all: Vec<&Point> = self.front.iter().chain(&self.dominated).chain(references).collect();
        if all.iter().any(|point| point.mark == PointMark::Hollow) {
            add(Symbol::Hollow, "hollow: over budget");
        }
        if all.iter().any(|point| point.measured_x.is_some()) {
            add(Symbol::Measured(SeriesStyle::FRONT), "predicted to measured");
        }
        if all
            .iter()
            .any(|point| point.x_interval.is_some() || point.y_interval.is_some())
        {
            add(Symbol::Interval(SeriesStyle::FRONT), "predicted interval");
        }
        for family in &self.families {
            let style = palette.family(&family.name);
            let is_joined = family.joined.len() > 1;
            add(
                if is_joined {
                    Symbol::MarkedLine(style)
                } else {
                    Symbol::Marker(style)
                },
                &family.name,
            );
        }
        entries
    }
}
