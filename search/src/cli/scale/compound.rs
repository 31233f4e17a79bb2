//! Compound scaling fitted by predicted accuracy, beside EfficientNet's published constants.

use std::path::{Path, PathBuf};

use mnas_engine::files;
use mnas_engine::imagenet::{Recipe, published_networks};
use mnas_engine::scaling::{CompoundCandidate, CompoundFit, CompoundOptions, CompoundStep, fit_compound};
use mnas_figures::{
    Axis, AxisKind, Caption, Color, Lines, Marker, MarkerSize, Panel, Point, Series, SeriesStyle, XyFigure,
};
use mnas_space::{Architecture, ScalingRule};
use serde::Serialize;

use super::super::error::CliError;
use super::{KIND, ScaleArguments, predict, refusal, slug};
use crate::report::{Heading, Printer, ReportError, listing, to_csv_text, units, write_figure};

#[derive(Debug, Serialize)]
struct Document<'a> {
    name: &'a str,
    accuracy_kind: &'static str,
    best: Bases,
    published: Option<Bases>,
    family: Vec<Row>,
    published_family: Vec<Row>,
    folder: PathBuf,
}

/// Bases of compound scaling with what they gain.
#[derive(Debug, Serialize)]
struct Bases {
    alpha: f64,
    beta: f64,
    gamma: f64,
    /// Predicted points per doubling of multiply-adds.
    gain_per_doubling: f64,
}

impl From<&CompoundCandidate> for Bases {
    fn from(candidate: &CompoundCandidate) -> Self {
        Self {
            alpha: candidate.compound.depth,
            beta: candidate.compound.width,
            gamma: candidate.compound.resolution,
            gain_per_doubling: candidate.gain_per_doubling,
        }
    }
}

/// Member of a family in JSON and CSV.
#[derive(Debug, Serialize)]
struct Row {
    family: &'static str,
    name: String,
    width: f64,
    resolution: u32,
    depth: f64,
    params: u64,
    macs: u64,
    accuracy: Option<f64>,
    refused: Option<String>,
    architecture: String,
}

impl Row {
    fn of(family: &'static str, step: &CompoundStep) -> Self {
        Self {
            family,
            name: step.name.clone(),
            width: step.multipliers.width,
            resolution: step.architecture.resolution,
            depth: step.multipliers.depth,
            params: step.cost.params,
            macs: step.cost.macs,
            accuracy: step.accuracy.as_ref().ok().copied(),
            refused: step.accuracy.as_ref().err().cloned(),
            architecture: step.architecture.to_string(),
        }
    }
}

pub fn run(arguments: &ScaleArguments, (base, name): (&Architecture, &str), printer: &Printer) -> Result<(), CliError> {
    let rule = ScalingRule::named(arguments.rule.as_deref().unwrap_or("efficientnet"))
        .map_err(|error| CliError::usage(error.to_string()))?;
    let fit = fit_compound(base, &rule, &CompoundOptions::default(), &mut predict).map_err(|error| refusal(&error))?;
    let folder = arguments
        .out
        .clone()
        .unwrap_or_else(|| Path::new("results/scale").join(format!("{}-compound", slug(name))));
    for path in write_files(&folder, base, name, &fit)? {
        printer.status(&format!("wrote {}", path.display()));
    }
    if arguments.json {
        return Ok(printer.json(&Document {
            name,
            accuracy_kind: KIND,
            best: (&fit.best).into(),
            published: fit.published.as_ref().map(Bases::from),
            family: rows("fitted", &fit.family),
            published_family: rows("published", &fit.published_family),
            folder,
        })?);
    }
    Ok(printer.result(&text(name, &fit, printer.table_options().width))?)
}

fn rows(family: &'static str, steps: &[CompoundStep]) -> Vec<Row> {
    steps.iter().map(|step| Row::of(family, step)).collect()
}

/// Writes `compound.csv`, `compound.svg` and `compound.png`.
fn write_files(folder: &Path, base: &Architecture, name: &str, fit: &CompoundFit) -> Result<Vec<PathBuf>, CliError> {
    files::create_folder(folder)?;
    let csv = folder.join("compound.csv");
    let mut all = rows("fitted", &fit.family);
    all.extend(rows("published", &fit.published_family));
    files::write_atomically(&csv, to_csv_text(&all)?.as_bytes())?;
    let figure = figure(base, name, fit).draw().map_err(ReportError::from)?;
    let mut paths = vec![csv];
    paths.extend(write_figure(folder, "compound", &figure)?);
    Ok(paths)
}

fn text(name: &str, fit: &CompoundFit, width: Option<u16>) -> String {
    let bases = |candidate: &CompoundCandidate| {
        format!(
            "alpha (depth) {:.2}, beta (width) {:.2}, gamma (resolution) {:.2}: {:.2} predicted points per doubling of multiply-adds",
            candidate.compound.depth,
            candidate.compound.width,
            candidate.compound.resolution,
            candidate.gain_per_doubling
        )
    };
    let published = fit.published.as_ref().map_or_else(
        || "no comparison: a network scaled by them has no prediction".to_owned(),
        bases,
    );
    let headings = [
        Heading::text("family"),
        Heading::text("step"),
        Heading::number("depth").expendable(2),
        Heading::number("width").expendable(3),
        Heading::number("input"),
        Heading::number("params").expendable(1),
        Heading::number("MAdds"),
        Heading::number("predicted top-1"),
    ];
    let cells = |family: &str, step: &CompoundStep| {
        vec![
            family.to_owned(),
            step.name.clone(),
            format!("{:.2}", step.multipliers.depth),
            format!("{:.2}", step.multipliers.width),
            format!("{} px", step.architecture.resolution),
            units::count(step.cost.params),
            units::count(step.cost.macs),
            step.accuracy
                .as_ref()
                .map_or_else(|_| "out of range".to_owned(), |accuracy| format!("{accuracy:.1} %")),
        ]
    };
    let fitted = fit.family.iter().map(|step| cells("fitted, phi", step));
    let constants = fit.published_family.iter().map(|step| cells("published", step));
    let lines: Vec<Vec<String>> = fitted.chain(constants).collect();
    let refused = fit.family.iter().chain(&fit.published_family);
    let reason = refused.rev().find_map(|step| step.accuracy.as_ref().err());
    let reason = reason.map_or_else(String::new, |reason| format!("\nout of range: {reason}"));
    format!(
        "Compound scaling of {name} with alpha x beta^2 x gamma^2 = 2, by predicted ImageNet top-1\n\
         fitted, best of {}: {}\n\
         published (EfficientNet, arXiv:1905.11946): {published}\n\
         predicted as if trained {}; nothing was trained\n{}{reason}",
        fit.candidates.len(),
        bases(&fit.best),
        Recipe::default().description(),
        listing(&headings, &lines, width)
    )
}

/// Predicted accuracy of both families over multiply-adds, and EfficientNet's published accuracies if it is what is scaled.
fn figure(base: &Architecture, name: &str, fit: &CompoundFit) -> XyFigure {
    let points = |steps: &[CompoundStep]| {
        let point = |step: &CompoundStep| {
            let accuracy = step.accuracy.as_ref().ok()?;
            Some(Point::new(step.cost.macs as f64 / 1e6, *accuracy).labelled(step.name.to_uppercase()))
        };
        steps.iter().filter_map(point).collect::<Vec<Point>>()
    };
    let mut series = vec![
        Series::new("fitted bases, predicted", SeriesStyle::nth(0), points(&fit.family)).joined(Lines::InOrder),
        Series::new(
            "published constants, predicted",
            SeriesStyle::nth(1),
            points(&fit.published_family),
        )
        .joined(Lines::InOrder),
    ];
    let measured = published_points(base, fit);
    if !measured.is_empty() {
        let style = SeriesStyle::new(Color::BLACK, Marker::Cross).sized(MarkerSize::Medium);
        series.push(Series::new(
            "EfficientNet as published, without AutoAugment",
            style,
            measured,
        ));
    }
    let (best, published) = (&fit.best.compound, fit.published.as_ref());
    let caption = Caption {
        title: format!("Compound scaling of {name}"),
        subtitle: vec![
            format!(
                "fitted: alpha {:.2} (depth), beta {:.2} (width), gamma {:.2} (resolution); published: 1.2, 1.1, 1.15; numbers are the \
                 compound coefficient phi, or B0 to B7",
                best.depth, best.width, best.resolution
            ),
            format!(
                "ImageNet top-1 predicted as if trained {}; nothing was trained",
                Recipe::default().description()
            ),
        ],
        description: format!(
            "Predicted ImageNet top-1 over multiply-adds of two families scaled from {name}: {:.2} points per doubling with fitted \
             bases{}.",
            fit.best.gain_per_doubling,
            published.map_or_else(String::new, |published| format!(
                ", {:.2} with EfficientNet's",
                published.gain_per_doubling
            ))
        ),
    };
    let x = Axis::new("multiply-adds (million)", AxisKind::Positive);
    XyFigure::new(
        caption,
        vec![Panel::new(x, Axis::percent("ImageNet top-1 (%)"), series)],
    )
}

/// Published accuracies of the published family, with the recipe that predictions assume.
fn published_points(base: &Architecture, fit: &CompoundFit) -> Vec<Point> {
    let published = published_networks();
    let top1 = |network: &Architecture| {
        let mut matching = published
            .iter()
            .filter(|one| one.architecture == *network && one.recipe == Recipe::default());
        matching.next().map(|one| one.top1)
    };
    if top1(base).is_none() {
        return Vec::new();
    }
    let point = |step: &CompoundStep| Some(Point::new(step.cost.macs as f64 / 1e6, top1(&step.architecture)?));
    fit.published_family.iter().filter_map(point).collect()
}
