//! `front.svg` and `front.png`: accuracy over latency with the front, the candidates, the references and the budget; and
//! [`PanelPlot`], families of networks over several costs side by side.
//!
//! Both files come from the same drawing code and an embedded font, so they look alike on every machine; equal rows and
//! spec give equal bytes of SVG.

mod agreement;
mod annotation;
mod axes;
mod canvas;
mod curve;
mod figure;
mod header;
mod legend;
mod panels;
mod picture;
mod scale;
mod scene;
mod style;

use std::path::{Path, PathBuf};

use super::ReportError;
use super::point::ReportRow;
pub use agreement::{Agreement, AgreementSeries};
use canvas::{HEIGHT, Surface};
pub use curve::{Curve, CurvePoint};
pub use panels::{Panel, PanelPlot, Series, SeriesPoint};
use picture::Picture;

/// What a plot says beside its points.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotSpec {
    /// Headline: the study's name.
    pub title: String,
    /// Lines below it, each wrapped to the width: device, runtime and threads; data set; what the proxy was.
    pub subtitle: Vec<String>,
    /// The latency budget in milliseconds, if the study has one.
    pub budget_ms: Option<f64>,
    /// Title of the vertical axis, unit included; by default `top-1 accuracy (%)`.
    pub accuracy_title: String,
    /// Title of the horizontal axis, unit included; by default `predicted latency (ms)`.
    pub latency_title: String,
}

impl PlotSpec {
    /// A spec with this title, no subtitle, no budget and the default axis titles.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: Vec::new(),
            budget_ms: None,
            accuracy_title: "top-1 accuracy (%)".to_owned(),
            latency_title: "predicted latency (ms)".to_owned(),
        }
    }
}

/// The figure of a study.
struct Front<'a> {
    rows: &'a [ReportRow],
    spec: &'a PlotSpec,
}

impl Picture for Front<'_> {
    fn title(&self) -> &str {
        &self.spec.title
    }

    fn height(&self) -> u32 {
        HEIGHT
    }

    fn paint<Backend: Surface>(&self, backend: &mut Backend) -> Result<Vec<f64>, ReportError> {
        figure::draw(backend, self.rows, self.spec)
    }
}

/// The plot as an SVG document, shown at 1600 x 1000 pixels; text stays text.
///
/// Reads `on_front` and `within_budget` of the rows: call [`mark_front`](super::mark_front) first.
pub fn render_svg(rows: &[ReportRow], spec: &PlotSpec) -> Result<String, ReportError> {
    picture::to_svg(&Front { rows, spec })
}

/// The plot as a PNG file of 1600 x 1000 pixels.
///
/// Reads `on_front` and `within_budget` of the rows: call [`mark_front`](super::mark_front) first.
pub fn render_png(rows: &[ReportRow], spec: &PlotSpec) -> Result<Vec<u8>, ReportError> {
    picture::to_png(&Front { rows, spec })
}

/// Writes `front.svg` and `front.png` into `folder` and returns their paths; each replaces its predecessor in one step.
pub fn write_plots(folder: &Path, rows: &[ReportRow], spec: &PlotSpec) -> Result<[PathBuf; 2], ReportError> {
    picture::write(&Front { rows, spec }, folder, "front")
}

#[cfg(test)]
mod tests;
