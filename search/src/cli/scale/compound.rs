//! Compound scaling fitted by predicted or trained accuracy, beside EfficientNet's published constants.

use std::path::{Path, PathBuf};

use mnas_engine::files;
use mnas_engine::imagenet::{Recipe, published_networks};
use mnas_engine::scaling::{Accuracy, CompoundCandidate, CompoundFit, CompoundOptions, CompoundStep, fit_compound};
use mnas_figures::{
    Axis, AxisKind, Caption, Color, Lines, Marker, MarkerSize, Panel, Point, Series, SeriesStyle, XyFigure,
};
use mnas_space::{Architecture, ScalingRule};
use serde::Serialize;

use super::super::error::CliError;
use super::{Accuracies, ScaleArguments, refusal, slug};
use crate::report::{Heading, Printer, ReportError, listing, to_csv_text, units, write_figure};

#[derive(Debug, Serialize)]
struct Document<'a> {
    name: &'a str,
    accuracy_kind: &'static str,
    accuracy_origin: String,
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
    /// Points of accuracy per doubling of multiply-adds.
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
    let folder = arguments
        .out
        .clone()
        .unwrap_or_else(|| Path::new("results/scale").join(format!("{}-compound", slug(name))));
    let fitting = |options: &CompoundOptions, accuracy: &mut Accuracy<'_>| {
        fit_compound(base, &rule, options, accuracy).map_err(|error| refusal(&error))
    };
    let (accuracies, options) = if arguments.training.train.is_some() {
        let options = options_of_trainings();
        let networks = compared(base, |accuracy| fitting(&options, accuracy).map(|_| ()))?;
        (arguments.training.train(&networks, &folder, printer)?, options)
    } else {
        (Accuracies::Predicted, CompoundOptions::default())
    };
    let fitted = Fitted {
        name,
        fit: fitting(&options, &mut |network| accuracies.top1(network))?,
        accuracies,
    };
    for path in write_files(&folder, base, &fitted)? {
        printer.status(&format!("wrote {}", path.display()));
    }
    let Fitted { fit, accuracies, .. } = &fitted;
    if arguments.json {
        return Ok(printer.json(&Document {
            name,
            accuracy_kind: accuracies.kind(),
            accuracy_origin: accuracies.origin(),
            best: (&fit.best).into(),
            published: fit.published.as_ref().map(Bases::from),
            family: rows("fitted", &fit.family),
            published_family: rows("published", &fit.published_family),
            folder,
        })?);
    }
    Ok(printer.result(&text(&fitted, printer.table_options().width))?)
}

/// Settings whose networks can be trained: bases in coarse steps, compared at one doubling of multiply-adds, as the paper does.
fn options_of_trainings() -> CompoundOptions {
    CompoundOptions {
        coefficients: vec![1.0],
        step: 0.1,
        ..CompoundOptions::default()
    }
}

/// Largest network that is trained, in multiply-adds of the given one: a doubling, and room for the rounding of channels and depths.
const MOST_MACS: u64 = 3;

/// Networks that a fit compares; members of the families that are much larger are left out.
fn compared(
    base: &Architecture,
    fit: impl FnOnce(&mut Accuracy<'_>) -> Result<(), CliError>,
) -> Result<Vec<Architecture>, CliError> {
    let mut networks: Vec<Architecture> = Vec::new();
    let most = MOST_MACS * base.cost().macs;
    fit(&mut |network| {
        if network.cost().macs > most {
            return Err("not trained".to_owned());
        }
        if !networks.contains(network) {
            networks.push(network.clone());
        }
        Ok(0.0)
    })?;
    Ok(networks)
}

/// A fit with what it was made for.
struct Fitted<'a> {
    name: &'a str,
    fit: CompoundFit,
    accuracies: Accuracies,
}

fn rows(family: &'static str, steps: &[CompoundStep]) -> Vec<Row> {
    steps.iter().map(|step| Row::of(family, step)).collect()
}

/// Writes `compound.csv`, `compound.svg` and `compound.png`.
fn write_files(folder: &Path, base: &Architecture, fitted: &Fitted<'_>) -> Result<Vec<PathBuf>, CliError> {
    let fit = &fitted.fit;
    files::create_folder(folder)?;
    let csv = folder.join("compound.csv");
    let mut all = rows("fitted", &fit.family);
    all.extend(rows("published", &fit.published_family));
    files::write_atomically(&csv, to_csv_text(&all)?.as_bytes())?;
    let figure = figure(base, fitted).draw().map_err(ReportError::from)?;
    let mut paths = vec![csv];
    paths.extend(write_figure(folder, "compound", &figure)?);
    Ok(paths)
}

fn text(fitted: &Fitted<'_>, width: Option<u16>) -> String {
    let Fitted { name, fit, accuracies } = fitted;
    let adjective = accuracies.adjective();
    let bases = |candidate: &CompoundCandidate| {
        format!(
            "alpha (depth) {:.2}, beta (width) {:.2}, gamma (resolution) {:.2}: {:.2} {adjective} points per doubling of multiply-adds",
            candidate.compound.depth,
            candidate.compound.width,
            candidate.compound.resolution,
            candidate.gain_per_doubling
        )
    };
    let published = fit.published.as_ref().map_or_else(
        || format!("no comparison: a network scaled by them is {}", accuracies.absence()),
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
        Heading::number(accuracies.heading()),
    ];
    let (absent, has_reasons) = match accuracies {
        Accuracies::Predicted => ("out of range", true),
        Accuracies::Trained { .. } => ("not trained", false),
    };
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
                .map_or_else(|_| absent.to_owned(), |accuracy| format!("{accuracy:.1} %")),
        ]
    };
    let fitted = fit.family.iter().map(|step| cells("fitted, phi", step));
    let constants = fit.published_family.iter().map(|step| cells("published", step));
    let lines: Vec<Vec<String>> = fitted.chain(constants).collect();
    let refused = fit.family.iter().chain(&fit.published_family);
    let reason = refused
        .rev()
        .filter(|_| has_reasons)
        .find_map(|step| step.accuracy.as_ref().err());
    let reason = reason.map_or_else(String::new, |reason| format!("\n{absent}: {reason}"));
    format!(
        "Compound scaling of {name} with alpha x beta^2 x gamma^2 = 2, by {}\n\
         fitted, best of {}: {}\n\
         published (EfficientNet, arXiv:1905.11946): {published}\n\
         {}\n{}{reason}",
        accuracies.kind(),
        fit.candidates.len(),
        bases(&fit.best),
        accuracies.origin(),
        listing(&headings, &lines, width)
    )
}

/// Accuracy of both families over multiply-adds, and EfficientNet's published accuracies if it is what is scaled.
fn figure(base: &Architecture, fitted: &Fitted<'_>) -> XyFigure {
    let Fitted { name, fit, accuracies } = fitted;
    let adjective = accuracies.adjective();
    let points = |steps: &[CompoundStep]| {
        let point = |step: &CompoundStep| {
            let accuracy = step.accuracy.as_ref().ok()?;
            Some(Point::new(step.cost.macs as f64 / 1e6, *accuracy).labelled(step.name.to_uppercase()))
        };
        steps.iter().filter_map(point).collect::<Vec<Point>>()
    };
    let mut series = vec![
        Series::new(
            format!("fitted bases, {adjective}"),
            SeriesStyle::nth(0),
            points(&fit.family),
        )
        .joined(Lines::InOrder),
        Series::new(
            format!("published constants, {adjective}"),
            SeriesStyle::nth(1),
            points(&fit.published_family),
        )
        .joined(Lines::InOrder),
    ];
    let measured = match accuracies {
        Accuracies::Predicted => published_points(base, fit),
        Accuracies::Trained { .. } => Vec::new(),
    };
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
            accuracies.origin(),
        ],
        description: format!(
            "Accuracy ({}) over multiply-adds of two families scaled from {name}: {:.2} points per doubling with fitted \
             bases{}.",
            accuracies.kind(),
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
        vec![Panel::new(
            x,
            Axis::percent(format!("{} (%)", accuracies.kind())),
            series,
        )],
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
