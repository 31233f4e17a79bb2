//! From settings to a study that is ready to run: a new one with its data, latency tables and folder, or an existing one.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use mnas_engine::evaluator::{Evaluator, RecordedTable};
use mnas_engine::files;
use mnas_engine::problem::Problem;
use mnas_engine::study::{
    EvaluatorConfig, Study, StudyConfig, StudyFolder, WarmStartTarget, WorkerConfig, check_warm_start, problem_of,
};
use mnas_engine::training::DataRequest;
use mnas_engine::worker::Ready;
use mnas_latency::workload::{Purpose, fill_table};
use mnas_latency::{LatencyTable, ProfileOptions};
use mnas_space::SearchSpace;
use mnas_space::random::stream;

use super::super::device::OpenDevice;
use super::super::error::CliError;
use super::super::profile::ProfileProgress;
use super::arguments::SearchArguments;
use super::automatic;
use super::choices::Choices;
use super::feasibility::check_feasibility;
use super::placement;
use super::pretrained;
use super::resolve::{DataFacts, resolve};
use super::resumed;
use super::scoring;
use super::settings::{Settings, folder_of};
use super::signals;
use super::workers::start_workers;
use crate::report::Printer;
use crate::worker_client;

/// A study with its evaluator.
pub(super) struct Prepared {
    pub study: Study,
    pub evaluator: Box<dyn Evaluator>,
    /// Facts about the images, where candidates are trained.
    pub data: Option<Ready>,
    /// Time after which no trial is begun.
    pub time: Option<Duration>,
}

/// Sets up a new study; `None` after a dry run.
pub(super) fn begin(
    arguments: &SearchArguments,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<Option<Prepared>, CliError> {
    let began = Instant::now();
    let choices = Choices::of(arguments)?;
    let inspect = |data: &DataRequest| {
        let found = worker_client::inspect(data)?;
        Ok(DataFacts {
            is_demo: found.demo,
            is_small: found.side.is_some_and(|side| side <= 64),
        })
    };
    let mut settings = resolve(&choices, worker_client::LIBTORCH_VERSION, &inspect)?;
    let (space, space_toml) = settings.space.open()?;
    pretrained::check_space(&settings.config, &space)?;
    if let Some(table) = &settings.table {
        table
            .check_space(&space)
            .map_err(|error| CliError::config(error.to_string()))?;
    }
    check_warm_start(&choices.warm_start, &settings.out, &space)?;
    describe_devices(&mut settings.config, &arguments.tables.tables)?;
    // Refuses a folder that is in use before anything is measured.
    let folder = StudyFolder::create(&settings.out)?;
    let placement = share_out_cores(arguments, &mut settings, &space, printer)?;
    let Settings {
        mut config,
        table,
        out,
        profile_time,
        automatic,
        ..
    } = settings;
    let loading = Instant::now();
    let (mut evaluator, mut data) = if let Some(table) = table {
        (evaluator_of_table(table), None)
    } else {
        scoring::complete(&mut config, &space, printer, cancel)?;
        signals::complete(&mut config, &space);
        let (pool, ready) = start_workers(&config, &space, &folder, printer, cancel)?;
        config.classes = ready.classes.len() as u32;
        (Box::new(pool) as Box<dyn Evaluator>, Some(ready))
    };
    let loading = loading.elapsed();
    if automatic.is_none() {
        announce(printer, &config, &space, data.as_ref(), folder.root());
    }
    let tables = &arguments.tables.tables;
    for index in 0..config.devices.len() {
        let measured = measure_layers(&config, index, &space, profile_time, tables, printer, cancel)?;
        freeze(&measured, &folder.latency_table(index))?;
    }
    let problem = problem_of(&folder, &config, space)?;
    check_feasibility(printer, &problem)?;
    if let (Some(automatic), Some(ready)) = (&automatic, &data) {
        // The images are loaded once more.
        let preparation = began.elapsed() + loading;
        automatic.decide(&mut config, &problem, ready, preparation, printer)?;
        drop(evaluator);
        let (pool, ready) = start_workers(&config, &problem.space, &folder, printer, cancel)?;
        (evaluator, data) = (Box::new(pool), Some(ready));
        announce(printer, &config, &problem.space, data.as_ref(), folder.root());
    }
    if arguments.dry_run {
        printer.result(&plan(&config, &problem, &out, &placement))?;
        return Ok(None);
    }
    let warm_start = WarmStartTarget {
        root: &out,
        config: &config,
        problem: &problem,
        data: data.as_ref(),
    }
    .collect(&choices.warm_start)?;
    for one in &warm_start.studies {
        printer.status(&format!(
            "begins with {} results of {}",
            one.trials,
            one.study.display()
        ));
    }
    pretrained::fine_tune(&config, &folder, printer, cancel)?;
    let study = Study::create_from(folder, config, problem, &space_toml, warm_start)?;
    signals::attach(study.config(), study.problem(), printer);
    let time = automatic::search_time(study.config(), study.state()).or(choices.time);
    Ok(Some(Prepared {
        study,
        evaluator,
        data,
        time,
    }))
}

/// Opens a study to continue it; `None` after a dry run.
pub(super) fn resume(
    arguments: &SearchArguments,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<Option<Prepared>, CliError> {
    let choices = Choices::of(arguments)?;
    let mut study = Study::open(StudyFolder::open(&folder_of(&choices)?)?)?;
    let config = study.config().clone();
    let space = study.problem().space.clone();
    let contradictions = resumed::contradictions(&choices, &config, &space.name)?;
    if !contradictions.is_empty() {
        let root = study.folder().root().display();
        return Err(CliError::config(format!(
            "these choices contradict the study in {root}: {}",
            contradictions.join(", ")
        ))
        .with_help("they are part of a study: leave them out to continue it, or start another one without --resume"));
    }
    let trials = choices.trials.unwrap_or(config.trials);
    let config = StudyConfig {
        trials,
        workers: resumed::resumed_workers(&choices, &config),
        ..config
    };
    config.check()?;
    let finals = resumed::resumed_finals(&choices, &config, study.state())?;
    let (evaluator, data) = match &config.evaluator {
        EvaluatorConfig::Table { path } => {
            let table = RecordedTable::read(path).map_err(|error| CliError::config(error.to_string()))?;
            (evaluator_of_table(table), None)
        }
        EvaluatorConfig::Train(_) | EvaluatorConfig::Proxy(_) => {
            let (pool, ready) = start_workers(&config, &space, study.folder(), printer, cancel)?;
            (Box::new(pool) as Box<dyn Evaluator>, Some(ready))
        }
    };
    announce(printer, &config, &space, data.as_ref(), study.folder().root());
    if arguments.dry_run {
        printer.result(&plan(
            &config,
            study.problem(),
            study.folder().root(),
            "as the study began",
        ))?;
        return Ok(None);
    }
    if trials != study.config().trials {
        study.set_trials(trials)?;
    }
    if let Some(finals) = finals {
        study.set_finals(finals)?;
    }
    signals::attach(study.config(), study.problem(), printer);
    let planned = automatic::search_time(study.config(), study.state());
    let time = choices.time.or(planned.filter(|_| choices.trials.is_none()));
    Ok(Some(Prepared {
        study,
        evaluator,
        data,
        time,
    }))
}

fn evaluator_of_table(table: RecordedTable) -> Box<dyn Evaluator> {
    Box::new(table.evaluator())
}

/// Notes the runtime of each device.
fn describe_devices(config: &mut StudyConfig, tables: &Path) -> Result<(), CliError> {
    for device in &mut config.devices {
        device.runtime = OpenDevice::open(&device.name, tables)?.describe();
    }
    Ok(())
}

/// Chooses workers and their threads by measuring, where the user did not; returns the reason for the choice.
fn share_out_cores(
    arguments: &SearchArguments,
    settings: &mut Settings,
    space: &SearchSpace,
    printer: &Printer,
) -> Result<String, CliError> {
    let is_open = settings.workers_are_open;
    let EvaluatorConfig::Train(training) = &mut settings.config.evaluator else {
        return Ok("nothing is trained".to_owned());
    };
    if !is_open {
        return Ok("as requested".to_owned());
    }
    let drawn = space.express(&space.sample(&mut stream(0, "placement", 0, 0)), 10);
    let network = training.proxy.apply(&drawn);
    let found = placement::choose(&arguments.tables.tables, &network, training.recipe.batch_size, printer)?;
    training.threads_per_worker = found.threads;
    settings.config.workers = vec![WorkerConfig {
        command: None,
        count: found.workers,
    }];
    printer.status(&format!(
        "workers: {}, threads of each: {} ({})",
        found.workers, found.threads, found.reason
    ));
    Ok(found.reason)
}

/// Measures layers on a device of the study until its table is good enough for the space and the budget.
fn measure_layers(
    config: &StudyConfig,
    index: usize,
    space: &SearchSpace,
    time: Duration,
    tables: &Path,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<LatencyTable, CliError> {
    let device = &config.devices[index];
    let mut opened = OpenDevice::open(&device.name, tables)?;
    let purpose = Purpose {
        space,
        classes: config.classes,
        budget_ms: device.budget.map(|budget| budget.0),
        seed: config.seed,
    };
    filled_table(&mut opened, purpose, time, printer, cancel)
}

/// The table of a device, filled for a purpose within about `time`.
pub(super) fn filled_table(
    opened: &mut OpenDevice,
    purpose: Purpose<'_>,
    time: Duration,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<LatencyTable, CliError> {
    let options = ProfileOptions {
        seed: purpose.seed,
        ..ProfileOptions::quick()
    };
    let mut table = opened.table(&options.measure)?;
    let mut bars = ProfileProgress::new(printer);
    let mut observer = |event: mnas_latency::ProfileEvent<'_>| bars.on_event(&event);
    let runtime = opened.runtime.as_mut();
    let filled = fill_table(&mut table, runtime, purpose, &options, time, cancel, &mut observer)?;
    bars.finish();
    if !filled.complete {
        return Err(CliError::interrupted(format!(
            "interrupted before the search began; the {} layers measured so far are kept in {}",
            table.len(),
            opened.folder.display()
        )));
    }
    Ok(table)
}

/// Copies a table's files, so that later measurements do not change the table of a study.
fn freeze(table: &LatencyTable, into: &Path) -> Result<(), CliError> {
    files::create_folder(into)?;
    for (name, content) in table.files()? {
        files::write_atomically(&into.join(name), &content)?;
    }
    Ok(())
}

fn announce(printer: &Printer, config: &StudyConfig, space: &SearchSpace, data: Option<&Ready>, root: &Path) {
    let devices: Vec<String> = config
        .devices
        .iter()
        .map(|device| match device.budget {
            Some(budget) => format!("budget {budget} on {} ({})", device.name, device.runtime),
            None => format!("latency on {} ({})", device.name, device.runtime),
        })
        .collect();
    let devices = match config.reward {
        Some(reward) => vec![format!(
            "{}, weighed: accuracy x (latency / budget)^w with w = {reward}",
            devices.join(", ")
        )],
        None => devices,
    };
    let devices = if devices.is_empty() {
        "no device".to_owned()
    } else {
        devices.join(", ")
    };
    printer.status(&format!("study {} in {}: {devices}", config.name, root.display()));
    let digits = space.size().to_string();
    printer.status(&format!(
        "space {}: about 10^{} networks; {} search, {} candidates, seed {}",
        space.name,
        digits.len() - 1,
        config.strategy.name(),
        config.trials,
        config.seed
    ));
    printer.status(&config.fidelity(data.map(|data| (data.train, data.val))));
    let references = config.reference_points(space);
    if let Some(plan) = automatic::describe(config, references) {
        printer.status(&plan);
    }
    if data.is_some_and(|data| data.demo) {
        printer.status("these are synthetic demo images; give your own with --data");
    }
}

fn plan(config: &StudyConfig, problem: &Problem, out: &Path, why: &str) -> String {
    let references = config.reference_points(&problem.space);
    let how = match config.training() {
        Some(training) => {
            let workers: usize = config.workers.iter().map(|worker| worker.count).sum();
            format!(
                "would train {} candidates and up to {references} references with {} in {}; nothing was trained\n\
                 on {}; workers: {workers}, threads of each: {} ({why})",
                config.trials,
                training.recipe.name,
                out.display(),
                training.train_device,
                training.threads_per_worker
            )
        }
        None if config.scoring().is_some() => format!(
            "would score {} candidates in {}; nothing was evaluated",
            config.trials,
            out.display()
        ),
        None => format!(
            "would look up {} candidates and up to {references} references in {}; nothing was evaluated",
            config.trials,
            out.display()
        ),
    };
    let finals = config.training().and_then(|training| training.finals.as_ref());
    let to_the_end = finals
        .filter(|finals| finals.count > 0)
        .map_or_else(String::new, |finals| {
            format!(
                "\nthen the {} best and the references within the budget in full, as deployed, with {} ({} epochs)",
                finals.count, finals.recipe.name, finals.recipe.epochs
            )
        });
    format!("{how}{to_the_end}\n\n{}", config.to_toml())
}
