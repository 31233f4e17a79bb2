//! Up to the first trial: a new study with its data, latency table and folder, or an existing one opened.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use mnas_latency::ProfileOptions;
use mnas_space::SearchSpace;

use super::super::device::OpenDevice;
use super::super::error::{CliError, ExitCode};
use super::super::profile::ProfileProgress;
use super::super::{plot, space};
use super::placement;
use super::settings::{Settings, default_workers};
use super::{SearchArguments, Study};
use crate::report::Printer;
use crate::worker_client;
use mnas_engine::files;
use mnas_engine::random::stream;
use mnas_engine::study::{LatencyModel, Purpose, StudyConfig, StudyError, StudyFolder, fill_table, freeze};
use mnas_engine::worker::{Pool, PoolEvent, Ready, ToWorker, WorkerCommand};

/// Sets up a new study; `None` after a dry run.
pub(super) fn begin(
    arguments: &SearchArguments,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<Option<Study>, CliError> {
    let describe = |device: &str| OpenDevice::open(device, &arguments.tables.tables).map(|opened| opened.describe());
    let mut settings = arguments.settings(&describe)?;
    let (space, space_text) = space::open(&settings.space)?;
    let placement = share_out_cores(arguments, &mut settings, &space, printer)?;
    let config = settings.config;
    let folder = StudyFolder::create(&settings.out)?;
    // Locked first: another process that is setting up here must not lose its folder to this one's clean-up.
    let lock = folder.lock()?;
    let folder = NewFolder { folder, keep: false };
    let mut pool = pool(arguments, &config, &space, &folder.folder)?;
    let ready = first_ready(&mut pool, printer, cancel, &folder.folder)?;
    let classes = ready.classes.len() as u32;
    introduce(printer, &config, &space, &ready, &folder.folder);
    let mut opened = OpenDevice::open(&config.device, &arguments.tables.tables)?;
    let options = ProfileOptions {
        seed: config.seed,
        ..ProfileOptions::quick()
    };
    let mut table = opened.table(&options.measure)?;
    let purpose = Purpose {
        space: &space,
        classes,
        budget_ms: Some(config.budget.0),
        seed: config.seed,
    };
    let mut bars = ProfileProgress::new(printer);
    let hear = &mut |event: mnas_latency::ProfileEvent<'_>| bars.hear(&event);
    let runtime = opened.runtime.as_mut();
    let filled = fill_table(
        &mut table,
        runtime,
        purpose,
        &options,
        arguments.profile_time,
        cancel,
        hear,
    )?;
    bars.finish();
    if !filled.complete {
        return Err(CliError::interrupted(format!(
            "interrupted before the search began; the {} layers measured so far are kept in {}",
            table.len(),
            opened.folder.display()
        )));
    }
    freeze(&table, &folder.folder.latency())?;
    let latency = LatencyModel::load(&folder.folder.latency())?;
    check_budget(printer, &config, &space, &latency, classes)?;
    if arguments.dry_run {
        printer.result(&plan(&config, &space, &settings.out, settings.workers, &placement))?;
        return Ok(None);
    }
    files::write_atomically(&folder.folder.space(), space_text.as_bytes())?;
    files::write_atomically(&folder.folder.config(), config.to_toml().as_bytes())?;
    let folder = folder.keep();
    Ok(Some(Study {
        folder,
        _lock: lock,
        config,
        space,
        latency,
        pool,
        ready,
        workers: settings.workers,
    }))
}

/// Decides workers and their threads where nobody did; says why they are as they are.
///
/// How many trainings a candidate is proposed ahead of does not follow from it: that would make a search's course a matter of timing.
fn share_out_cores(
    arguments: &SearchArguments,
    settings: &mut Settings,
    space: &SearchSpace,
    printer: &Printer,
) -> Result<String, CliError> {
    if !settings.workers_are_open {
        return Ok("as asked for".to_owned());
    }
    let config = &mut settings.config;
    let drawn = space.express(&space.sample(&mut stream(0, "placement", 0, 0)), 10);
    let network = config.proxy.apply(&drawn);
    let found = placement::choose(&arguments.tables.tables, &network, config.recipe.batch_size, printer)?;
    settings.workers = found.workers;
    config.threads_per_worker = found.threads;
    printer.status(&format!(
        "workers: {}, threads of each: {} ({})",
        found.workers, found.threads, found.reason
    ));
    Ok(found.reason)
}

/// Opens a study to go on with it.
pub(super) fn resume(
    arguments: &SearchArguments,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<Option<Study>, CliError> {
    let folder = StudyFolder::open(&arguments.folder_to_resume()?)?;
    let lock = folder.lock()?;
    let (mut config, _) = plot::load(&folder)?;
    let path = folder.space();
    let text = files::read_text(&path).map_err(|error| CliError::config(error.to_string()))?;
    let space = SearchSpace::from_toml(&text).map_err(|error| CliError::document(&path, &text, &error))?;
    let is_extended = arguments.trials.is_some_and(|trials| trials != config.trials);
    if let Some(trials) = arguments.trials {
        config.trials = trials;
        config.check()?;
    }
    if arguments.budget.is_some_and(|budget| budget != config.budget) {
        return Err(CliError::config(format!(
            "the study in {} has a budget of {}",
            folder.root().display(),
            config.budget
        ))
        .with_help("a budget is part of a study; start another one without --resume"));
    }
    let latency = LatencyModel::load(&folder.latency())?;
    let workers = arguments
        .workers
        .unwrap_or_else(|| default_workers(config.train_device, config.threads_per_worker))
        .max(1);
    let mut pool = pool(arguments, &config, &space, &folder)?;
    let ready = first_ready(&mut pool, printer, cancel, &folder)?;
    introduce(printer, &config, &space, &ready, &folder);
    if arguments.dry_run {
        printer.result(&plan(&config, &space, folder.root(), workers, "as the study began"))?;
        return Ok(None);
    }
    if is_extended {
        files::write_atomically(&folder.config(), config.to_toml().as_bytes())?;
    }
    Ok(Some(Study {
        folder,
        _lock: lock,
        config,
        space,
        latency,
        pool,
        ready,
        workers,
    }))
}

/// A new study's folder, removed again unless the study comes about.
struct NewFolder {
    folder: StudyFolder,
    keep: bool,
}

impl NewFolder {
    fn keep(mut self) -> StudyFolder {
        self.keep = true;
        self.folder.clone()
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.keep {
            // It was empty or absent before; nothing of value is in it yet.
            let _ = std::fs::remove_dir_all(self.folder.root());
        }
    }
}

fn pool(
    arguments: &SearchArguments,
    config: &StudyConfig,
    space: &SearchSpace,
    folder: &StudyFolder,
) -> Result<Pool, CliError> {
    let command = match &arguments.worker_command {
        Some(command) => command
            .parse()
            .map_err(|_| CliError::usage("--worker-command is empty"))?,
        None => worker_client::command(config.train_device)?,
    };
    let command = WorkerCommand(command);
    let largest = space
        .families
        .iter()
        .flat_map(|family| &family.resolutions)
        .copied()
        .max()
        .unwrap_or(224);
    let mut data = config.data.clone();
    if data.path != Path::new("demo") {
        data.path = std::path::absolute(&data.path).unwrap_or(data.path);
    }
    let prepare = ToWorker::Prepare {
        data,
        resolution: config.proxy.resolution(largest),
        augmentation: config.recipe.augmentation,
        threads: config.threads_per_worker,
    };
    Ok(Pool::new(command, prepare, &folder.logs()))
}

/// Starts one worker and waits until it has loaded the images.
fn first_ready(
    pool: &mut Pool,
    printer: &Printer,
    cancel: &AtomicBool,
    folder: &StudyFolder,
) -> Result<Ready, CliError> {
    pool.grow(1).map_err(StudyError::Pool)?;
    let bar = printer.progress("loading images", 0);
    loop {
        if cancel.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(CliError::interrupted(
                "interrupted while the images were loaded; nothing was begun",
            ));
        }
        match pool.next(Duration::from_millis(100)) {
            Some(PoolEvent::Ready { ready, .. }) => {
                bar.finish(&ready.description);
                for skipped in &ready.skipped {
                    printer.warning(&format!("skipped {skipped}"));
                }
                return Ok(*ready);
            }
            Some(PoolEvent::Loading { done, total }) => {
                bar.set_total(total as u64);
                bar.set(done as u64);
            }
            Some(PoolEvent::Refused { reason }) => return Err(StudyError::Data { reason }.into()),
            Some(PoolEvent::Died { reason, .. }) => {
                return Err(StudyError::Workers {
                    reason,
                    logs: folder.logs(),
                }
                .into());
            }
            Some(PoolEvent::Trial { .. }) | None => {}
        }
    }
}

fn introduce(printer: &Printer, config: &StudyConfig, space: &SearchSpace, ready: &Ready, folder: &StudyFolder) {
    printer.status(&format!(
        "study {} in {}: budget {} on {} ({})",
        config.name,
        folder.root().display(),
        config.budget,
        config.device,
        config.versions.runtime
    ));
    let digits = space.size().to_string();
    printer.status(&format!(
        "space {}: about 10^{} networks; {} search, {} candidates, seed {}",
        space.name,
        digits.len() - 1,
        config.strategy.name(),
        config.trials,
        config.seed
    ));
    printer.status(&config.fidelity(ready.train, ready.val));
    if ready.demo {
        printer.status("these are synthetic demo images; give your own with --data");
    }
}

/// Refuses a budget that no network of the space meets, before anything is trained.
fn check_budget(
    printer: &Printer,
    config: &StudyConfig,
    space: &SearchSpace,
    latency: &LatencyModel,
    classes: u32,
) -> Result<(), CliError> {
    let (fastest, prediction) = latency.fastest(space, classes);
    if prediction.latency > config.budget {
        let message = format!(
            "no network of space {} meets the budget of {} on {}: the fastest one takes {} (predicted from measured layers)",
            space.name, config.budget, config.device, prediction.latency
        );
        let help = format!(
            "the fastest network is {}\nraise the budget, or choose a smaller space with --space",
            fastest.architecture
        );
        return Err(CliError::new(ExitCode::NoNetworkFits, message).with_help(help));
    }
    printer.status(&format!(
        "the fastest network of the space takes {}: the budget can be met",
        prediction.latency
    ));
    Ok(())
}

fn plan(config: &StudyConfig, space: &SearchSpace, out: &Path, workers: usize, why: &str) -> String {
    format!(
        "would train {} candidates and up to {} references with {} in {}; nothing was trained\n\
         on {}; workers: {workers}, threads of each: {} ({why})\n\n{}",
        config.trials,
        config.references.per_network * space.references.len(),
        config.recipe.name,
        out.display(),
        config.train_device,
        config.threads_per_worker,
        config.to_toml()
    )
}
