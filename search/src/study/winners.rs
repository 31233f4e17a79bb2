//! Measurement of whole networks when the trials are done: the front, the references, and a best network that keeps the budget
//! as measured.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use mnas_engine::study::{self, Study, StudyError};
use mnas_latency::{LatencyTable, ProfileEvent, ProfileOptions, Runtime, profile};
use mnas_space::Architecture;

use super::outcome::outcome;

/// Candidates tried in turn where those predicted to keep the budget break it when measured.
const TRIES: usize = 5;

/// Measures the networks on the front and the references whole on a device of the study, then the most accurate candidates in
/// turn until one keeps the budget as measured; records every measurement in the journal. Returns false when cancelled.
///
/// Measurements also go into `table`, the device's own, where they make later calibrations better.
pub fn measure_winners(
    study: &mut Study,
    device: usize,
    table: &mut LatencyTable,
    runtime: &mut dyn Runtime,
    cancel: &AtomicBool,
    observer: &mut dyn FnMut(ProfileEvent<'_>),
) -> Result<bool, StudyError> {
    let shown = outcome(study.config(), study.problem(), study.state());
    let front = shown.rows.iter().filter(|row| row.on_front).filter_map(|row| row.trial);
    let references = study.state().references().filter(|trial| trial.accuracy().is_some());
    let mut wanted: BTreeSet<u64> = front.chain(references.map(|trial| trial.number)).collect();
    for _ in 0..=TRIES {
        wanted.retain(|number| unmeasured(study, *number, device));
        let network = |number: &u64| Some(study.state().trial(*number)?.architecture.clone());
        let networks: Vec<Architecture> = wanted.iter().filter_map(network).collect();
        if !networks.is_empty() {
            let options = ProfileOptions::quick();
            profile(runtime, table, [], &networks, &options, cancel, observer)?;
        }
        for (number, network) in std::mem::take(&mut wanted).into_iter().zip(&networks) {
            if let Some(measurement) = table.network(network) {
                study.record_measurement(number, device, measurement.median_ms)?;
            }
        }
        if cancel.load(Ordering::Relaxed) {
            return Ok(false);
        }
        // The best may only count as such when it was measured to keep the budget.
        let best = study::best(study.problem(), study.state().trials().iter()).map(|trial| trial.number);
        match best {
            Some(number) if unmeasured(study, number, device) => wanted.insert(number),
            _ => break,
        };
    }
    Ok(true)
}

fn unmeasured(study: &Study, number: u64, device: usize) -> bool {
    let trial = study.state().trial(number);
    trial.is_some_and(|trial| trial.measured_ms.get(device).is_some_and(Option::is_none))
}
