//! The configuration of a study, fully resolved: `study.toml`.

use std::path::PathBuf;

use mnas_latency::Milliseconds;
use mnas_space::{Architecture, DocumentError, SearchSpace, parse_toml};
use serde::{Deserialize, Serialize};

use super::finals::FinalsConfig;
use super::halving::Halving;
use super::parent::ParentConfig;
use super::time_plan::TimePlan;
use super::warm_start::WarmStartConfig;
use crate::evaluator::Scorer;
use crate::problem::{Constraint, Metric, MetricError, Reward};
use crate::ranking::{Probe, Score, ScoreScale, Signal};
use crate::strategy::StrategyConfig;
use crate::training::{DataRequest, Proxy, Recipe, RecipeError, TrainDevice};

/// A study's complete configuration. Its space and latency tables lie beside it as files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StudyConfig {
    /// Title of plots.
    pub name: String,
    /// Seed of every random draw.
    pub seed: u64,
    /// Number of candidates to evaluate.
    pub trials: usize,
    /// Largest number of candidates under way at once: trial `n` is proposed from the results of all but the `lookahead - 1` trials
    /// before it. The course of a study does not depend on the number of workers.
    pub lookahead: usize,
    /// Number of classes.
    pub classes: u32,
    /// Metrics that span the front, by name.
    pub objectives: Vec<String>,
    /// Devices that networks are deployed on.
    #[serde(default, rename = "device")]
    pub devices: Vec<DeviceConfig>,
    /// Further bounds that every network must keep.
    #[serde(default)]
    pub limits: Limits,
    /// Reward that weighs latencies against accuracy. Default: budgets are constraints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward: Option<Reward>,
    /// Strategy that proposes candidates.
    pub strategy: StrategyConfig,
    /// Source of accuracies.
    pub evaluator: EvaluatorConfig,
    /// Published networks evaluated beside the candidates.
    pub references: References,
    /// Worker processes, where the evaluator trains.
    #[serde(default, rename = "worker", skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<WorkerConfig>,
    /// Studies whose results this one began with; the results are its first trials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warm_start: Vec<WarmStartConfig>,
    /// Version of mnas that made the study.
    pub mnas: String,
}

/// A device and its budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeviceConfig {
    /// Name of the device, or path of its TOML file.
    pub name: String,
    /// Networks with a larger latency on the device are never evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Milliseconds>,
    /// Runtime and version that its table was measured with.
    pub runtime: String,
}

/// Bounds on counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// Most learnt parameters, batch-norm unfolded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_params: Option<u64>,
    /// Most multiply-adds of one image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_macs: Option<u64>,
    /// Largest peak activation memory of one image, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_peak_activation_bytes: Option<u64>,
    /// Largest size of the deployed weights as 32-bit floats, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_file_bytes: Option<u64>,
}

impl Limits {
    /// The bounds as constraints of a problem.
    pub fn constraints(&self) -> Vec<Constraint> {
        let bounds = [
            (Metric::Params, self.max_params),
            (Metric::Macs, self.max_macs),
            (Metric::PeakActivationBytes, self.max_peak_activation_bytes),
            (Metric::FileBytes, self.max_file_bytes),
        ];
        let bound = |(metric, at_most): (Metric, Option<u64>)| {
            at_most.map(|at_most| Constraint {
                metric,
                at_most: at_most as f64,
            })
        };
        bounds.into_iter().filter_map(bound).collect()
    }
}

/// Source of accuracies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvaluatorConfig {
    /// Every candidate is trained by worker processes.
    Train(Box<TrainConfig>),
    /// Accuracies are looked up in a recorded table.
    Table {
        /// The table.
        path: PathBuf,
    },
    /// Candidates are ranked by signals; there are scores in place of accuracies.
    Proxy(Box<ScoreConfig>),
}

/// Ranking of candidates by signals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScoreConfig {
    /// The signals.
    pub score: Score,
    /// Device that measures.
    #[serde(default)]
    pub train_device: TrainDevice,
    /// Version of libtorch.
    pub libtorch: String,
    /// Width, resolution and batch at which signals are measured.
    pub probe: Probe,
    /// The images of the signals, and the classes of the networks.
    pub data: DataRequest,
    /// Distribution of each signal over random networks of the space.
    pub scale: ScoreScale,
}

impl ScoreConfig {
    /// Scorer of the evaluator.
    pub fn scorer(&self) -> Scorer {
        Scorer {
            score: self.score.clone(),
            scale: self.scale.clone(),
            probe: self.probe,
        }
    }
}

/// Trainings of candidates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrainConfig {
    /// libtorch's threads in each worker.
    pub threads_per_worker: usize,
    /// Device that trains.
    #[serde(default)]
    pub train_device: TrainDevice,
    /// Version of libtorch.
    pub libtorch: String,
    /// The images.
    pub data: DataRequest,
    /// Network trained in place of the deployed one.
    pub proxy: Proxy,
    /// The recipe.
    pub recipe: Recipe,
    /// Short trainings of many candidates and longer ones of the best, up to the recipe's epochs. Default: every candidate is
    /// trained for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halving: Option<Halving>,
    /// Signals by which the model-guided search chooses among candidates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signals: Option<SignalsConfig>,
    /// Pretrained network from which all others inherit. Default: networks begin with random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentConfig>,
    /// Final trainings of the best networks, after the trials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finals: Option<FinalsConfig>,
    /// Division of the time, where it was given and decided the number and length of the trainings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<TimePlan>,
}

/// Signals of forward passes among the inputs of the model-guided search. Their influence follows from the study's own results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SignalsConfig {
    /// The signals.
    pub names: Vec<Signal>,
    /// Width, resolution and batch at which they are measured.
    pub probe: Probe,
}

impl TrainConfig {
    /// Epochs of the rungs of successive halving, ascending.
    pub fn rungs(&self) -> Option<Vec<u32>> {
        self.halving.map(|halving| halving.rungs(self.recipe.epochs))
    }

    fn check_halving(&self) -> Result<(), ConfigError> {
        let Some(halving) = self.halving else { return Ok(()) };
        let Halving { factor, min_epochs } = halving;
        if factor < 2 {
            return Err(value("halving.factor", factor, "at least 2"));
        }
        if min_epochs == 0 {
            return Err(value("halving.min-epochs", min_epochs, "at least 1"));
        }
        let epochs = self.recipe.epochs;
        if halving.rungs(epochs).len() < 2 {
            let expected = format!(
                "at most {}, so that some trainings are shorter than the {epochs} epochs of recipe {}",
                epochs / min_epochs,
                self.recipe.name
            );
            return Err(value("halving.factor", factor, &expected));
        }
        Ok(())
    }
}

/// Published networks evaluated beside the candidates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct References {
    /// Points per network, chosen by their latency up to the budget among the widths and resolutions that the space
    /// names; 0 for none.
    pub per_network: usize,
}

/// Worker processes started by one command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WorkerConfig {
    /// The command line, such as `ssh board mnas worker`. Default: worker processes of this mnas on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Number of workers.
    #[serde(default = "one")]
    pub count: usize,
}

fn one() -> usize {
    1
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The TOML is not a study's configuration.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A value is out of range.
    #[error("{key} = {value}; expected {expected}")]
    Value {
        /// Its key.
        key: String,
        /// The value.
        value: String,
        /// Values accepted.
        expected: String,
    },
    /// An objective is not a metric.
    #[error("objectives: {0}")]
    Metric(#[from] MetricError),
    /// The recipe is invalid.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
}

/// Heading of `study.toml`.
const HEADING: &str =
    "# Written by mnas: the complete configuration of this study, with space.toml and latency/ beside it.\n";

impl StudyConfig {
    /// A study of 10 classes without device and references: accuracy, as recorded in the table at `path`, against
    /// multiply-adds.
    ///
    /// # Panics
    ///
    /// If `strategy` names no strategy ([`StrategyConfig::NAMES`]).
    pub fn for_table(name: &str, trials: usize, strategy: &str, path: impl Into<PathBuf>) -> Self {
        let strategy = StrategyConfig::named(strategy, trials);
        Self {
            name: name.to_owned(),
            seed: 0,
            trials,
            lookahead: 1,
            classes: 10,
            objectives: ["accuracy", "macs"].map(str::to_owned).to_vec(),
            devices: Vec::new(),
            limits: Limits::default(),
            reward: None,
            strategy: strategy.expect("the name of a strategy"),
            evaluator: EvaluatorConfig::Table { path: path.into() },
            references: References { per_network: 0 },
            workers: Vec::new(),
            warm_start: Vec::new(),
            mnas: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Reads and checks `study.toml`.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let config: Self = parse_toml(text)?;
        config.check()?;
        Ok(config)
    }

    /// The text of `study.toml`.
    ///
    /// # Panics
    ///
    /// Never for a checked configuration: all its numbers can be written as TOML.
    pub fn to_toml(&self) -> String {
        let body = toml::to_string(self).expect("a checked configuration can be written");
        format!("{HEADING}{body}")
    }

    /// Names of the devices.
    pub fn device_names(&self) -> Vec<String> {
        self.devices.iter().map(|device| device.name.clone()).collect()
    }

    /// The metrics that span the front.
    pub fn metrics(&self) -> Result<Vec<Metric>, MetricError> {
        let names = self.device_names();
        self.objectives.iter().map(|name| Metric::parse(name, &names)).collect()
    }

    /// The trainings, where candidates are trained.
    pub fn training(&self) -> Option<&TrainConfig> {
        match &self.evaluator {
            EvaluatorConfig::Train(training) => Some(training),
            EvaluatorConfig::Table { .. } | EvaluatorConfig::Proxy(_) => None,
        }
    }

    /// [`StudyConfig::training`] to be changed.
    pub fn training_mut(&mut self) -> Option<&mut TrainConfig> {
        match &mut self.evaluator {
            EvaluatorConfig::Train(training) => Some(training),
            EvaluatorConfig::Table { .. } | EvaluatorConfig::Proxy(_) => None,
        }
    }

    /// The network that all others inherit from, where there is one.
    pub fn parent(&self) -> Option<Architecture> {
        // Checked with the configuration.
        self.training()?.parent.as_ref()?.architecture.parse().ok()
    }

    /// Number of reference points that are trained beside the candidates of `space`, at most.
    pub fn reference_points(&self, space: &SearchSpace) -> usize {
        // The parent at lower resolutions, and narrowed.
        let of_parent = if self.parent().is_some() { 2 } else { 0 };
        self.references.per_network * (space.references.len() + of_parent)
    }

    /// The ranking, where candidates have scores in place of accuracies.
    pub fn scoring(&self) -> Option<&ScoreConfig> {
        match &self.evaluator {
            EvaluatorConfig::Proxy(scoring) => Some(scoring),
            EvaluatorConfig::Train(_) | EvaluatorConfig::Table { .. } => None,
        }
    }

    /// Checks every value.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_ranges()?;
        let metrics = self.metrics()?;
        let listed = || self.objectives.join(", ");
        if metrics.is_empty() {
            return Err(value("objectives", listed(), "at least one metric"));
        }
        let mut names = self.device_names();
        names.sort();
        let repeated = names.iter().zip(names.iter().skip(1)).find(|(one, next)| one == next);
        if let Some((twice, _)) = repeated {
            return Err(value("device", twice, "every device once"));
        }
        if let Some(fault) = self.strategy.fault() {
            return Err(value("strategy", fault, "settings in range"));
        }
        self.check_reward()?;
        if let Some(training) = self.training() {
            training.recipe.check()?;
            training.check_halving()?;
            if let Some(parent) = &training.parent {
                parent.recipe.check()?;
                let text = &parent.architecture;
                text.parse::<Architecture>()
                    .map_err(|error| value("parent.architecture", text, &error.to_string()))?;
            }
            if let Some(finals) = &training.finals {
                finals.recipe.check()?;
            }
        }
        Ok(())
    }

    /// Checks that there is something to weigh, and a strategy that searches for one network.
    fn check_reward(&self) -> Result<(), ConfigError> {
        let Some(reward) = self.reward else { return Ok(()) };
        if !(reward.within <= 0.0 && reward.over < 0.0 && reward.within.is_finite() && reward.over.is_finite()) {
            return Err(value(
                "reward",
                reward,
                "exponents below 0, such as -0.07, or 0 within the budget",
            ));
        }
        if self.devices.iter().all(|device| device.budget.is_none()) {
            return Err(value("reward", reward, "a budget on some device, which it weighs"));
        }
        if matches!(self.strategy, StrategyConfig::Nsga2 { .. }) {
            let expected = "a strategy that searches for one network with a reward: model, evolution, local or random";
            return Err(value("strategy", "nsga2", expected));
        }
        if self.scoring().is_some() {
            return Err(value(
                "reward",
                reward,
                "accuracies; scores are ranks, whose products mean nothing",
            ));
        }
        Ok(())
    }

    fn check_ranges(&self) -> Result<(), ConfigError> {
        let mut seeds = vec![("seed", self.seed)];
        let mut numbers = vec![
            ("trials", self.trials as f64, 1.0..=1e7, "at least 1"),
            ("lookahead", self.lookahead as f64, 1.0..=1e4, "at least 1"),
            ("classes", f64::from(self.classes), 1.0..=1e6, "at least 1"),
            (
                "references.per-network",
                self.references.per_network as f64,
                0.0..=64.0,
                "0 to 64",
            ),
        ];
        for device in &self.devices {
            if let Some(budget) = device.budget {
                numbers.push(("device.budget", budget.0, f64::MIN_POSITIVE..=1e12, "a latency above 0"));
            }
        }
        for worker in &self.workers {
            numbers.push(("worker.count", worker.count as f64, 1.0..=1e4, "at least 1"));
        }
        if let Some(training) = self.training() {
            let (data, proxy) = (&training.data, training.proxy);
            seeds.push(("data.seed", data.seed));
            if let Some(finals) = &training.finals {
                numbers.push(("finals.count", finals.count as f64, 0.0..=1e4, "0 to 10000"));
            }
            numbers.extend([
                (
                    "threads-per-worker",
                    training.threads_per_worker as f64,
                    1.0..=1e3,
                    "at least 1",
                ),
                ("data.val-fraction", data.val_fraction, 0.001..=0.9, "0.001 to 0.9"),
                (
                    "proxy.resolution-scale",
                    proxy.resolution_scale,
                    0.01..=4.0,
                    "0.01 to 4",
                ),
                (
                    "proxy.early-strides-removed",
                    proxy.early_strides_removed as f64,
                    0.0..=8.0,
                    "0 to 8",
                ),
            ]);
        }
        for (key, seed) in seeds {
            // TOML's integers are signed.
            if i64::try_from(seed).is_err() {
                return Err(value(key, seed, "0 to 9223372036854775807"));
            }
        }
        for (key, number, range, expected) in numbers {
            if !range.contains(&number) {
                return Err(value(key, number, expected));
            }
        }
        Ok(())
    }

    /// The origin of the accuracies, in one line for plots and tables; numbers of images where they are known.
    pub fn fidelity(&self, images: Option<(usize, usize)>) -> String {
        let training = match &self.evaluator {
            EvaluatorConfig::Train(training) => training,
            EvaluatorConfig::Table { path } => return format!("accuracies recorded in {}", path.display()),
            EvaluatorConfig::Proxy(scoring) => return ranking(scoring),
        };
        let recipe = &training.recipe;
        let images = images.map_or_else(String::new, |(train, val)| {
            format!(" on {train} images, validated on {val}")
        });
        let epochs = training.rungs().map_or_else(
            || recipe.epochs.to_string(),
            |rungs| {
                let listed: Vec<String> = rungs.iter().map(u32::to_string).collect();
                format!("successive halving: {}", listed.join(", "))
            },
        );
        let unit = if epochs == "1" { "epoch" } else { "epochs" };
        let spent = format!("{epochs} {unit}{images}, recipe {}", recipe.name);
        if training.proxy.is_direct() {
            return format!("trained as deployed: {spent}");
        }
        let strides = match training.proxy.early_strides_removed {
            0 => String::new(),
            count => format!(", {count} early strides removed"),
        };
        format!(
            "proxy: {}x the deployed resolution{strides}, {spent}",
            training.proxy.resolution_scale
        )
    }
}

/// The meaning of a score.
fn ranking(scoring: &ScoreConfig) -> String {
    let probe = scoring.probe;
    format!(
        "scores by {}, at {}x the width with {} images: the share of random networks that a network is expected to outrank; a rank, not an accuracy",
        scoring.score, probe.width, probe.batch_size
    )
}

fn value(key: &str, value: impl std::fmt::Display, expected: &str) -> ConfigError {
    ConfigError::Value {
        key: key.to_owned(),
        value: value.to_string(),
        expected: expected.to_owned(),
    }
}

#[cfg(test)]
mod tests;
