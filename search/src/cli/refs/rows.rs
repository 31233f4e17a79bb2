//! Facts about a reference: exact counts, and published figures at each width and resolution.

use std::collections::HashMap;

use mnas_space::{Cost, PublishedPoint, Reference, ReferenceError};
use serde::Serialize;

/// A reference at its native width and resolution, and all that was published of it.
#[derive(Debug, Serialize)]
pub struct Row {
    pub name: String,
    pub title: String,
    pub paper: String,
    /// Native width multiplier.
    pub width: f64,
    /// Native input side in pixels.
    pub resolution: u32,
    pub params: u64,
    pub macs: u64,
    pub imagenet_top1: Option<f64>,
    pub latencies: Vec<Latency>,
    pub widths: Vec<f64>,
    pub resolutions: Vec<u32>,
    /// Sources of the published figures at native width and resolution, the authors' first.
    pub source: Option<String>,
    pub published: Vec<Point>,
}

/// A published latency at native width and resolution.
#[derive(Debug, Serialize)]
pub struct Latency {
    pub latency_ms: f64,
    pub device: Option<String>,
}

/// Figures that one source published at a width and resolution, beside our counts.
#[derive(Debug, Default, Serialize)]
pub struct Point {
    pub width: f64,
    pub resolution: u32,
    pub params: u64,
    pub macs: u64,
    pub published_params_millions: Option<f64>,
    pub published_macs_millions: Option<f64>,
    pub top1: Option<f64>,
    pub top5: Option<f64>,
    pub latency_ms: Option<f64>,
    pub device: Option<String>,
    pub source: Option<String>,
}

/// A [`Point`] as a row of CSV.
#[derive(Debug, Serialize)]
pub struct CsvRow {
    reference: String,
    title: String,
    width: f64,
    resolution_px: u32,
    params: u64,
    macs: u64,
    published_params_millions: Option<f64>,
    published_macs_millions: Option<f64>,
    top1_percent: Option<f64>,
    top5_percent: Option<f64>,
    latency_ms: Option<f64>,
    device: Option<String>,
    source: Option<String>,
}

impl Row {
    /// Counts the costs of a reference and collects its published figures.
    pub fn of(reference: &Reference) -> Result<Self, ReferenceError> {
        let (width, resolution) = (native_width(reference), reference.native_resolution());
        let mut counts = Counts::new(reference);
        let cost = counts.at(width, resolution)?;
        let mut published = Vec::new();
        for point in &reference.published {
            published.push(Point::of(point, counts.at(point.width, point.resolution)?));
        }
        let latencies = reference.published_at(width, resolution).filter_map(|point| {
            Some(Latency {
                latency_ms: point.latency_ms?,
                device: point.device.clone(),
            })
        });
        Ok(Self {
            name: reference.name().to_owned(),
            title: reference.title.clone(),
            paper: reference.paper.clone(),
            width,
            resolution,
            params: cost.params,
            macs: cost.macs,
            imagenet_top1: reference.imagenet_top1(width, resolution),
            latencies: latencies.collect(),
            widths: reference.widths().to_vec(),
            resolutions: reference.resolutions().to_vec(),
            source: reference
                .published_at(width, resolution)
                .next()
                .map(|point| point.source.clone()),
            published,
        })
    }
}

impl Point {
    fn of(point: &PublishedPoint, cost: Cost) -> Self {
        Self {
            width: point.width,
            resolution: point.resolution,
            params: cost.params,
            macs: cost.macs,
            published_params_millions: point.params_m,
            published_macs_millions: point.madds_m,
            top1: point.top1,
            top5: point.top5,
            latency_ms: point.latency_ms,
            device: point.device.clone(),
            source: Some(point.source.clone()),
        }
    }
}

/// Costs of a reference, each width and resolution counted once.
struct Counts<'a> {
    reference: &'a Reference,
    known: HashMap<(u64, u32), Cost>,
}

impl<'a> Counts<'a> {
    fn new(reference: &'a Reference) -> Self {
        Self {
            reference,
            known: HashMap::new(),
        }
    }

    fn at(&mut self, width: f64, resolution: u32) -> Result<Cost, ReferenceError> {
        let key = (width.to_bits(), resolution);
        if let Some(cost) = self.known.get(&key) {
            return Ok(*cost);
        }
        let cost = self.reference.architecture(width, resolution, 1000)?.cost();
        self.known.insert(key, cost);
        Ok(cost)
    }
}

/// The width multiplier that a reference is known by: 1 where it was published with that, otherwise the first.
fn native_width(reference: &Reference) -> f64 {
    let widths = reference.widths();
    let one = widths.iter().find(|width| (**width - 1.0).abs() < 1e-9);
    one.or(widths.first()).copied().unwrap_or(1.0)
}

/// One row for each published point; a single row without published figures where nothing was published.
pub fn csv_rows(rows: &[Row]) -> Vec<CsvRow> {
    rows.iter().flat_map(Row::csv_rows).collect()
}

impl Row {
    fn csv_rows(&self) -> Vec<CsvRow> {
        if self.published.is_empty() {
            let unpublished = Point {
                width: self.width,
                resolution: self.resolution,
                params: self.params,
                macs: self.macs,
                ..Point::default()
            };
            return vec![self.csv_row(&unpublished)];
        }
        self.published.iter().map(|point| self.csv_row(point)).collect()
    }

    fn csv_row(&self, point: &Point) -> CsvRow {
        CsvRow {
            reference: self.name.clone(),
            title: self.title.clone(),
            width: point.width,
            resolution_px: point.resolution,
            params: point.params,
            macs: point.macs,
            published_params_millions: point.published_params_millions,
            published_macs_millions: point.published_macs_millions,
            top1_percent: point.top1,
            top5_percent: point.top5,
            latency_ms: point.latency_ms,
            device: point.device.clone(),
            source: point.source.clone(),
        }
    }
}
