//! Widths, depths and resolutions under a budget.

use std::path::{Path, PathBuf};

use mnas_engine::files;
use mnas_engine::scaling::{Accuracy, ScaledGrid, ScaledRow, ScalingGrid, scale_under_budget};
use mnas_figures::{Caption, HeatCell, HeatMap};
use mnas_latency::Milliseconds;
use mnas_space::{Architecture, ScalingRule};
use serde::Serialize;

use super::super::error::CliError;
use super::training::TrainedSizes;
use super::{Accuracies, ScaleArguments, open_device, refusal, slug};
use crate::export;
use crate::report::{Heading, Printer, ReportError, listing, to_csv_text, units, write_figure};

/// Rows of the table.
const SHOWN: usize = 10;

/// A scaled network in JSON and CSV.
#[derive(Debug, Clone, Serialize)]
struct Row {
    width: f64,
    resolution: u32,
    depth: f64,
    latency_ms: f64,
    params: u64,
    macs: u64,
    /// Top-1 in percent, of the document's kind; absent over the budget and where nothing is predicted or trained.
    accuracy: Option<f64>,
    accuracy_low: Option<f64>,
    accuracy_high: Option<f64>,
    within_budget: bool,
    architecture: String,
}

#[derive(Debug, Serialize)]
struct Document<'a> {
    name: &'a str,
    device: &'a str,
    budget_ms: f64,
    rule: &'a str,
    accuracy_kind: &'static str,
    /// Recipe and data, or the assumptions of predictions.
    accuracy_origin: String,
    rows: &'a [Row],
    best: &'a Row,
    impossible: usize,
    folder: PathBuf,
}

/// A grid with what it was made for.
struct Scaled<'a> {
    name: &'a str,
    device: String,
    budget: Milliseconds,
    rule: &'a ScalingRule,
    accuracies: Accuracies,
    grid: ScaledGrid,
    rows: Vec<Row>,
}

pub fn run(
    arguments: &ScaleArguments,
    (base, name): (&Architecture, &str),
    budget: Milliseconds,
    printer: &Printer,
) -> Result<(), CliError> {
    let rule = ScalingRule::named(arguments.rule.as_deref().unwrap_or("width"))
        .map_err(|error| CliError::usage(error.to_string()))?;
    let (opened, model) = open_device(arguments)?;
    let folder = arguments.out.clone().unwrap_or_else(|| {
        let name = format!("{}-{}-{}ms", slug(name), slug(&opened.device.name), budget.0);
        Path::new("results/scale").join(name)
    });
    let sizes = sizes(arguments, base);
    let scale = |accuracy: &mut Accuracy<'_>| {
        scale_under_budget(base, &rule, &sizes, (&model, budget), accuracy).map_err(|error| refusal(&error))
    };
    let accuracies = match arguments.training.train {
        None => Accuracies::Predicted,
        Some(selection) => {
            let networks = to_train(&scale(&mut |_| Ok(0.0))?, selection, base);
            arguments.training.train(&networks, &folder, printer)?
        }
    };
    let grid = scale(&mut |network| accuracies.top1(network))?;
    let scaled = Scaled {
        name,
        device: opened.device.name,
        budget,
        rule: &rule,
        rows: grid.rows.iter().map(|scaled| row(scaled, &accuracies)).collect(),
        accuracies,
        grid,
    };
    for path in write_files(&folder, &scaled)? {
        printer.status(&format!("wrote {}", path.display()));
    }
    if arguments.json {
        return Ok(printer.json(&Document {
            name,
            device: &scaled.device,
            budget_ms: budget.0,
            rule: &rule.name,
            accuracy_kind: scaled.accuracies.kind(),
            accuracy_origin: scaled.accuracies.origin(),
            rows: &scaled.rows,
            best: &scaled.rows[scaled.grid.best],
            impossible: scaled.grid.impossible,
            folder,
        })?);
    }
    Ok(printer.result(&text(&scaled, base, printer.table_options().width))?)
}

/// Networks within the budget that are to be trained, and the network as it was given.
fn to_train(grid: &ScaledGrid, selection: TrainedSizes, base: &Architecture) -> Vec<Architecture> {
    let within: Vec<&ScaledRow> = grid.rows.iter().filter(|row| row.within_budget).collect();
    let exceeds = |other: &ScaledRow, row: &ScaledRow| {
        let is_as_large = other.width >= row.width && other.depth >= row.depth && other.resolution >= row.resolution;
        let is_same = other.width <= row.width && other.depth <= row.depth && other.resolution <= row.resolution;
        is_as_large && !is_same
    };
    let is_chosen = |row: &ScaledRow| match selection {
        TrainedSizes::All => true,
        TrainedSizes::Largest => row.architecture == *base || !within.iter().any(|other| exceeds(other, row)),
    };
    let chosen = within.iter().filter(|row| is_chosen(row));
    chosen.map(|row| row.architecture.clone()).collect()
}

/// The sizes to combine: those asked for, else published ones with steps between them; around the network's own side where
/// networks are trained, as images may be small.
fn sizes(arguments: &ScaleArguments, base: &Architecture) -> ScalingGrid {
    let mut default = ScalingGrid::default();
    if arguments.training.train.is_some() {
        default.resolutions = around(base.resolution);
    }
    let given = |given: &[f64], default: Vec<f64>| if given.is_empty() { default } else { sorted(given) };
    let mut resolutions = arguments.resolutions.clone();
    resolutions.sort_unstable();
    resolutions.dedup();
    ScalingGrid {
        widths: given(&arguments.widths, default.widths),
        depths: given(&arguments.depths, default.depths),
        resolutions: if resolutions.is_empty() {
            default.resolutions
        } else {
            resolutions
        },
    }
}

/// Half to one and a half times `side` in quarters of it, in whole multiples of 8 pixels.
fn around(side: u32) -> Vec<u32> {
    let mut sides: Vec<u32> = (2..=6).map(|quarters| (side * quarters / 4 + 4) / 8 * 8).collect();
    sides.push(side);
    sides.sort_unstable();
    sides.dedup();
    sides.retain(|side| *side > 0);
    sides
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

fn row(scaled: &ScaledRow, accuracies: &Accuracies) -> Row {
    let estimate = scaled
        .accuracy
        .and_then(|_| accuracies.estimate(&scaled.architecture).ok());
    Row {
        width: scaled.width,
        resolution: scaled.resolution,
        depth: scaled.depth,
        latency_ms: scaled.latency().0,
        params: scaled.costs.params,
        macs: scaled.costs.macs,
        accuracy: scaled.accuracy,
        accuracy_low: estimate.map(|estimate| estimate.low),
        accuracy_high: estimate.map(|estimate| estimate.high),
        within_budget: scaled.within_budget,
        architecture: scaled.architecture.to_string(),
    }
}

/// Writes `scale.csv`, `scale.svg`, `scale.png` and `best/architecture.toml`.
fn write_files(folder: &Path, scaled: &Scaled<'_>) -> Result<Vec<PathBuf>, CliError> {
    files::create_folder(folder)?;
    let csv = folder.join("scale.csv");
    files::write_atomically(&csv, to_csv_text(&scaled.rows)?.as_bytes())?;
    let mut paths = vec![csv];
    let figure = figure(scaled).draw().map_err(ReportError::from)?;
    paths.extend(write_figure(folder, "scale", &figure)?);
    let best = folder.join("best").join("architecture.toml");
    export::export_architecture(&scaled.grid.rows[scaled.grid.best].architecture, &best)?;
    paths.push(best);
    Ok(paths)
}

fn text(scaled: &Scaled<'_>, base: &Architecture, width: Option<u16>) -> String {
    let headings = [
        Heading::number(scaled.accuracies.heading()),
        Heading::number("90 % interval").expendable(1),
        Heading::number("width"),
        Heading::number("depth").expendable(2),
        Heading::number("input"),
        Heading::number("latency"),
        Heading::number("params").expendable(4),
        Heading::number("MAdds").expendable(3),
    ];
    let mut ranked: Vec<&Row> = scaled.rows.iter().filter(|row| row.accuracy.is_some()).collect();
    ranked.sort_by(|one, other| {
        let accuracy = |row: &Row| row.accuracy.unwrap_or(0.0);
        let by_accuracy = accuracy(other).total_cmp(&accuracy(one));
        by_accuracy.then(one.latency_ms.total_cmp(&other.latency_ms))
    });
    let counts = Counts::of(&scaled.rows);
    let shown: Vec<Vec<String>> = ranked.iter().take(SHOWN).map(|row| cells(row)).collect();
    let best = &scaled.rows[scaled.grid.best];
    let adjective = scaled.accuracies.adjective();
    format!(
        "{} scaled by rule {} under {} on {}: {} sizes, {} within the budget, {} of them {}\n\
         {}\n{}\n\
         {}\nbest: width {}, depth {}, {} px: {adjective} {} at {}\n{}",
        scaled.name,
        scaled.rule.name,
        scaled.budget,
        scaled.device,
        scaled.rows.len(),
        counts.within,
        counts.with_accuracy,
        adjective,
        scaled.accuracies.origin(),
        listing(&headings, &shown, width),
        unscaled(scaled, base),
        best.width,
        best.depth,
        best.resolution,
        best.accuracy.map_or_else(String::new, percent),
        units::milliseconds(best.latency_ms),
        best.architecture,
    )
}

/// Numbers of rows by what is known of them.
struct Counts {
    within: usize,
    with_accuracy: usize,
}

impl Counts {
    fn of(rows: &[Row]) -> Self {
        Self {
            within: rows.iter().filter(|row| row.within_budget).count(),
            with_accuracy: rows.iter().filter(|row| row.accuracy.is_some()).count(),
        }
    }
}

/// The network as it was given, for comparison.
fn unscaled(scaled: &Scaled<'_>, base: &Architecture) -> String {
    let own = scaled.grid.rows.iter().find(|row| row.architecture == *base);
    let accuracies = &scaled.accuracies;
    let accuracy = accuracies.top1(base).map_or_else(
        |reason| format!("no accuracy ({reason})"),
        |top1| format!("{} {}", accuracies.adjective(), percent(top1)),
    );
    match own {
        Some(row) if row.within_budget => format!("as given: {accuracy} at {}", units::milliseconds(row.latency().0)),
        Some(row) => format!(
            "as given: {accuracy} at {}, over the budget",
            units::milliseconds(row.latency().0)
        ),
        None => format!("as given: {accuracy}; not among the sizes"),
    }
}

fn cells(row: &Row) -> Vec<String> {
    vec![
        row.accuracy.map_or_else(String::new, percent),
        row.accuracy_low
            .zip(row.accuracy_high)
            .map_or_else(String::new, |(low, high)| format!("{low:.1} to {high:.1}")),
        row.width.to_string(),
        row.depth.to_string(),
        format!("{} px", row.resolution),
        units::milliseconds(row.latency_ms),
        units::count(row.params),
        units::count(row.macs),
    ]
}

fn percent(value: f64) -> String {
    format!("{value:.1} %")
}

/// Accuracy over width and resolution, at the depth of the best network.
fn figure(scaled: &Scaled<'_>) -> HeatMap {
    let best = &scaled.grid.rows[scaled.grid.best];
    let slice: Vec<&ScaledRow> = scaled
        .grid
        .rows
        .iter()
        .filter(|row| row.depth.total_cmp(&best.depth).is_eq())
        .collect();
    let widths = sorted(&slice.iter().map(|row| row.width).collect::<Vec<_>>());
    let mut resolutions: Vec<u32> = slice.iter().map(|row| row.resolution).collect();
    resolutions.sort_unstable();
    resolutions.dedup();
    let cell = |width: f64, resolution: u32| {
        let found = slice
            .iter()
            .find(|row| row.width.total_cmp(&width).is_eq() && row.resolution == resolution);
        found.map_or_else(HeatCell::default, |row| heat_cell(row))
    };
    let cells = widths.iter().rev().map(|&width| {
        let of_width = resolutions.iter().map(|&resolution| cell(width, resolution));
        of_width.collect::<Vec<HeatCell>>()
    });
    let best_row = widths
        .iter()
        .rev()
        .position(|width| width.total_cmp(&best.width).is_eq());
    let best_column = resolutions.iter().position(|resolution| *resolution == best.resolution);
    let top1 = best.accuracy.unwrap_or(f64::NAN);
    let (kind, adjective) = (scaled.accuracies.kind(), scaled.accuracies.adjective());
    HeatMap {
        caption: Caption {
            title: format!("{} scaled under {} on {}", scaled.name, scaled.budget, scaled.device),
            subtitle: vec![
                format!("cells: {kind} in %, predicted latency; depth {}", best.depth),
                scaled.accuracies.origin(),
                format!(
                    "grey without hatching: within the budget, {}",
                    scaled.accuracies.absence()
                ),
            ],
            description: format!(
                "Accuracy ({kind}) of {} over {} widths and {} resolutions; the best within {} on {} is width {} at {} \
                 pixels, {adjective} {top1:.1} %.",
                scaled.name,
                widths.len(),
                resolutions.len(),
                scaled.budget,
                scaled.device,
                best.width,
                best.resolution
            ),
        },
        x_title: "input side (px)".to_owned(),
        columns: resolutions.iter().map(u32::to_string).collect(),
        y_title: "width multiplier".to_owned(),
        rows: widths.iter().rev().map(f64::to_string).collect(),
        value_title: format!("{kind} (%)"),
        cells: cells.collect(),
        best: best_row
            .zip(best_column)
            .map(|(row, column)| (row, column, format!("highest {kind} within the budget"))),
        hatched: "over the budget".to_owned(),
        height: 1000,
    }
}

fn heat_cell(row: &ScaledRow) -> HeatCell {
    let latency = units::milliseconds(row.latency().0);
    HeatCell {
        value: row.accuracy,
        lines: match row.accuracy {
            Some(accuracy) => vec![format!("{accuracy:.1}"), latency],
            None => vec![latency],
        },
        is_hatched: !row.within_budget,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_around_a_network_are_multiples_of_eight_and_its_own() {
        assert_eq!(around(32), [16, 24, 32, 40, 48]);
        assert_eq!(around(100), [48, 72, 100, 104, 128, 152]);
        assert_eq!(around(4), [4, 8]);
    }
}
