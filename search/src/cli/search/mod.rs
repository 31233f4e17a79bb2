//! `mnas search`

mod progress;
mod settings;

pub use settings::SearchArguments;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use mnas_latency::ProfileOptions;
use mnas_space::SearchSpace;
use serde::Serialize;

use super::device::{OpenDevice, checking_runtime};
use super::error::{CliError, ExitCode};
use super::profile::ProfileProgress;
use super::train::num_cores;
use super::{cancel_flag, plot, space};
use crate::files;
use crate::report::{Printer, ReportRow, closing_table, units};
use crate::study::{
    BestFiles, Coordinator, Ended, Event, Journal, LatencyModel, Outcome, Purpose, StudyConfig, StudyError,
    StudyFolder, StudyState, fill_table, freeze, measure_winners, outcome, redraw, write_best,
};
use crate::worker::{Pool, PoolEvent, Ready, ToWorker, WorkerCommand};
use progress::SearchProgress;

pub fn run(arguments: &SearchArguments, printer: &Printer) -> Result<(), CliError> {
    let cancel = cancel_flag()?;
    let study = if arguments.resume {
        resume(arguments, printer, &cancel)?
    } else {
        begin(arguments, printer, &cancel)?
    };
    let Some(study) = study else { return Ok(()) };
    study.run(arguments, printer, &cancel)
}

/// A study that is ready to run: everything it follows from is on disk.
struct Study {
    folder: StudyFolder,
    /// Held while this process works on the study.
    _lock: std::fs::File,
    config: StudyConfig,
    space: SearchSpace,
    latency: LatencyModel,
    pool: Pool,
    ready: Ready,
    workers: usize,
}

/// Sets up a new study; `None` after a dry run.
fn begin(arguments: &SearchArguments, printer: &Printer, cancel: &AtomicBool) -> Result<Option<Study>, CliError> {
    let describe = |device: &str| OpenDevice::open(device, &arguments.tables.tables).map(|opened| opened.describe());
    let settings = arguments.settings(&describe)?;
    let config = settings.config;
    let (space, space_text) = space::open(&settings.space)?;
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
    if !filled {
        return Err(CliError::interrupted(format!(
            "interrupted before the search began; the {} layers measured so far are kept in {}",
            table.len(),
            opened.folder.display()
        )));
    }
    freeze(&opened.folder, &folder.folder.latency())?;
    let latency = LatencyModel::load(&folder.folder.latency())?;
    check_budget(printer, &config, &space, &latency, classes)?;
    if arguments.dry_run {
        printer.result(&plan(&config, &space, &settings.out))?;
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

/// Opens a study to go on with it.
fn resume(arguments: &SearchArguments, printer: &Printer, cancel: &AtomicBool) -> Result<Option<Study>, CliError> {
    let folder = StudyFolder::open(&arguments.folder_to_resume()?)?;
    let lock = folder.lock()?;
    let (mut config, _) = plot::load(&folder)?;
    let path = folder.space();
    let text = files::read_text(&path).map_err(|error| CliError::config(error.to_string()))?;
    let space = SearchSpace::from_toml(&text).map_err(|error| CliError::document(&path, &text, &error))?;
    if let Some(trials) = arguments.trials.filter(|&trials| trials != config.trials) {
        config.trials = trials;
        config.check()?;
        files::write_atomically(&folder.config(), config.to_toml().as_bytes())?;
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
    let workers = arguments.workers.unwrap_or_else(num_cores).max(1);
    let mut pool = pool(arguments, &config, &space, &folder)?;
    let ready = first_ready(&mut pool, printer, cancel, &folder)?;
    introduce(printer, &config, &space, &ready, &folder);
    if arguments.dry_run {
        printer.result(&plan(&config, &space, folder.root()))?;
        return Ok(None);
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
        Some(command) => {
            let mut words = command.split_whitespace().map(str::to_owned);
            let program = words
                .next()
                .ok_or_else(|| CliError::usage("--worker-command is empty"))?;
            WorkerCommand {
                program: program.into(),
                arguments: words.collect(),
            }
        }
        None => WorkerCommand {
            program: std::env::current_exe()?,
            arguments: vec!["worker".to_owned()],
        },
    };
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
            Some(PoolEvent::Trial(_)) | None => {}
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

fn plan(config: &StudyConfig, space: &SearchSpace, out: &Path) -> String {
    format!(
        "would train {} candidates and up to {} references with {} in {}; nothing was trained\n\n{}",
        config.trials,
        config.references.per_network * space.references.len(),
        config.recipe.name,
        out.display(),
        config.to_toml()
    )
}

impl Study {
    fn run(mut self, arguments: &SearchArguments, printer: &Printer, cancel: &AtomicBool) -> Result<(), CliError> {
        let (mut journal, events) = Journal::open(&self.folder.journal())?;
        let mut state = StudyState::replay(&events).map_err(|problem| StudyError::Contradiction {
            path: self.folder.journal(),
            problem,
        })?;
        self.check_data(&mut journal, &mut state)?;
        self.pool.grow(self.workers).map_err(StudyError::Pool)?;
        let settled = state.trials.values().filter(|trial| trial.is_settled()).count();
        let references = self.config.references.per_network * self.space.references.len();
        let mut progress = SearchProgress::new(printer, settled, self.config.trials + references);
        let coordinator = Coordinator {
            config: &self.config,
            space: &self.space,
            folder: &self.folder,
            latency: &self.latency,
            classes: self.ready.classes.len() as u32,
            deadline: arguments.time.map(|time| Instant::now() + time),
            cancel,
        };
        let report = coordinator.run(&mut journal, &mut state, &mut self.pool, &mut |event| {
            progress.hear(&event);
        })?;
        progress.finish(&format!(
            "{} trials settled",
            state.trials.values().filter(|trial| trial.is_settled()).count()
        ));
        drop(self.pool);
        if report.ended == Ended::Interrupted {
            redraw(&self.folder, &outcome(&self.config, &state))?;
            return Err(interrupted(&self.folder));
        }
        if report.ended == Ended::Exhausted {
            printer.warning("no further network within the budget was found; the space is used up");
        }
        let measured = measure(
            &self.config,
            &mut state,
            &mut journal,
            &arguments.tables.tables,
            printer,
            cancel,
        )?;
        let shown = outcome(&self.config, &state);
        let paths = redraw(&self.folder, &shown)?;
        if !measured {
            return Err(interrupted(&self.folder));
        }
        let best = write_best(&self.folder, &state, &shown, checking_runtime().as_ref())?;
        conclude(arguments, printer, &self.config, &self.folder, &shown, &best, &paths)
    }

    /// Notes what was loaded, or compares it with what the study began with.
    fn check_data(&self, journal: &mut Journal, state: &mut StudyState) -> Result<(), CliError> {
        match &state.data {
            None => {
                let event = Event::Data(Box::new(self.ready.clone()));
                journal.append(&event)?;
                state.data = Some(self.ready.clone());
                Ok(())
            }
            Some(before) => {
                let facts = |ready: &Ready| (ready.classes.clone(), ready.train, ready.val);
                if facts(before) == facts(&self.ready) {
                    return Ok(());
                }
                let (before, now) = (before.description.clone(), self.ready.description.clone());
                Err(StudyError::DataChanged { before, now }.into())
            }
        }
    }
}

fn interrupted(folder: &StudyFolder) -> CliError {
    CliError::interrupted("interrupted; every finished trial is saved").with_help(format!(
        "go on with: mnas search --resume --out {}",
        folder.root().display()
    ))
}

/// Measures the winners whole; false when cancelled. A device that is not this machine's table any more is a warning:
/// the study stands, on predictions.
fn measure(
    config: &StudyConfig,
    state: &mut StudyState,
    journal: &mut Journal,
    tables: &Path,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<bool, CliError> {
    let opened = OpenDevice::open(&config.device, tables).and_then(|mut opened| {
        let table = opened.table(&ProfileOptions::quick().measure)?;
        Ok((opened, table))
    });
    let (mut opened, mut table) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            printer.warning(&format!("winners are not measured: {error}"));
            return Ok(true);
        }
    };
    let mut bars = ProfileProgress::new(printer);
    let hear = &mut |event: mnas_latency::ProfileEvent<'_>| bars.hear(&event);
    let complete = measure_winners(
        config,
        state,
        journal,
        &mut table,
        opened.runtime.as_mut(),
        cancel,
        hear,
    )?;
    bars.finish();
    Ok(complete)
}

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
            accuracy: row.accuracy,
            latency_ms: row.latency_ms,
            measured_ms: row.measured_ms,
            params: row.params,
            macs: row.macs,
        }
    }
}

fn conclude(
    arguments: &SearchArguments,
    printer: &Printer,
    config: &StudyConfig,
    folder: &StudyFolder,
    shown: &Outcome,
    best: &BestFiles,
    paths: &[PathBuf],
) -> Result<(), CliError> {
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
            if !config.proxy.is_direct() {
                printer.status(&format!(
                    "its weights come from the proxy; train it as deployed: mnas train {} --data …",
                    folder.best().join("architecture.toml").display()
                ));
            }
        }
        BestFiles::WithoutWeights => printer.warning("the best network's weights are gone; train it with mnas train"),
        BestFiles::None => printer.warning("no trained candidate is within the budget"),
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
        let latency = row.decisive_latency_ms().map_or_else(String::new, units::milliseconds);
        printer.result(&format!(
            "best under {}: {} with {} at {latency}\n{}",
            config.budget,
            row.label(),
            row.accuracy.map_or_else(String::new, units::percent),
            row.architecture
        ))?;
    }
    Ok(())
}
