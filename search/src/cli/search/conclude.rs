//! Outcome of a search as tables, messages and JSON.

use std::path::PathBuf;

use mnas_engine::study::Study;
use serde::Serialize;

use super::super::error::CliError;
use super::SearchArguments;
use crate::report::{Printer, ReportRow, RowKind, closing_table, units};
use crate::study::{BestFiles, Outcome};

#[derive(Serialize)]
struct Document {
    study: PathBuf,
    trials: usize,
    front: Vec<NetworkRow>,
    best: Option<NetworkRow>,
}

#[derive(Serialize)]
struct NetworkRow {
    id: String,
    architecture: String,
    accuracy: Option<f64>,
    /// Rank among networks, where there is no accuracy.
    score: Option<f64>,
    latency_ms: Option<f64>,
    measured_ms: Option<f64>,
    params: u64,
    macs: u64,
}

impl From<&ReportRow> for NetworkRow {
    fn from(row: &ReportRow) -> Self {
        Self {
            id: row.id.clone(),
            architecture: row.architecture.clone(),
            accuracy: row.accuracy.filter(|_| !row.is_score),
            score: row.accuracy.filter(|_| row.is_score),
            latency_ms: row.latency_ms,
            measured_ms: row.measured_ms,
            params: row.params,
            macs: row.macs,
        }
    }
}

pub(super) fn conclude(
    arguments: &SearchArguments,
    printer: &Printer,
    study: &Study,
    shown: &Outcome,
    best: &BestFiles,
    paths: &[PathBuf],
) -> Result<(), CliError> {
    let (config, folder) = (study.config(), study.folder());
    for path in paths {
        printer.status(&format!("wrote {}", path.display()));
    }
    match best {
        BestFiles::Written { difference } => {
            let checked = match difference {
                Some(difference) => format!("ONNX Runtime agrees with libtorch within {difference:.1e}"),
                None => "not checked, there is no ONNX Runtime".to_owned(),
            };
            printer.status(&format!(
                "wrote {} (architecture, weights, ONNX; {checked})",
                folder.best().display()
            ));
            if config.training().is_some_and(|training| !training.proxy.is_direct()) {
                printer.status(&format!(
                    "its weights come from the proxy; train it as deployed: mnas train {} --data …",
                    folder.best().join("architecture.toml").display()
                ));
            }
        }
        BestFiles::ArchitectureOnly => printer.status(&format!("wrote {} (architecture)", folder.best().display())),
        BestFiles::WithoutWeights => printer.warning("the best network's weights are gone; train it with mnas train"),
        BestFiles::None => printer.warning("no evaluated candidate keeps the constraints"),
    }
    if arguments.json {
        let front: Vec<NetworkRow> = shown
            .rows
            .iter()
            .filter(|row| row.on_front)
            .map(NetworkRow::from)
            .collect();
        let best = shown.best.map(|index| NetworkRow::from(&shown.rows[index]));
        let trials = shown.rows.iter().filter(|row| row.trial.is_some()).count();
        return Ok(printer.json(&Document {
            study: folder.root().to_path_buf(),
            trials,
            front,
            best,
        })?);
    }
    printer.result(&closing_table(&shown.rows, printer.table_options()))?;
    if let Some(row) = shown.best.map(|index| &shown.rows[index]) {
        printer.result(&format!(
            "best{}: {}\n{}",
            bounds(study),
            figures(row),
            row.architecture
        ))?;
        if row.is_score {
            printer.result(
                "scores rank networks and are no accuracies: train the best with mnas train, and measure how well they rank with mnas proxy-report",
            )?;
        } else if let Some(better) = better_reference(&shown.rows, row) {
            printer.result(&format!(
                "a reference is more accurate within the budget: {}; to try more candidates: mnas search --out {} --resume --trials {}",
                figures(better),
                folder.root().display(),
                2 * config.trials
            ))?;
        }
    }
    Ok(())
}

/// ` under 20ms on host`, or nothing where there is no budget.
fn bounds(study: &Study) -> String {
    let budgets: Vec<String> = study
        .config()
        .devices
        .iter()
        .filter_map(|device| Some((device.budget?, &device.name)))
        .map(|(budget, name)| match study.config().devices.len() {
            1 => budget.to_string(),
            _ => format!("{budget} on {name}"),
        })
        .collect();
    if budgets.is_empty() {
        return String::new();
    }
    format!(" under {}", budgets.join(" and "))
}

/// Name, accuracy and latency of a network.
fn figures(row: &ReportRow) -> String {
    let accuracy = row.accuracy_text().unwrap_or_default();
    let Some(latency) = row.decisive_latency_ms().map(units::milliseconds) else {
        return format!("{} with {accuracy} at {} MAdds", row.label(), units::count(row.macs));
    };
    let origin = if row.measured_ms.is_none() {
        " (predicted, not measured)"
    } else {
        ""
    };
    format!("{} with {accuracy} at {latency}{origin}", row.label())
}

/// The most accurate reference within the budget, if it is more accurate than the best candidate.
fn better_reference<'a>(rows: &'a [ReportRow], best: &ReportRow) -> Option<&'a ReportRow> {
    rows.iter()
        .filter(|row| row.kind == RowKind::Reference && row.within_budget && row.accuracy > best.accuracy)
        .max_by(|one, other| one.accuracy.unwrap_or(0.0).total_cmp(&other.accuracy.unwrap_or(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_named_only_where_it_beats_the_best_within_the_budget() {
        let row = |kind, accuracy: Option<f64>, within_budget| ReportRow {
            accuracy,
            within_budget,
            ..ReportRow::new(kind, "id")
        };
        let best = row(RowKind::Candidate, Some(60.0), true);
        let slow = row(RowKind::Reference, Some(80.0), false);
        let worse = row(RowKind::Reference, Some(55.0), true);
        let untrained = row(RowKind::Reference, None, true);
        let rows = [best.clone(), slow, worse, untrained];
        assert!(better_reference(&rows, &best).is_none());
        let better = [61.0, 63.0, 62.0].map(|accuracy| row(RowKind::Reference, Some(accuracy), true));
        let found = better_reference(&better, &best).and_then(|row| row.accuracy);
        assert_eq!(found, Some(63.0));
    }
}
