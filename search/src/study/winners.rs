//! Measuring whole networks when the trials are done: the front, the references, and a best network that really meets
//! the budget.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use mnas_latency::{LatencyTable, ProfileEvent, ProfileOptions, Runtime, profile};
use mnas_space::Architecture;

use mnas_engine::study::{Event, Journal, StudyConfig, StudyError, StudyState};

use super::outcome::outcome;

/// Candidates that are tried in turn where the ones predicted to fit break the budget when measured.
const TRIES: usize = 5;

/// Measures the networks on the front and the references whole, then the most accurate candidates in turn until one
/// meets the budget as measured; notes every measurement in the journal. Returns false when cancelled.
///
/// Measurements also go into `table`, the device's own, where they make later calibrations better.
pub fn measure_winners(
    config: &StudyConfig,
    state: &mut StudyState,
    journal: &mut Journal,
    table: &mut LatencyTable,
    runtime: &mut dyn Runtime,
    cancel: &AtomicBool,
    observer: &mut dyn FnMut(ProfileEvent<'_>),
) -> Result<bool, StudyError> {
    let shown = outcome(config, state);
    let mut wanted: BTreeSet<u64> = shown
        .rows
        .iter()
        .filter(|row| row.on_front)
        .filter_map(|row| row.trial)
        .collect();
    wanted.extend(
        state
            .references()
            .filter(|trial| trial.accuracy().is_some())
            .map(|trial| trial.number),
    );
    for _ in 0..=TRIES {
        wanted.retain(|number| state.trials[number].measured_ms.is_none());
        let networks: Vec<Architecture> = wanted
            .iter()
            .map(|number| state.trials[number].architecture.clone())
            .collect();
        if !networks.is_empty() {
            let options = ProfileOptions::quick();
            profile(runtime, table, [], &networks, &options, cancel, observer)?;
        }
        for trial in std::mem::take(&mut wanted) {
            if let Some(measurement) = table.network(&state.trials[&trial].architecture) {
                let event = Event::Measured {
                    trial,
                    latency_ms: measurement.median_ms,
                };
                journal.append(&event)?;
                state.apply(&event).map_err(|problem| StudyError::Contradiction {
                    path: journal.path().to_path_buf(),
                    problem,
                })?;
            }
        }
        if cancel.load(Ordering::Relaxed) {
            return Ok(false);
        }
        // The best may only count as such when it was measured to be within the budget.
        let shown = outcome(config, state);
        let best = shown.best.and_then(|index| shown.rows[index].trial);
        match best {
            Some(number) if state.trials[&number].measured_ms.is_none() => wanted.insert(number),
            _ => break,
        };
    }
    Ok(true)
}
