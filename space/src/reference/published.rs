//! Published figures of the references.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Published figures of a network at a width multiplier and resolution; a figure missing from the source is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedPoint {
    /// Width multiplier.
    pub width: f64,
    /// Side of the input image in pixels.
    pub resolution: u32,
    /// ImageNet top-1 accuracy in percent.
    pub top1: Option<f64>,
    /// ImageNet top-5 accuracy in percent.
    pub top5: Option<f64>,
    /// Multiply-adds in millions, as counted and rounded by the source.
    pub madds_m: Option<f64>,
    /// Parameters in millions, as counted and rounded by the source.
    pub params_m: Option<f64>,
    /// Measured latency on `device` in milliseconds.
    pub latency_ms: Option<f64>,
    /// Device on which `latency_ms` was measured.
    pub device: Option<String>,
    /// Document that states the figures, with an optional remark in brackets.
    pub source: String,
}

impl PublishedPoint {
    /// Document that states the figures: the source without its remark. Figures of one document are comparable.
    pub fn document(&self) -> &str {
        self.source
            .split_once(" (")
            .map_or(self.source.as_str(), |(document, _)| document)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    reference: String,
    width: f64,
    resolution: u32,
    top1: Option<f64>,
    top5: Option<f64>,
    madds_m: Option<f64>,
    params_m: Option<f64>,
    latency_ms: Option<f64>,
    device: Option<String>,
    source: String,
}

/// Parses the table; returns its rows by reference, in the order of the table.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, Vec<PublishedPoint>>, csv::Error> {
    let mut points: BTreeMap<String, Vec<PublishedPoint>> = BTreeMap::new();
    for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
        let row: Row = row?;
        points.entry(row.reference).or_default().push(PublishedPoint {
            width: row.width,
            resolution: row.resolution,
            top1: row.top1,
            top5: row.top5,
            madds_m: row.madds_m,
            params_m: row.params_m,
            latency_ms: row.latency_ms,
            device: row.device,
            source: row.source,
        });
    }
    Ok(points)
}
