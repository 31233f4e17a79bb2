//! `mnas imagenet check`: errors on held-out networks, beside baselines.

use clap::Args;
use mnas_engine::imagenet::validation::{
    Agreement, LEFT_OUT_FAMILIES, LeftOut, hold_out_fifths, kendall_tau, leave_families_out,
};
use mnas_engine::imagenet::{AccelNetwork, Recipe, published_networks};
use mnas_space::{Architecture, Reference};
use serde::Serialize;

use super::super::error::CliError;
use super::AccelArguments;
use crate::report::{Heading, Printer, listing, to_csv_text};

#[derive(Debug, Args)]
pub struct CheckArguments {
    #[command(flatten)]
    accel: AccelArguments,
    /// Seed of the shuffle before Accel-NASBench is cut into fifths
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Print one row for each left-out published network as CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    families: Vec<FamilyRow>,
    all: FamilyRow,
    fifths: Vec<FifthRow>,
    /// Mean over the fifths.
    accel: AccelRow,
}

/// Errors on one family, predicted by a fit without it.
#[derive(Debug, Serialize)]
struct FamilyRow {
    left_out: String,
    networks: usize,
    mean_error: f64,
    bias: f64,
    tau: f64,
    /// Kendall's tau of multiply-adds with the published accuracies, the baseline.
    tau_of_macs: f64,
    /// Share of the networks inside of their 90 % interval.
    inside: f64,
}

#[derive(Debug, Serialize)]
struct FifthRow {
    networks: usize,
    mean_error: f64,
    tau: f64,
}

#[derive(Debug, Serialize)]
struct AccelRow {
    networks: usize,
    mean_error: f64,
    tau: f64,
    tau_of_macs: f64,
    tau_of_params: f64,
}

/// A left-out network as a row of CSV.
#[derive(Debug, Serialize)]
struct CsvRow<'a> {
    left_out: &'a str,
    reference: &'a str,
    width: f64,
    resolution_px: u32,
    recipe: Recipe,
    published_top1: f64,
    predicted_top1: f64,
    low: f64,
    high: f64,
    in_range: bool,
}

pub fn run(arguments: &CheckArguments, printer: &Printer) -> Result<(), CliError> {
    let accel = arguments.accel.read()?;
    printer.status("fitting the predictor without each family, then without each fifth of Accel-NASBench");
    let left_out = leave_families_out(&published_networks(), &accel);
    if arguments.csv {
        let rows: Vec<CsvRow<'_>> = left_out.iter().map(csv_row).collect();
        return Ok(printer.result(to_csv_text(&rows)?.trim_end())?);
    }
    let document = document(&left_out, &accel, arguments.seed)?;
    if arguments.json {
        return Ok(printer.json(&document)?);
    }
    Ok(printer.result(&text(&document, printer.table_options().width))?)
}

fn csv_row(network: &LeftOut) -> CsvRow<'_> {
    CsvRow {
        left_out: network.family,
        reference: &network.reference,
        width: network.width,
        resolution_px: network.resolution,
        recipe: network.recipe,
        published_top1: network.published,
        predicted_top1: network.predicted,
        low: network.interval.0,
        high: network.interval.1,
        in_range: network.in_range,
    }
}

fn document(left_out: &[LeftOut], accel: &[AccelNetwork], seed: u64) -> Result<Document, CliError> {
    let of = |family: &str| -> Vec<&LeftOut> { left_out.iter().filter(|network| network.family == family).collect() };
    let families = LEFT_OUT_FAMILIES.map(|family| family_row(family, &of(family)));
    let all: Vec<&LeftOut> = left_out.iter().collect();
    let fifths = hold_out_fifths(accel, seed);
    let mean = |value: fn(&Agreement) -> f64| fifths.iter().map(value).sum::<f64>() / fifths.len().max(1) as f64;
    let tau = |cost: fn(&Architecture) -> u64| {
        let pairs = accel
            .iter()
            .map(|network| (cost(&network.architecture) as f64, network.top1));
        kendall_tau(&pairs.collect::<Vec<_>>())
    };
    Ok(Document {
        families: families.into_iter().collect::<Result<_, _>>()?,
        all: family_row("all", &all)?,
        accel: AccelRow {
            networks: accel.len(),
            mean_error: mean(|fifth| fifth.mean_error),
            tau: mean(|fifth| fifth.tau),
            tau_of_macs: tau(|network| network.cost().macs),
            tau_of_params: tau(|network| network.cost().params),
        },
        fifths: fifths.iter().map(fifth_row).collect(),
    })
}

fn fifth_row(agreement: &Agreement) -> FifthRow {
    FifthRow {
        networks: agreement.networks,
        mean_error: agreement.mean_error,
        tau: agreement.tau,
    }
}

fn family_row(name: &str, networks: &[&LeftOut]) -> Result<FamilyRow, CliError> {
    let agreement = Agreement::of_left_out(networks.iter().copied());
    let inside = networks
        .iter()
        .filter(|network| (network.interval.0..=network.interval.1).contains(&network.published));
    let macs = networks.iter().map(|network| {
        let reference = Reference::named(&network.reference)?;
        let architecture = reference.architecture(network.width, network.resolution, 1000)?;
        Ok((architecture.cost().macs as f64, network.published))
    });
    Ok(FamilyRow {
        left_out: name.to_owned(),
        networks: agreement.networks,
        mean_error: agreement.mean_error,
        bias: agreement.bias,
        tau: agreement.tau,
        tau_of_macs: kendall_tau(&macs.collect::<Result<Vec<_>, CliError>>()?),
        inside: inside.count() as f64 / networks.len().max(1) as f64,
    })
}

fn text(document: &Document, width: Option<u16>) -> String {
    let headings = [
        Heading::text("left out"),
        Heading::number("networks").expendable(2),
        Heading::number("mean error"),
        Heading::number("bias").expendable(1),
        Heading::number("tau"),
        Heading::number("tau of MAdds").expendable(3),
        Heading::number("in the 90 % interval"),
    ];
    let rows: Vec<Vec<String>> = document
        .families
        .iter()
        .chain([&document.all])
        .map(|row| {
            vec![
                row.left_out.clone(),
                row.networks.to_string(),
                format!("{:.2}", row.mean_error),
                format!("{:+.2}", row.bias),
                format!("{:.3}", row.tau),
                format!("{:.3}", row.tau_of_macs),
                format!("{:.1} %", 100.0 * row.inside),
            ]
        })
        .collect();
    let families = listing(&headings, &rows, width);
    let headings = [
        Heading::text("order of Accel-NASBench by"),
        Heading::number("tau"),
        Heading::number("mean error"),
    ];
    let accel = &document.accel;
    let row = |name: &str, tau: String, error: String| vec![name.to_owned(), tau, error];
    let none = || "–".to_owned();
    let rows = [
        row("multiply-adds", format!("{:.3}", accel.tau_of_macs), none()),
        row("parameters", format!("{:.3}", accel.tau_of_params), none()),
        row("the benchmark's own surrogate, as stated", "0.917".to_owned(), none()),
        row(
            "prediction of held-out fifths, mean",
            format!("{:.4}", accel.tau),
            format!("{:.3}", accel.mean_error),
        ),
    ];
    format!(
        "Published networks, predicted by a fit without their family; errors in points of top-1\n{families}\n\
         {} networks of Accel-NASBench, predicted with its own recipe\n{}",
        accel.networks,
        listing(&headings, &rows, width)
    )
}
