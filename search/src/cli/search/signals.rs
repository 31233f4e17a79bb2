//! Signals of forward passes for the strategy of a search that trains, measured by a worker process of their own.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use mnas_engine::problem::Problem;
use mnas_engine::ranking::{Probe, Signal, SignalSource};
use mnas_engine::strategy::StrategyConfig;
use mnas_engine::study::{SignalsConfig, StudyConfig};
use mnas_engine::training::{Augmentation, DataRequest, TrainDevice};
use mnas_engine::worker::{FromWorker, ToWorker};
use mnas_space::{Architecture, ArchitectureId, SearchSpace};

use super::super::error::CliError;
use super::choices::Choices;
use super::images::{absolute_data, largest_resolution};
use super::values::SignalsName;
use crate::report::Printer;
use crate::worker_client::{WorkerClient, WorkerError};

/// The signals of the choices; the probe is that of no space yet.
pub(super) fn config_of(choices: &Choices, strategy: StrategyConfig) -> Result<Option<SignalsConfig>, CliError> {
    let uses_signals = matches!(strategy, StrategyConfig::Model { .. });
    let asked = match &choices.signals {
        None | Some(SignalsName::None) => return Ok(None),
        Some(SignalsName::Named(_)) if !uses_signals => {
            return Err(CliError::usage(format!(
                "--signals guide --strategy model, and {} uses none; leave one of the two out",
                strategy.name()
            )));
        }
        Some(SignalsName::Named(score)) => score.clone(),
    };
    if let Some(free) = asked.signals().iter().find(|signal| signal.is_free()) {
        return Err(CliError::usage(format!(
            "--signals {asked}: {free} is among the inputs of the strategy anyway; name signals of forward passes, such as naswot+entropy"
        )));
    }
    Ok(Some(SignalsConfig {
        names: asked.signals().to_vec(),
        probe: Probe::of_largest_resolution(1, choices.seed.unwrap_or(0)),
    }))
}

/// Completes the configuration of a new study: the resolution of its probes.
pub(super) fn complete(config: &mut StudyConfig, space: &SearchSpace) {
    let seed = config.seed;
    if let Some(signals) = config.training_mut().and_then(|training| training.signals.as_mut()) {
        signals.probe = Probe::of_largest_resolution(largest_resolution(space), seed);
    }
}

/// Gives the strategy of a study its signals, where it has any.
pub(super) fn attach(config: &StudyConfig, problem: &Problem, printer: &Printer) {
    let Some(training) = config.training() else { return };
    let Some(signals) = &training.signals else { return };
    problem.set_signals(Arc::new(MeasuredSignals {
        config: signals.clone(),
        prepare: needs_images(signals).then(|| prepare(signals, &training.data, &problem.space)),
        state: Mutex::default(),
        printer: printer.clone(),
    }));
}

fn needs_images(signals: &SignalsConfig) -> bool {
    signals.names.iter().any(|signal| signal.needs_images())
}

/// The request that loads a batch of images at the largest resolution.
fn prepare(signals: &SignalsConfig, data: &DataRequest, space: &SearchSpace) -> ToWorker {
    let batch = signals.probe.batch_size;
    ToWorker::Prepare {
        data: DataRequest {
            images: Some(data.images.map_or(batch, |images| images.min(batch))),
            ..absolute_data(data)
        },
        resolution: signals.probe.resolution(largest_resolution(space)),
        augmentation: Augmentation::None,
        threads: 1,
    }
}

/// Signals that a worker process measures when they are asked for the first time.
struct MeasuredSignals {
    config: SignalsConfig,
    /// The request that loads images, where a signal needs them.
    prepare: Option<ToWorker>,
    state: Mutex<State>,
    printer: Printer,
}

impl fmt::Debug for MeasuredSignals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MeasuredSignals").field(&self.config).finish()
    }
}

#[derive(Debug, Default)]
struct State {
    worker: Option<WorkerClient>,
    /// True once a worker has failed: the search goes on without further signals.
    has_failed: bool,
    known: HashMap<ArchitectureId, Option<Vec<f64>>>,
}

impl SignalSource for MeasuredSignals {
    fn measure(&self, networks: &[Architecture]) -> Vec<Option<Vec<f64>>> {
        // A poisoned state is at most behind: what it knows was measured.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        networks.iter().map(|network| self.value(&mut state, network)).collect()
    }
}

impl MeasuredSignals {
    fn value(&self, state: &mut State, network: &Architecture) -> Option<Vec<f64>> {
        let id = network.id();
        if let Some(known) = state.known.get(&id) {
            return known.clone();
        }
        if state.has_failed {
            return None;
        }
        match self.request(&mut state.worker, network) {
            Ok(values) => {
                state.known.insert(id, values.clone());
                values
            }
            Err(error) => {
                self.printer.warning(&format!(
                    "signals are not measured any more, and the search goes on without them: {error}"
                ));
                (state.has_failed, state.worker) = (true, None);
                None
            }
        }
    }

    fn request(
        &self,
        worker: &mut Option<WorkerClient>,
        network: &Architecture,
    ) -> Result<Option<Vec<f64>>, WorkerError> {
        let SignalsConfig { names, probe } = &self.config;
        // A network whose channels cannot be scaled has no signals.
        let Ok(request) = probe.request(network, names) else {
            return Ok(None);
        };
        let worker = match worker {
            Some(worker) => worker,
            None => worker.insert(self.start()?),
        };
        match worker.request(&ToWorker::Signals(Box::new(request)))? {
            FromWorker::Signals(measured) => {
                let value = |signal: &Signal| measured.iter().find(|one| one.signal == *signal)?.value;
                Ok(names.iter().map(value).collect())
            }
            other => Err(WorkerError::unexpected(&other)),
        }
    }

    fn start(&self) -> Result<WorkerClient, WorkerError> {
        let mut worker = WorkerClient::start(TrainDevice::Cpu)?;
        if let Some(prepare) = &self.prepare {
            worker.request(prepare)?;
        }
        Ok(worker)
    }
}
