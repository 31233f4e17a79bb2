//! Start of a study's workers.

use std::sync::atomic::{AtomicBool, Ordering};

use mnas_engine::evaluator::{WorkerPool, WorkerSetup};
use mnas_engine::study::{EvaluatorConfig, FinalsConfig, Study, StudyConfig, StudyFolder, TrainConfig};
use mnas_engine::training::{DataRequest, Proxy, TrainDevice};
use mnas_engine::worker::{Ready, ToWorker};
use mnas_latency::pipe::CommandLine;
use mnas_space::SearchSpace;

use super::super::error::CliError;
use super::images::{absolute_data, largest_resolution};
use super::scoring;
use crate::report::Printer;
use crate::worker_client;

/// Starts all workers and waits until the first one has loaded its images.
pub(super) fn start_workers(
    config: &StudyConfig,
    space: &SearchSpace,
    folder: &StudyFolder,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<(WorkerPool, Ready), CliError> {
    let (device, pool) = match &config.evaluator {
        EvaluatorConfig::Train(training) => {
            let resolution = training.proxy.resolution(largest_resolution(space));
            let setup = worker_setup(training, resolution, folder);
            (training.train_device, WorkerPool::new(setup, &folder.logs()))
        }
        EvaluatorConfig::Proxy(scoring) => (scoring.train_device, scoring::pool(scoring, space, folder)),
        EvaluatorConfig::Table { .. } => return Err(CliError::failure("the study trains no networks")),
    };
    let Some((pool, ready)) = start_pool(config, device, pool, printer, cancel)? else {
        return Err(CliError::interrupted(
            "interrupted while the images were loaded; nothing was begun",
        ));
    };
    for skipped in &ready.skipped {
        printer.warning(&format!("skipped {skipped}"));
    }
    let count: usize = config.workers.iter().map(|worker| worker.count).sum();
    if count > config.lookahead {
        printer.warning(&format!(
            "{count} workers, but --lookahead limits candidates at once to {}: some workers will wait; raise --lookahead to keep them busy",
            config.lookahead
        ));
    }
    Ok((pool, ready))
}

/// Starts the workers of final trainings at up to `resolution` pixels, as many as train the trials; `None` when cancelled.
pub(super) fn start_final_workers(
    study: &Study,
    finals: &FinalsConfig,
    resolution: u32,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<Option<(WorkerPool, Ready)>, CliError> {
    let Some(training) = study.config().training() else {
        return Err(CliError::failure("the study trains no networks"));
    };
    let to_the_end = TrainConfig {
        data: DataRequest {
            images: finals.images,
            ..training.data.clone()
        },
        proxy: Proxy::DIRECT,
        recipe: finals.recipe.clone(),
        halving: None,
        signals: None,
        ..training.clone()
    };
    let setup = WorkerSetup {
        test: true,
        ..worker_setup(&to_the_end, resolution, study.folder())
    };
    let pool = WorkerPool::new(setup, &study.folder().logs());
    start_pool(study.config(), training.train_device, pool, printer, cancel)
}

/// Starts all workers of a study and waits until the first one has loaded its images; `None` when cancelled.
fn start_pool(
    config: &StudyConfig,
    device: TrainDevice,
    mut pool: WorkerPool,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<Option<(WorkerPool, Ready)>, CliError> {
    for (host, command) in worker_commands(config, device)? {
        pool.start(&host, command)?;
    }
    let bar = printer.progress("loading images", 0);
    let ready = pool.wait_for_data(&mut |done, total| {
        bar.set_total(total as u64);
        bar.set(done as u64);
        !cancel.load(Ordering::Relaxed)
    })?;
    Ok(ready.map(|ready| {
        bar.finish(&ready.description);
        (pool, ready)
    }))
}

/// The command line of every worker, with the name of its host.
fn worker_commands(config: &StudyConfig, device: TrainDevice) -> Result<Vec<(String, CommandLine)>, CliError> {
    let mut commands = Vec::new();
    for worker in &config.workers {
        let (host, command) = match &worker.command {
            Some(text) => {
                let command: CommandLine = text
                    .parse()
                    .map_err(|error| CliError::usage(format!("worker command `{text}`: {error}")))?;
                (text.clone(), command)
            }
            None => ("local".to_owned(), worker_client::command(device)?),
        };
        commands.extend((0..worker.count).map(|_| (host.clone(), command.clone())));
    }
    Ok(commands)
}

/// Set-up of workers of the study in `folder`, whose images are for trainings at up to `resolution` pixels.
fn worker_setup(training: &TrainConfig, resolution: u32, folder: &StudyFolder) -> WorkerSetup {
    let parent = training.parent.as_ref();
    let recipe = training.recipe.clone();
    WorkerSetup {
        prepare: ToWorker::Prepare {
            data: absolute_data(&training.data),
            resolution,
            augmentation: training.recipe.augmentation,
            threads: training.threads_per_worker,
        },
        proxy: training.proxy,
        recipe: match parent {
            Some(parent) => parent.taught(folder, recipe),
            None => recipe,
        },
        parent: parent.map(|parent| parent.fine_tuned(folder)),
        test: false,
    }
}
