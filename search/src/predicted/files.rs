//! Files of a predicted front: CSV, pictures, and the best network.

use std::path::{Path, PathBuf};

use mnas_engine::files::{create_folder, write_atomically};
use serde::Serialize;

use super::figure::figure;
use super::outcome::{PredictedOutcome, Reference};
use crate::report::{ReportError, to_csv_text, write_figure};
use mnas_engine::imagenet::PredictedMember;

/// Member of the front as a row of `front.csv`.
#[derive(Debug, Serialize)]
struct MemberRow {
    id: String,
    predicted_top1: f64,
    predicted_low: f64,
    predicted_high: f64,
    distance: f64,
    latency_ms: Option<f64>,
    latency_low_ms: Option<f64>,
    latency_high_ms: Option<f64>,
    coverage: Option<f64>,
    params: u64,
    macs: u64,
    peak_activation_bytes: u64,
    resolution_px: u32,
    architecture: String,
}

/// Published network as a row of `references.csv`.
#[derive(Debug, Serialize)]
struct ReferenceRow {
    reference: String,
    width: f64,
    resolution_px: u32,
    published_top1: f64,
    predicted_top1: Option<f64>,
    predicted_low: Option<f64>,
    predicted_high: Option<f64>,
    latency_ms: f64,
    params: u64,
    macs: u64,
    within_budget: bool,
    dominated: bool,
    surely_dominated: bool,
    points: Option<f64>,
    predicted_points: Option<f64>,
    ms: Option<f64>,
    source: String,
}

/// Writes `front.csv`, `references.csv`, `front.svg` and `front.png` into `folder` and returns their paths.
pub fn write_files(folder: &Path, outcome: &PredictedOutcome) -> Result<Vec<PathBuf>, ReportError> {
    let mut paths = write_tables(folder, outcome)?;
    paths.extend(write_figure(folder, "front", &figure(outcome).draw()?)?);
    Ok(paths)
}

fn write_tables(folder: &Path, outcome: &PredictedOutcome) -> Result<Vec<PathBuf>, ReportError> {
    create_folder(folder)?;
    let members: Vec<MemberRow> = outcome.front.members.iter().map(member_row).collect();
    let references: Vec<ReferenceRow> = outcome.references.iter().map(reference_row).collect();
    let mut paths = Vec::new();
    for (name, text) in [
        ("front.csv", to_csv_text(&members)?),
        ("references.csv", to_csv_text(&references)?),
    ] {
        let path = folder.join(name);
        write_atomically(&path, text.as_bytes())?;
        paths.push(path);
    }
    Ok(paths)
}

fn member_row(member: &PredictedMember) -> MemberRow {
    let (predicted, proposal) = (&member.predicted, &member.proposal);
    let latency = proposal.costs.latency.first();
    MemberRow {
        id: proposal.architecture.id().to_string(),
        predicted_top1: rounded(predicted.top1),
        predicted_low: rounded(predicted.low),
        predicted_high: rounded(predicted.high),
        distance: rounded(predicted.distance),
        latency_ms: latency.map(|latency| rounded(latency.latency.0)),
        latency_low_ms: latency.map(|latency| rounded(latency.low.0)),
        latency_high_ms: latency.map(|latency| rounded(latency.high.0)),
        coverage: latency.map(|latency| rounded(latency.coverage)),
        params: proposal.costs.params,
        macs: proposal.costs.macs,
        peak_activation_bytes: proposal.costs.peak_activation_bytes,
        resolution_px: proposal.architecture.resolution,
        architecture: proposal.architecture.to_string(),
    }
}

fn reference_row(reference: &Reference) -> ReferenceRow {
    let predicted = reference.predicted.as_ref().ok();
    ReferenceRow {
        reference: reference.network.reference.name().to_owned(),
        width: reference.network.width,
        resolution_px: reference.network.resolution,
        published_top1: reference.network.top1,
        predicted_top1: predicted.map(|predicted| rounded(predicted.top1)),
        predicted_low: predicted.map(|predicted| rounded(predicted.low)),
        predicted_high: predicted.map(|predicted| rounded(predicted.high)),
        latency_ms: rounded(reference.latency_ms()),
        params: reference.costs.params,
        macs: reference.costs.macs,
        within_budget: reference.within_budget,
        dominated: reference.dominated,
        surely_dominated: reference.surely_dominated,
        points: reference.points.map(rounded),
        predicted_points: reference.predicted_points.map(rounded),
        ms: reference.ms.map(rounded),
        source: reference.network.source.to_owned(),
    }
}

/// Three decimals are enough for predictions, and readable.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
