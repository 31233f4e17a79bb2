//! `mnas refs --plot`: published accuracies over latency on a device, multiply-adds and parameters.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use mnas_figures::{Caption, Family, FamilyFigure, FamilyPoint};
use mnas_latency::{LatencyError, LatencyTable, Predictor, ProfileEvent, ProfileOptions, RuntimeKind, profile};
use mnas_space::{Architecture, Reference};
use serde::Serialize;

use super::super::cancel_flag;
use super::super::device::{OpenDevice, TableArguments, measured_with};
use super::super::error::CliError;
use super::super::profile::ProfileProgress;
use crate::predicted::{PublishedNetwork, family_lines};
use crate::report::{Printer, ReportError, to_csv_text, write_figure};
use mnas_engine::files;

/// The families of the figure: title, and the references in it.
const FAMILIES: [(&str, &[&str]); 6] = [
    ("MobileNetV1", &["mobilenet-v1"]),
    ("MobileNetV2", &["mobilenet-v2"]),
    ("MobileNetV3-Large", &["mobilenet-v3-large"]),
    ("MobileNetV3-Small", &["mobilenet-v3-small"]),
    ("MnasNet-A1", &["mnasnet-a1"]),
    (
        "EfficientNet",
        &[
            "efficientnet-b0",
            "efficientnet-b1",
            "efficientnet-b2",
            "efficientnet-b3",
            "efficientnet-b4",
        ],
    ),
];

/// A network in the figure, and a row of its CSV file.
#[derive(Debug, Serialize)]
struct Row {
    reference: String,
    family: &'static str,
    width: f64,
    resolution_px: u32,
    top1_percent: f64,
    params: u64,
    macs: u64,
    latency_ms: f64,
    /// Ends of the prediction's interval; absent where the latency was measured.
    low_ms: Option<f64>,
    high_ms: Option<f64>,
    /// Share of the layers that the table has; absent where the latency was measured.
    coverage: Option<f64>,
    latency: &'static str,
    source: String,
}

/// A published network that is going to be drawn, with the title of its family.
struct Point {
    family: &'static str,
    published: PublishedNetwork,
}

/// Options of the figure.
#[derive(Debug, Args)]
pub struct PlotArguments {
    /// Draw the published ImageNet accuracy of the MobileNet, MnasNet and EfficientNet families over latency, multiply-adds and
    /// parameters: SVG, PNG and CSV
    #[arg(long, conflicts_with_all = ["csv", "name"])]
    pub plot: bool,
    /// With --plot: the device, by name or TOML file [without a name: host]
    #[arg(long, num_args = 0..=1, default_value = "host", default_missing_value = "host", requires = "plot")]
    device: String,
    /// With --plot: measure the networks whole instead of predicting them; takes about a minute
    #[arg(long, requires = "plot")]
    measure: bool,
    /// With --plot: the folder of the files [default: results/references/DEVICE]
    #[arg(long, value_name = "DIR", requires = "plot")]
    out: Option<PathBuf>,
    #[command(flatten)]
    tables: TableArguments,
}

pub fn run(request: &PlotArguments, json: bool, printer: &Printer) -> Result<(), CliError> {
    let points = points()?;
    let mut opened = OpenDevice::open(&request.device, &request.tables.tables)?;
    let table = table(request, &mut opened, &points, printer)?;
    let rows = rows(&points, &table, request.measure)?;
    let measured = rows.iter().filter(|row| row.low_ms.is_none()).count();
    let figure = figure(&points, &rows, &opened, subtitle(&table, &rows, measured)?);
    let folder = match &request.out {
        Some(folder) => folder.clone(),
        None => PathBuf::from("results/references").join(opened.device.folder_name()),
    };
    files::create_folder(&folder)?;
    let csv = folder.join("references.csv");
    let text = to_csv_text(&rows)?;
    files::write_atomically(&csv, text.as_bytes())?;
    let [svg, png] = write_figure(&folder, "references", &figure.draw().map_err(ReportError::from)?)?;
    for path in [&svg, &png, &csv] {
        printer.status(&format!("wrote {}", path.display()));
    }
    if json {
        return Ok(printer.json(&rows)?);
    }
    Ok(printer.result(&format!(
        "{} published networks of {} families on {}: {measured} measured, {} predicted; {}",
        rows.len(),
        FAMILIES.len(),
        opened.device.name,
        rows.len() - measured,
        svg.display()
    ))?)
}

/// The points of all families: of each family those of the document that has most of them, each with the figure that was
/// published first.
fn points() -> Result<Vec<Point>, CliError> {
    let mut points = Vec::new();
    for (family, names) in FAMILIES {
        for name in names {
            let networks = PublishedNetwork::of(Reference::named(name)?)?;
            points.extend(networks.into_iter().map(|published| Point { family, published }));
        }
    }
    Ok(points)
}

/// The device's table, with the networks measured if `--measure` is given.
fn table(
    request: &PlotArguments,
    opened: &mut OpenDevice,
    points: &[Point],
    printer: &Printer,
) -> Result<LatencyTable, CliError> {
    let options = ProfileOptions::quick();
    if !request.measure {
        let is_published = opened.device.runtime == RuntimeKind::Published;
        if !is_published && !LatencyTable::exists(&opened.folder) {
            let (folder, device) = (opened.folder.clone(), opened.device.name.clone());
            return Err(CliError::from(LatencyError::TableMissing { folder, device })
                .with_help("or measure the networks themselves: add --measure"));
        }
        return opened.table(&options.measure);
    }
    opened.measurable()?;
    let cancel = cancel_flag()?;
    let mut table = opened.table(&options.measure)?;
    let networks: Vec<Architecture> = points
        .iter()
        .map(|point| point.published.architecture.clone())
        .collect();
    // One bar for all groups; only the warnings of a group are shown beside it.
    let mut warnings = ProfileProgress::new(printer);
    let bar = printer.progress("measuring networks", networks.len() as u64);
    bar.set(
        networks
            .iter()
            .filter(|network| table.network(network).is_some())
            .count() as u64,
    );
    // In small groups, so that little is lost when it is interrupted.
    for group in networks.chunks(8) {
        profile(
            opened.runtime.as_mut(),
            &mut table,
            [],
            group,
            &options,
            &cancel,
            &mut |event| match event {
                ProfileEvent::Network { .. } => bar.add(1),
                ProfileEvent::Warned(_) | ProfileEvent::Refused(_) => warnings.on_event(&event),
                _ => {}
            },
        )?;
        if cancel.load(Ordering::Relaxed) {
            return Err(CliError::interrupted(format!(
                "interrupted; the networks measured so far are in {}, the same command continues from there",
                opened.folder.display()
            )));
        }
    }
    bar.finish(&format!("{} networks", networks.len()));
    Ok(table)
}

fn rows(points: &[Point], table: &LatencyTable, measured: bool) -> Result<Vec<Row>, CliError> {
    let mut predictor = None;
    let mut rows = Vec::new();
    for point in points {
        let cost = point.published.architecture.cost();
        let mut row = Row {
            reference: point.published.reference.name().to_owned(),
            family: point.family,
            width: point.published.width,
            resolution_px: point.published.resolution,
            top1_percent: point.published.top1,
            params: cost.params,
            macs: cost.macs,
            latency_ms: 0.0,
            low_ms: None,
            high_ms: None,
            coverage: None,
            latency: "measured",
            source: point.published.source.to_owned(),
        };
        if let Some(measurement) = table.network(&point.published.architecture).filter(|_| measured) {
            row.latency_ms = rounded(measurement.median_ms);
        } else {
            let predictor = match &predictor {
                Some(predictor) => predictor,
                None => predictor.insert(Predictor::fit(table)?),
            };
            let prediction = predictor.estimate(&point.published.architecture);
            row.latency_ms = rounded(prediction.latency.0);
            row.low_ms = Some(rounded(prediction.low.0));
            row.high_ms = Some(rounded(prediction.high.0));
            row.coverage = Some(rounded(prediction.coverage));
            row.latency = "predicted";
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Microseconds are precise enough for this file.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Source of the latencies and key to the figure.
fn subtitle(table: &LatencyTable, rows: &[Row], measured: usize) -> Result<Vec<String>, CliError> {
    let header = table.header();
    let mut latency = format!("{}: {}; ", header.device, measured_with(header));
    if measured == rows.len() {
        latency += "every network measured whole";
    } else {
        let error = Predictor::fit(table)?.calibration().held_out_mean_error;
        latency += match measured {
            0 => "latencies predicted from its table".to_owned(),
            measured => format!("{measured} latencies measured, the others predicted from its table"),
        }
        .as_str();
        if let Some(error) = error {
            let _ = write!(latency, ", {:.1} % off on average on networks held out", 100.0 * error);
        }
    }
    let mut lines = vec![latency];
    lines.extend(
        header
            .published
            .as_ref()
            .map(|publication| format!("from {}", publication.note)),
    );
    lines.push("numbers are width multipliers, at the largest resolution; lines join a width's resolutions (small markers), in MobileNetV3 the widths, in EfficientNet B0 to B4".to_owned());
    Ok(lines)
}

fn figure(points: &[Point], rows: &[Row], opened: &OpenDevice, subtitle: Vec<String>) -> FamilyFigure {
    let device = &opened.device.name;
    let measured = rows.iter().all(|row| row.low_ms.is_none());
    let titles = [
        format!(
            "{} latency on {device} (ms)",
            if measured { "measured" } else { "predicted" }
        ),
        "multiply-adds (million)".to_owned(),
        "parameters (million)".to_owned(),
    ];
    let families = FAMILIES.map(|(family, _)| family).join(", ");
    FamilyFigure {
        caption: Caption {
            title: format!("Published ImageNet accuracy of mobile networks, and what they cost on {device}"),
            subtitle,
            description: format!(
                "ImageNet top-1 accuracy of {} published networks ({families}) in three panels over {}.",
                rows.len(),
                titles.join(", ")
            ),
        },
        accuracy_title: "ImageNet top-1 as published (%)".to_owned(),
        cost_titles: titles.into(),
        families: FAMILIES
            .iter()
            .map(|(family, _)| family_of(family, points, rows))
            .collect(),
    }
}

fn family_of(family: &str, points: &[Point], rows: &[Row]) -> Family {
    let mut members: Vec<(&Point, &Row)> = points
        .iter()
        .zip(rows)
        .filter(|(point, _)| point.family == family)
        .collect();
    members.sort_by_key(|(point, row)| (point.published.reference.name(), row.macs));
    let widths: Vec<f64> = members.iter().map(|(point, _)| point.published.width).collect();
    let (lines, labelled) = family_lines(&widths);
    let point = |(index, (point, row)): (usize, &(&Point, &Row))| FamilyPoint {
        costs: vec![row.latency_ms, row.macs as f64 / 1e6, row.params as f64 / 1e6],
        accuracy: row.top1_percent,
        label: labelled[index].then(|| label(point)),
    };
    Family {
        name: family.to_owned(),
        points: members.iter().enumerate().map(point).collect(),
        lines,
    }
}

/// `0.75`, or another property that distinguishes the networks of a family.
fn label(point: &Point) -> String {
    match point.published.reference.name().strip_prefix("efficientnet-") {
        Some(name) => name.to_uppercase(),
        None => format!("{:?}", point.published.width),
    }
}
