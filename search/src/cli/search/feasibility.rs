//! Refusal of constraints that no network of the space keeps, before anything is evaluated.

use mnas_engine::contradiction::{Contradiction, find_contradiction};
use mnas_engine::problem::{Infeasible, Metric, Problem, Quantity};

use super::super::error::{CliError, ExitCode};
use crate::report::Printer;

/// Refuses constraints that no network of the space keeps, alone or in pairs; reports the fastest network of each device.
pub fn check_feasibility(printer: &Printer, problem: &Problem) -> Result<(), CliError> {
    let infeasible = problem.infeasible();
    if let Some(first) = infeasible.first() {
        return Err(unreachable(problem, first, &infeasible));
    }
    if let Some(found) = find_contradiction(problem) {
        return Err(contradiction(problem, &found));
    }
    for (index, device) in problem.devices.iter().enumerate() {
        let metric = Metric::Latency(index);
        let (_, least) = problem.least(metric);
        let fastest = least.costs.value(metric).unwrap_or(f64::NAN);
        printer.status(&format!(
            "the fastest network of the space takes {} on {}{}",
            Quantity(metric, fastest),
            device.name,
            if problem.bound(metric).is_some() {
                ": the budget can be met"
            } else {
                ""
            }
        ));
    }
    Ok(())
}

/// `the budget on host`, `the limit on params`
fn name(problem: &Problem, metric: Metric) -> String {
    match metric {
        Metric::Latency(device) => format!("the budget on {}", problem.devices[device].name),
        other => format!("the limit on {other}"),
    }
}

/// The refusal of constraints that no network keeps, each taken alone.
fn unreachable(problem: &Problem, first: &Infeasible, all: &[Infeasible]) -> CliError {
    let space = &problem.space.name;
    let described = all.iter().map(|one| {
        format!(
            "{} of {}: the least in the space is {}",
            name(problem, one.constraint.metric),
            one.constraint.bound(),
            Quantity(one.constraint.metric, one.least)
        )
    });
    let message = match first.constraint.metric {
        Metric::Latency(device) if all.len() == 1 => format!(
            "no network of space {space} meets the budget of {} on {}: the fastest one takes {} (predicted from measured layers)",
            first.constraint.bound(),
            problem.devices[device].name,
            Quantity(first.constraint.metric, first.least)
        ),
        _ => format!(
            "no network of space {space} keeps {}",
            described.collect::<Vec<_>>().join(", ")
        ),
    };
    let help = match first.constraint.metric {
        Metric::Latency(_) => format!(
            "the fastest network is {}\nraise the budget, or choose a smaller space with --space",
            first.architecture
        ),
        _ => format!(
            "the nearest network is {}\nraise the limit, or choose a smaller space with --space",
            first.architecture
        ),
    };
    CliError::new(ExitCode::NoNetworkFits, message).with_help(help)
}

/// The refusal of two constraints that no network keeps together.
fn contradiction(problem: &Problem, found: &Contradiction) -> CliError {
    let described = found.sides.each_ref().map(|side| {
        let bound = side.constraint.bound();
        format!("{} of {bound}", name(problem, side.constraint.metric))
    });
    let reached = found
        .sides
        .each_ref()
        .map(|side| Quantity(side.constraint.metric, side.nearest).to_string());
    CliError::new(
        ExitCode::NoNetworkFits,
        format!(
            "no network of space {} was found that keeps both {} and {}; each alone can be kept",
            problem.space.name, described[0], described[1]
        ),
    )
    .with_help(format!(
        "raise one of the two, or choose another space with --space:\n{} and {} by {}\n{} and {} by {}",
        raised(problem, found, 0, &reached[0]),
        described[1],
        found.sides[0].architecture,
        raised(problem, found, 1, &reached[1]),
        described[0],
        found.sides[1].architecture,
    ))
}

/// `the budget on host raised to 3 ms`
fn raised(problem: &Problem, found: &Contradiction, side: usize, to: &str) -> String {
    format!("{} raised to {to}", name(problem, found.sides[side].constraint.metric))
}
