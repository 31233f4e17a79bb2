//! `predictions.csv`, `.svg` and `.png`: networks measured whole beside the predictions of the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mnas_figures::{Agreement, AgreementSeries, Caption};
use mnas_latency::{Comparison, TableHeader};
use serde::Serialize;

use super::super::device::measured_with;
use super::super::error::CliError;
use crate::report::{ReportError, to_csv_text, units, write_figure};
use mnas_engine::files;
use mnas_latency::workload::Purpose;

/// Separation of a comparison's networks from those that the table is calibrated with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Each was predicted by a calibration with the others.
    LeftOut,
    /// None took part in the calibration.
    Fresh,
}

/// Figures of a comparison, errors as shares.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub kind: Kind,
    pub networks: usize,
    pub mean_error: f64,
    pub within_10_percent: f64,
    pub spearman: Option<f64>,
    /// Share of the networks whose measurement lies in the prediction's interval.
    pub in_interval: f64,
    /// Mean difference between two halves of one measurement.
    pub noise: Option<f64>,
}

impl Figures {
    /// `None` without networks.
    pub fn of(comparison: &Comparison, kind: Kind) -> Option<Self> {
        Some(Self {
            kind,
            networks: comparison.networks.len(),
            mean_error: comparison.mean_error()?,
            within_10_percent: comparison.within(0.1)?,
            spearman: comparison.spearman(),
            in_interval: comparison.in_interval()?,
            noise: comparison.noise(),
        })
    }

    /// The figures as a sentence.
    pub fn line(&self) -> String {
        let percent = |share: f64| units::percent(100.0 * share);
        let judged = match self.kind {
            Kind::LeftOut => "each judged by a fit on the others",
            Kind::Fresh => "none of them used in the fit",
        };
        let mut line = format!(
            "whole networks: {} measured, {judged}: predicted within {} on average, {} of them within 10 %",
            self.networks,
            percent(self.mean_error),
            percent(self.within_10_percent),
        );
        if let Some(spearman) = self.spearman {
            let _ = write!(line, ", rank correlation {spearman:.4}");
        }
        if let Some(noise) = self.noise {
            let _ = write!(line, "; two halves of one measurement differ by {}", percent(noise));
        }
        line
    }
}

/// A row of the CSV file.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    kind: Kind,
    measured_ms: f64,
    predicted_ms: f64,
    low_ms: f64,
    high_ms: f64,
    error_percent: f64,
    coverage: f64,
    first_half_ms: Option<f64>,
    second_half_ms: Option<f64>,
    architecture: String,
}

/// Writes the three files into `folder` and returns their paths.
pub fn write(
    folder: &Path,
    comparison: &Comparison,
    figures: &Figures,
    purpose: Purpose<'_>,
    header: &TableHeader,
) -> Result<[PathBuf; 3], CliError> {
    let names = reference_names(purpose);
    let mut rows = Vec::new();
    let mut series: Vec<AgreementSeries> = Vec::new();
    for network in &comparison.networks {
        let (family, name) = match names.get(&network.architecture.to_string()) {
            Some((family, name)) => (Some(family.as_str()), name.clone()),
            None => (None, network.architecture.id().to_string()),
        };
        let (measured, predicted) = (network.measured.median_ms, network.predicted.latency.0);
        rows.push(Row {
            name,
            kind: figures.kind,
            measured_ms: rounded(measured),
            predicted_ms: rounded(predicted),
            low_ms: rounded(network.predicted.low.0),
            high_ms: rounded(network.predicted.high.0),
            error_percent: (1000.0 * network.error()).round() / 10.0,
            coverage: rounded(network.predicted.coverage),
            first_half_ms: network.halves.map(|(first, _)| rounded(first.0)),
            second_half_ms: network.halves.map(|(_, second)| rounded(second.0)),
            architecture: network.architecture.to_string(),
        });
        let kind = family.unwrap_or("networks of the space");
        let place = series.iter().position(|one| one.name == kind).unwrap_or_else(|| {
            series.push(AgreementSeries {
                name: kind.to_owned(),
                is_family: family.is_some(),
                points: Vec::new(),
            });
            series.len() - 1
        });
        series[place].points.push((measured, predicted));
    }
    // Families are drawn over the other networks.
    series.sort_by_key(|one| one.is_family);
    let agreement = Agreement {
        caption: Caption {
            title: format!("Predicted and measured latency on {}", header.device),
            subtitle: vec![
                format!("{}; space {}", measured_with(header), purpose.space.name),
                figures.line(),
                "the band is 10 % around the measurement".to_owned(),
            ],
            description: format!(
                "Predicted over measured latency, and the error of the prediction over measured latency; {}.",
                figures.line()
            ),
        },
        series,
    };
    let csv = folder.join("predictions.csv");
    files::write_atomically(&csv, to_csv_text(&rows)?.as_bytes())?;
    let [svg, png] = write_figure(folder, "predictions", &agreement.draw().map_err(ReportError::from)?)?;
    Ok([csv, svg, png])
}

/// Title and name of the space's references at their widths and resolutions, by architecture.
fn reference_names(purpose: Purpose<'_>) -> BTreeMap<String, (String, String)> {
    let mut names = BTreeMap::new();
    for points in &purpose.space.references {
        for point in points.all(purpose.classes, purpose.space.early_strides_removed) {
            let (name, width, resolution) = (point.reference.name(), point.width, point.resolution);
            let name = (point.reference.title.clone(), format!("{name} {width:?}x {resolution}"));
            names.insert(point.architecture.to_string(), name);
        }
    }
    names
}

/// A tenth of a microsecond is precise enough for this file.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
