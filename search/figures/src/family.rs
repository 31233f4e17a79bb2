//! Families of networks over several costs: panels side by side with one vertical axis.

use crate::axis::Axis;
use crate::caption::Caption;
use crate::error::FigureError;
use crate::palette::{MarkerSize, Palette};
use crate::svg::Svg;
use crate::xy::{Arrangement, Lines, Panel, Point, PointMark, Series, XyFigure};

/// Height in pixels.
const HEIGHT: u32 = 860;

/// Figure of the accuracies of families of networks over several costs.
#[derive(Debug, Clone, PartialEq)]
pub struct FamilyFigure {
    /// Title, subtitle and alternative text.
    pub caption: Caption,
    /// Title of the vertical axis, including the unit.
    pub accuracy_title: String,
    /// Titles of the horizontal axes, including units, one per panel from left to right.
    pub cost_titles: Vec<String>,
    /// Families of networks, in the legend's order.
    pub families: Vec<Family>,
}

/// Family of networks.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Name in the legend.
    pub name: String,
    /// Networks of the family.
    pub points: Vec<FamilyPoint>,
    /// Lines through networks, each given by the networks' indices in order.
    pub lines: Vec<Vec<usize>>,
}

/// Network of a family.
#[derive(Debug, Clone, PartialEq)]
pub struct FamilyPoint {
    /// Cost in each panel, positive.
    pub costs: Vec<f64>,
    /// Accuracy in percent.
    pub accuracy: f64,
    /// Text beside the point, left out if there is no space; points without a label are smaller.
    pub label: Option<String>,
}

impl FamilyFigure {
    /// Draws the figure as an SVG document of 1600 x 860 pixels.
    ///
    /// Points whose number of costs differs from the number of axes, and lines through missing points, are errors.
    pub fn draw(&self) -> Result<Svg, FigureError> {
        for (family, point) in self
            .families
            .iter()
            .flat_map(|family| family.points.iter().map(move |point| (family, point)))
        {
            if point.costs.len() != self.cost_titles.len() {
                return Err(FigureError::input(
                    format!("family `{}`", family.name),
                    format!(
                        "a point has {} costs for {} axes",
                        point.costs.len(),
                        self.cost_titles.len()
                    ),
                ));
            }
        }
        let panels = (0..self.cost_titles.len()).map(|index| self.panel(index));
        XyFigure {
            arrangement: Arrangement::SharedY,
            height: HEIGHT,
            ..XyFigure::new(self.caption.clone(), panels.collect())
        }
        .draw()
    }

    fn panel(&self, index: usize) -> Panel {
        let mut palette = Palette::default();
        let series = self.families.iter().map(|family| {
            let points = family.points.iter().map(|point| point.at(index)).collect();
            let lines = if family.lines.is_empty() {
                Lines::None
            } else {
                Lines::Paths(family.lines.clone())
            };
            let style = palette.family(&family.name).sized(MarkerSize::Medium);
            Series::new(&family.name, style, points).joined(lines)
        });
        let series = series.collect();
        Panel::new(
            Axis::positive(&self.cost_titles[index]),
            Axis::percent(&self.accuracy_title),
            series,
        )
    }
}

impl FamilyPoint {
    fn at(&self, index: usize) -> Point {
        let point = Point::new(self.costs[index], self.accuracy);
        match &self.label {
            Some(label) => point.labelled(label),
            None => point.marked(PointMark::Minor),
        }
    }
}
