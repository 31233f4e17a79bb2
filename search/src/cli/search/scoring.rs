//! `mnas search --evaluator proxy:NAME`: candidates are ranked by signals, and nothing is trained.

use std::sync::atomic::AtomicBool;

use mnas_engine::evaluator::WorkerPool;
use mnas_engine::ranking::{Probe, Score, ScoreScale, Standard};
use mnas_engine::study::{EvaluatorConfig, References, ScoreConfig, StudyConfig, StudyFolder};
use mnas_engine::training::{Augmentation, DataRequest};
use mnas_engine::worker::ToWorker;
use mnas_space::random::stream;
use mnas_space::{Architecture, SearchSpace};

use super::super::error::CliError;
use super::super::proxy_report::measure::Measurement;
use super::super::train::num_cores;
use super::choices::Choices;
use super::images::{absolute_data, largest_resolution};
use super::settings::{self, Settings, SpaceSource};
use crate::report::Printer;
use crate::worker_client;

/// Random networks whose signals a score is relative to.
const RANDOM_NETWORKS: u64 = 32;

/// Default number of candidates.
const TRIALS: usize = 200;

/// Resolves the choices of a search by `score`, which [`refuse_other_flags`] accepts; `space` is the default space of the data.
pub(super) fn settings_of(choices: &Choices, score: &Score, libtorch: &str, space: &str) -> Result<Settings, CliError> {
    let devices = choices.devices(false)?;
    let data = settings::data_of(choices);
    let source = data.path.clone();
    let workers = choices.workers.unwrap_or_else(num_cores).max(1);
    let config = ScoreConfig {
        score: score.clone(),
        train_device: choices.train_device.unwrap_or_default(),
        libtorch: libtorch.to_owned(),
        // Resolution and scale follow from the space.
        probe: Probe::of_largest_resolution(1, choices.seed.unwrap_or(0)),
        data,
        scale: ScoreScale { standards: Vec::new() },
    };
    Ok(Settings {
        config: StudyConfig {
            workers: settings::workers_of(choices, workers),
            // References are compared on accuracy, which a score is not.
            references: References { per_network: 0 },
            evaluator: EvaluatorConfig::Proxy(Box::new(config)),
            ..settings::common(choices, &source, devices, TRIALS)?
        },
        space: SpaceSource::Named(choices.space.clone().unwrap_or_else(|| space.to_owned())),
        table: None,
        workers_are_open: false,
        out: settings::folder_of(choices)?,
        profile_time: choices.profile_time.unwrap_or(settings::PROFILE_TIME),
        automatic: None,
    })
}

/// Refuses flags of trainings, and images that are missing.
pub(super) fn refuse_other_flags(choices: &Choices, score: &Score) -> Result<(), CliError> {
    if choices.budget.is_empty() && choices.limits() == mnas_engine::study::Limits::default() {
        return Err(settings::no_budget());
    }
    if score.needs_images() && choices.data.is_none() {
        return Err(CliError::usage(format!(
            "--evaluator proxy:{score} needs images; give --data PATH, or a score without images such as proxy:entropy"
        )));
    }
    let trains = [
        ("--recipe", choices.recipe.is_some() || choices.recipe_table.is_some()),
        ("--epochs", choices.epochs.is_some()),
        (
            "--proxy-scale",
            choices.proxy_scale.is_some() || choices.proxy.is_some(),
        ),
        ("--signals", choices.signals.is_some()),
        ("--references", choices.references.is_some_and(|count| count > 0)),
    ];
    let trains = trains.into_iter().chain(choices.halving_flags());
    let mut trains = trains.chain(choices.finalist_flags());
    match trains.find(|(_, given)| *given) {
        Some((flag, _)) => Err(CliError::usage(format!(
            "{flag} is for trainings; --evaluator proxy:{score} trains nothing"
        ))),
        None => Ok(()),
    }
}

/// Completes the configuration of a new study: the resolution of its probes, and the scale of its scores.
pub(super) fn complete(
    config: &mut StudyConfig,
    space: &SearchSpace,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<(), CliError> {
    let (seed, workers) = (config.seed, config.workers.iter().map(|worker| worker.count).sum());
    let EvaluatorConfig::Proxy(scoring) = &mut config.evaluator else {
        return Ok(());
    };
    let classes = worker_client::inspect(&scoring.data)?.classes.len().max(1) as u32;
    scoring.probe = Probe::of_largest_resolution(largest_resolution(space), seed);
    let drawn = (0..RANDOM_NETWORKS).map(|number| space.sample(&mut stream(seed, "score scale", number, 0)));
    let networks: Vec<Architecture> = drawn.map(|genotype| space.express(&genotype, classes)).collect();
    let signals = scoring.score.signals();
    let measured_signals: Vec<_> = signals.iter().copied().filter(|signal| !signal.is_free()).collect();
    let measured = Measurement {
        signals: &measured_signals,
        probe: scoring.probe,
        data: Some(scoring.data.clone()),
        workers,
        device: scoring.train_device,
        time: None,
    }
    .run(&networks, printer, cancel)?;
    let mut standards = Vec::new();
    for &signal in signals {
        let values = networks.iter().zip(&measured).filter_map(|(network, measured)| {
            let of_forward = || measured.get(&signal)?.value;
            signal.of_architecture(network).or_else(of_forward)
        });
        let values: Vec<f64> = values.collect();
        if values.len() < 2 {
            return Err(CliError::config(format!(
                "{signal} is not defined for networks of space {} on these images: are they all alike?",
                space.name
            )));
        }
        standards.push(Standard::of(signal, &values));
    }
    scoring.scale = ScoreScale { standards };
    Ok(())
}

/// The pool of workers that score; none is started yet.
pub(super) fn pool(scoring: &ScoreConfig, space: &SearchSpace, folder: &StudyFolder) -> WorkerPool {
    let batch = scoring.probe.batch_size;
    let prepare = ToWorker::Prepare {
        data: DataRequest {
            images: Some(scoring.data.images.map_or(batch, |images| images.min(batch))),
            ..absolute_data(&scoring.data)
        },
        resolution: scoring.probe.resolution(largest_resolution(space)),
        augmentation: Augmentation::None,
        threads: 1,
    };
    WorkerPool::scoring(prepare, scoring.scorer(), &folder.logs())
}
