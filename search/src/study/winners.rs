//! Measurement of whole networks when the trials are done: the front, the references, and the best networks, until these keep
//! the budget as measured.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use mnas_engine::study::{Study, StudyError, latest, ranked_networks};
use mnas_latency::{LatencyTable, ProfileEvent, ProfileOptions, Runtime, profile};
use mnas_space::Architecture;

use super::outcome::outcome;

/// Rounds in which networks that break the budget as measured are replaced by the next best.
const ROUNDS: usize = 12;

/// Outcome of measuring the winners on a device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredWinners {
    /// True if nothing is left to be measured, false when cancelled.
    pub complete: bool,
    /// Networks measured by this call.
    pub networks: usize,
    /// Mean deviation of the predictions from these measurements, as a share of the measurement.
    pub mean_error: f64,
    /// Networks among them that break the device's budget and were predicted to keep it.
    pub over_budget: usize,
}

/// Measures the networks on the front and the references whole on a device of the study, then the `best` most accurate networks
/// that keep the constraints: one that breaks the budget as measured is replaced by the next best, until all of them are measured
/// and keep it. Records every measurement in the journal.
///
/// Measurements also go into `table`, the device's own, where they make later calibrations better.
pub fn measure_winners(
    study: &mut Study,
    (device, best): (usize, usize),
    table: &mut LatencyTable,
    runtime: &mut dyn Runtime,
    cancel: &AtomicBool,
    observer: &mut dyn FnMut(ProfileEvent<'_>),
) -> Result<MeasuredWinners, StudyError> {
    let shown = outcome(study.config(), study.problem(), study.state());
    let front = shown.rows.iter().filter(|row| row.on_front).filter_map(|row| row.trial);
    let trials = latest(study.state().trials()).into_iter();
    let references = trials.filter(|trial| !trial.is_candidate() && trial.accuracy().is_some());
    let mut wanted: BTreeSet<u64> = front.chain(references.map(|trial| trial.number)).collect();
    let mut found = Tally::default();
    for _ in 0..ROUNDS {
        let ranked = ranked_networks(study.problem(), study.state().trials());
        let winners = ranked.iter().take(best.max(1)).map(|trial| trial.number);
        wanted.extend(winners.chain(study.front().iter().map(|trial| trial.number)));
        wanted.retain(|number| unmeasured(study, *number, device));
        if wanted.is_empty() {
            break;
        }
        let network = |number: &u64| Some(study.state().trial(*number)?.architecture.clone());
        let networks: Vec<Architecture> = wanted.iter().filter_map(network).collect();
        let options = ProfileOptions::quick();
        profile(runtime, table, [], &networks, &options, cancel, observer)?;
        for (number, network) in std::mem::take(&mut wanted).into_iter().zip(&networks) {
            if let Some(measurement) = table.network(network) {
                found.add(study, number, device, measurement.median_ms);
                study.record_measurement(number, device, measurement.median_ms)?;
            }
        }
        if cancel.load(Ordering::Relaxed) {
            return Ok(found.winners(false));
        }
    }
    Ok(found.winners(true))
}

/// Measurements beside their predictions.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    networks: usize,
    sum_of_errors: f64,
    over_budget: usize,
}

impl Tally {
    fn add(&mut self, study: &Study, trial: u64, device: usize, measured_ms: f64) {
        let Some(trial) = study.state().trial(trial) else {
            return;
        };
        let Some(prediction) = trial.costs.latency.get(device) else {
            return;
        };
        self.networks += 1;
        self.sum_of_errors += (prediction.latency.0 / measured_ms - 1.0).abs();
        let budget = study.config().devices[device].budget.map(|budget| budget.0);
        let breaks = |latency: f64| budget.is_some_and(|budget| latency > budget);
        self.over_budget += usize::from(breaks(measured_ms) && !breaks(prediction.latency.0));
    }

    fn winners(self, complete: bool) -> MeasuredWinners {
        MeasuredWinners {
            complete,
            networks: self.networks,
            mean_error: self.sum_of_errors / self.networks.max(1) as f64,
            over_budget: self.over_budget,
        }
    }
}

fn unmeasured(study: &Study, number: u64, device: usize) -> bool {
    let trial = study.state().trial(number);
    trial.is_some_and(|trial| trial.measured_ms.get(device).is_some_and(Option::is_none))
}
