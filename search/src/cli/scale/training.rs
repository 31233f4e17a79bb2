//! Trainings of scaled networks, one after the other, kept in a file so that an interrupted command goes on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use mnas_engine::files;
use mnas_engine::training::{Proxy, Recipe, TrainDevice};
use mnas_engine::worker::{CheckpointRequest, FromWorker, Ready, ToWorker, TrainRequest, TrainResult};
use mnas_space::Architecture;
use serde::{Deserialize, Serialize};

use super::accuracies::{Accuracies, Estimate};
use crate::cli::cancel_flag;
use crate::cli::clock::Clock;
use crate::cli::data::DataArguments;
use crate::cli::error::CliError;
use crate::cli::train::{load_images, num_cores, open_recipe_for};
use crate::report::{Printer, Progress, units};
use crate::worker_client::{WorkerClient, WorkerError, inspect};

/// Results of trainings in the folder of a scaling: a line with their setting, then a line for each network.
const RESULTS: &str = "trainings.jsonl";

/// Time between two savings of a checkpoint; shorter trainings are repeated instead.
const SAVE_EVERY: Duration = Duration::from_mins(1);

/// Selection of the sizes to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TrainedSizes {
    /// Sizes within the budget that no other one there exceeds in width, depth and resolution
    Largest,
    /// Every size within the budget
    All,
}

/// Flags of trained accuracies.
#[derive(Debug, Args)]
pub struct TrainingArguments {
    /// Compare accuracies after a training on --data instead of predicted ones; of the sizes within the budget, `largest` are
    /// those that no other one exceeds in width, depth and resolution
    #[arg(long, value_name = "SIZES", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "largest")]
    pub train: Option<TrainedSizes>,
    #[command(flatten)]
    data: DataArguments,
    /// Recipe of the trainings: one that comes with mnas, or a TOML file
    #[arg(long, default_value = "quick", requires = "train")]
    recipe: String,
    /// Epochs, in place of the recipe's
    #[arg(long, requires = "train")]
    epochs: Option<u32>,
    /// Seed of every training
    #[arg(long, default_value_t = 0, requires = "train")]
    seed: u64,
    /// Device that libtorch trains on: cpu, cuda, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t, requires = "train")]
    train_device: TrainDevice,
    /// libtorch's threads [default: all cores]
    #[arg(long, requires = "train")]
    threads: Option<usize>,
}

impl TrainingArguments {
    /// Refuses images without trainings.
    pub fn check(&self) -> Result<(), CliError> {
        if self.train.is_none() && self.data.is_given() {
            return Err(CliError::usage("--data is read by trainings only").with_help(
                "add --train to compare trained accuracies, or leave out --data to compare predicted ones",
            ));
        }
        Ok(())
    }

    /// Number of classes of the images.
    pub fn classes(&self) -> Result<usize, CliError> {
        Ok(inspect(&self.data.request(None))?.classes.len())
    }

    /// Trains `networks` and returns their accuracies; those that an earlier command left in `folder` are not trained again.
    pub fn train(&self, networks: &[Architecture], folder: &Path, printer: &Printer) -> Result<Accuracies, CliError> {
        let recipe = open_recipe_for(&self.recipe, self.epochs)?;
        let cancel = cancel_flag()?;
        let mut worker = WorkerClient::start(self.train_device)?;
        let prepare = ToWorker::Prepare {
            data: self.data.request(None),
            resolution: networks.iter().map(|network| network.resolution).max().unwrap_or(0),
            augmentation: recipe.augmentation,
            threads: self.threads.unwrap_or_else(num_cores),
        };
        let ready = load_images(&mut worker, &prepare, &cancel, printer)?;
        let setting = Setting {
            recipe,
            seed: self.seed,
            images: ready.fingerprint.clone(),
        };
        files::create_folder(folder)?;
        let mut results = Results::open(folder.join(RESULTS), setting)?;
        let left: Vec<&Architecture> = networks.iter().filter(|network| !results.contains(network)).collect();
        printer.status(&format!(
            "{} networks to compare, {} of them trained before; {} each of {} images, one after the other",
            networks.len(),
            networks.len() - left.len(),
            units::epochs(results.setting.recipe.epochs),
            ready.train
        ));
        let mut bar = TrainingsBar::start(printer, &left, results.setting.recipe.epochs);
        for network in left {
            let request = ToWorker::Train(Box::new(results.request(network, folder)));
            let trained = worker.request_cancellable(&request, &cancel, &mut |message| bar.update(&message));
            match trained {
                Ok(FromWorker::Done(result)) => results.add(network, &result)?,
                Ok(other) => return Err(WorkerError::unexpected(&other).into()),
                Err(WorkerError::Interrupted { .. }) => return Err(interrupted(folder)),
                Err(error) => return Err(error.into()),
            }
            bar.complete();
        }
        bar.finish();
        Ok(results.accuracies(&ready))
    }
}

fn interrupted(folder: &Path) -> CliError {
    CliError::interrupted(format!(
        "interrupted; everything is saved in {}, and the same command goes on",
        folder.display()
    ))
}

/// Setting that all trainings of a file share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Setting {
    recipe: Recipe,
    seed: u64,
    /// Fingerprint of the images.
    images: String,
}

/// Result of one training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    id: String,
    architecture: String,
    top1: f64,
    validation_images: usize,
    seconds: f64,
}

/// Results of trainings and the file that holds them.
#[derive(Debug)]
struct Results {
    path: PathBuf,
    setting: Setting,
    lines: Vec<Line>,
}

impl Results {
    /// Reads the file if there is one; refuses one of another setting.
    fn open(path: PathBuf, setting: Setting) -> Result<Self, CliError> {
        let mut results = Self {
            path,
            setting,
            lines: Vec::new(),
        };
        if !results.path.exists() {
            return Ok(results);
        }
        let text = files::read_text(&results.path)?;
        let mut lines = text.lines();
        let stored: Option<Setting> = lines.next().and_then(|line| serde_json::from_str(line).ok());
        if stored.as_ref() != Some(&results.setting) {
            return Err(CliError::config(format!(
                "{} holds trainings of another recipe, seed or other images",
                results.path.display()
            ))
            .with_help("give another --out, or remove the file to train again"));
        }
        let parsed: Result<Vec<Line>, _> = lines.map(serde_json::from_str).collect();
        results.lines = parsed.map_err(|error| {
            CliError::config(format!("{} is damaged: {error}", results.path.display()))
                .with_help("remove the file to train again")
        })?;
        Ok(results)
    }

    fn contains(&self, network: &Architecture) -> bool {
        let id = network.id().to_string();
        self.lines.iter().any(|line| line.id == id)
    }

    fn request(&self, network: &Architecture, folder: &Path) -> TrainRequest {
        TrainRequest {
            start_from: None,
            parent: None,
            normalization: None,
            architecture: network.to_string(),
            proxy: Proxy::DIRECT,
            recipe: self.setting.recipe.clone(),
            seed: self.setting.seed,
            weights: None,
            checkpoint: Some(CheckpointRequest {
                path: folder.join("training.checkpoint"),
                every: SAVE_EVERY,
                is_temporary: true,
            }),
            validate_every_epoch: false,
            test: false,
        }
    }

    fn add(&mut self, network: &Architecture, result: &TrainResult) -> Result<(), CliError> {
        self.lines.push(Line {
            id: network.id().to_string(),
            architecture: network.to_string(),
            top1: result.accuracy,
            validation_images: result.validation_images,
            seconds: result.seconds,
        });
        let mut text = serde_json::to_string(&self.setting).expect("settings are plain data");
        for line in &self.lines {
            text.push('\n');
            text.push_str(&serde_json::to_string(line).expect("results are plain data"));
        }
        text.push('\n');
        Ok(files::write_atomically(&self.path, text.as_bytes())?)
    }

    fn accuracies(&self, ready: &Ready) -> Accuracies {
        let estimate = |line: &Line| Estimate::of_sample(line.top1, line.validation_images);
        let results: HashMap<String, Estimate> = self
            .lines
            .iter()
            .map(|line| (line.id.clone(), estimate(line)))
            .collect();
        Accuracies::Trained {
            origin: format!(
                "top-1 on {} validation images of {} after {} epochs of recipe {} on {} images, seed {}",
                ready.val,
                ready.name,
                self.setting.recipe.epochs,
                self.setting.recipe.name,
                ready.train,
                self.setting.seed
            ),
            results,
        }
    }
}

/// Progress over all trainings, in shares of their multiply-adds.
struct TrainingsBar {
    bar: Progress,
    clock: Clock,
    /// Multiply-adds of each training.
    work: Vec<f64>,
    complete: usize,
    epochs: u32,
}

impl TrainingsBar {
    fn start(printer: &Printer, networks: &[&Architecture], epochs: u32) -> Self {
        Self {
            bar: printer.share("training"),
            clock: Clock::default(),
            work: networks.iter().map(|network| network.cost().macs as f64).collect(),
            complete: 0,
            epochs,
        }
    }

    /// Share of the whole, when `done` of the training under way is done.
    fn share(&self, done: f64) -> f64 {
        let before: f64 = self.work[..self.complete].iter().sum();
        let under_way = self.work.get(self.complete).map_or(0.0, |work| work * done);
        (before + under_way) / self.work.iter().sum::<f64>().max(1.0)
    }

    fn update(&mut self, message: &FromWorker) {
        let FromWorker::Progress { done, epoch, .. } = message else {
            return;
        };
        let share = self.share(*done);
        self.bar.message(&format!(
            "network {} of {}, epoch {epoch}/{}, {} left",
            self.complete + 1,
            self.work.len(),
            self.epochs,
            self.clock.left(share)
        ));
        self.bar.set_share(share);
    }

    fn complete(&mut self) {
        self.complete += 1;
        self.bar.set_share(self.share(0.0));
    }

    fn finish(self) {
        self.bar.finish(&format!("{} networks trained", self.work.len()));
    }
}
