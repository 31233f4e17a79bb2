//! Choices of a search from flags and a configuration file: both have the same keys, and flags take precedence.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mnas_engine::files;
use mnas_engine::problem::Reward;
use mnas_engine::study::{Limits, WorkerConfig};
use mnas_engine::training::{OnCorrupt, Proxy, Recipe, TrainDevice};
use mnas_latency::Milliseconds;
use mnas_space::parse_toml;
use serde::Deserialize;

use super::super::error::CliError;
use super::arguments::SearchArguments;
use super::values::{Bytes, Count, EvaluatorName, SignalsName};

/// All choices of a user; absent ones have defaults. The keys of `--config` files are the flags' names, and those of settings
/// without a flag: `name`, `[[worker]]`, `[recipe-table]`, `[evolution]`, `[proxy]`, and details of the data.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Choices {
    pub name: Option<String>,
    #[serde(deserialize_with = "one_or_more")]
    pub budget: Vec<Milliseconds>,
    #[serde(deserialize_with = "one_or_more")]
    pub device: Vec<String>,
    #[serde(deserialize_with = "reward")]
    pub soft_budget: Option<Reward>,
    pub max_params: Option<Count>,
    pub max_macs: Option<Count>,
    pub max_memory: Option<Bytes>,
    pub max_file_size: Option<Bytes>,
    #[serde(deserialize_with = "one_or_more")]
    pub objective: Vec<String>,
    pub space: Option<String>,
    pub pretrained: Option<PathBuf>,
    pub parent: Option<String>,
    pub parent_resolution: Option<u32>,
    pub data: Option<PathBuf>,
    pub images: Option<usize>,
    pub val_fraction: Option<f64>,
    pub on_corrupt: Option<OnCorrupt>,
    pub data_seed: Option<u64>,
    pub memory_mb: Option<u64>,
    pub recipe: Option<String>,
    pub recipe_table: Option<Recipe>,
    pub epochs: Option<u32>,
    pub halving: Option<u32>,
    pub min_epochs: Option<u32>,
    pub proxy_scale: Option<f64>,
    pub proxy: Option<Proxy>,
    pub evaluator: Option<EvaluatorName>,
    pub strategy: Option<String>,
    pub evolution: Option<EvolutionTable>,
    pub signals: Option<SignalsName>,
    pub trials: Option<usize>,
    pub lookahead: Option<usize>,
    #[serde(deserialize_with = "duration")]
    pub time: Option<Duration>,
    pub seed: Option<u64>,
    pub workers: Option<usize>,
    pub threads_per_worker: Option<usize>,
    pub worker_command: Option<String>,
    pub worker: Vec<WorkerConfig>,
    pub train_device: Option<TrainDevice>,
    pub references: Option<usize>,
    pub finalists: Option<usize>,
    pub final_recipe: Option<String>,
    pub final_epochs: Option<u32>,
    pub final_images: Option<usize>,
    #[serde(deserialize_with = "duration")]
    pub profile_time: Option<Duration>,
    #[serde(deserialize_with = "one_or_more")]
    pub warm_start: Vec<PathBuf>,
    pub out: Option<PathBuf>,
}

/// Settings of regularised evolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EvolutionTable {
    pub population: usize,
    pub sample: usize,
}

/// A value, or a list of them.
fn one_or_more<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Visitor<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a text, or a list of them")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<T>, E> {
            T::deserialize(serde::de::value::StrDeserializer::new(text)).map(|one| vec![one])
        }

        // A number is not a text: the error of the element names the expected type.
        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Vec<T>, E> {
            T::deserialize(serde::de::value::I64Deserializer::new(value)).map(|one| vec![one])
        }

        fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Vec<T>, E> {
            T::deserialize(serde::de::value::F64Deserializer::new(value)).map(|one| vec![one])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut found = Vec::new();
            while let Some(one) = list.next_element()? {
                found.push(one);
            }
            Ok(found)
        }
    }
    deserializer.deserialize_any(Visitor(std::marker::PhantomData))
}

/// A time with its unit, such as `"2h"`.
fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

/// Exponents of a reward, such as `"-0.07"` or `"0,-1"`.
fn reward<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Reward>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

impl Choices {
    /// The choices of the flags, completed by those of the configuration file.
    pub fn of(arguments: &SearchArguments) -> Result<Self, CliError> {
        let flags = Self::of_flags(arguments);
        match &arguments.config {
            Some(path) => Ok(flags.or(Self::of_file(path)?)),
            None => Ok(flags),
        }
    }

    fn of_file(path: &Path) -> Result<Self, CliError> {
        let text = files::read_text(path).map_err(|error| CliError::config(error.to_string()))?;
        parse_toml(&text).map_err(|error| CliError::document(path, &text, &error))
    }

    fn of_flags(arguments: &SearchArguments) -> Self {
        let SearchArguments {
            budget,
            device,
            soft_budget,
            max_params,
            max_macs,
            max_memory,
            max_file_size,
            objective,
            space,
            pretrained,
            parent,
            parent_resolution,
            data,
            images,
            on_corrupt,
            recipe,
            epochs,
            halving,
            min_epochs,
            proxy_scale,
            evaluator,
            strategy,
            signals,
            trials,
            lookahead,
            time,
            seed,
            workers,
            threads_per_worker,
            worker_command,
            train_device,
            references,
            finalists,
            final_recipe,
            final_epochs,
            final_images,
            profile_time,
            warm_start,
            out,
            ..
        } = arguments.clone();
        Self {
            budget,
            device,
            soft_budget,
            max_params,
            max_macs,
            max_memory,
            max_file_size,
            objective,
            space,
            pretrained,
            parent,
            parent_resolution,
            data,
            images,
            on_corrupt: on_corrupt.map(Into::into),
            recipe,
            epochs,
            halving,
            min_epochs,
            proxy_scale,
            evaluator,
            strategy,
            signals,
            trials,
            lookahead,
            time,
            seed,
            workers,
            threads_per_worker,
            worker_command,
            train_device,
            references,
            finalists,
            final_recipe,
            final_epochs,
            final_images,
            profile_time,
            warm_start,
            out,
            ..Self::default()
        }
    }

    /// These choices where they are made, else those of `other`.
    fn or(self, other: Self) -> Self {
        let list = |one: Vec<_>, other| if one.is_empty() { other } else { one };
        // Flags of workers replace the workers that the file spells out.
        let names_workers = self.workers.is_some() || self.worker_command.is_some();
        // Settings of a strategy choose it; another one by name replaces them.
        let is_other_strategy = self.strategy.as_deref().is_some_and(|name| name != "evolution");
        // Devices and budgets belong together.
        let has_devices = !(self.budget.is_empty() && self.device.is_empty());
        let budget_given = !self.budget.is_empty();
        Self {
            name: self.name.or(other.name),
            budget: if budget_given { self.budget } else { other.budget },
            device: if has_devices && !self.device.is_empty() {
                self.device
            } else {
                other.device
            },
            soft_budget: self.soft_budget.or(other.soft_budget),
            max_params: self.max_params.or(other.max_params),
            max_macs: self.max_macs.or(other.max_macs),
            max_memory: self.max_memory.or(other.max_memory),
            max_file_size: self.max_file_size.or(other.max_file_size),
            objective: list(self.objective, other.objective),
            space: self.space.or(other.space),
            pretrained: self.pretrained.or(other.pretrained),
            parent: self.parent.or(other.parent),
            parent_resolution: self.parent_resolution.or(other.parent_resolution),
            data: self.data.or(other.data),
            images: self.images.or(other.images),
            val_fraction: self.val_fraction.or(other.val_fraction),
            on_corrupt: self.on_corrupt.or(other.on_corrupt),
            data_seed: self.data_seed.or(other.data_seed),
            memory_mb: self.memory_mb.or(other.memory_mb),
            // A recipe by name replaces one that the file spells out.
            recipe_table: if self.recipe.is_some() {
                None
            } else {
                self.recipe_table.or(other.recipe_table)
            },
            recipe: self.recipe.or(other.recipe),
            epochs: self.epochs.or(other.epochs),
            halving: self.halving.or(other.halving),
            min_epochs: self.min_epochs.or(other.min_epochs),
            proxy_scale: self.proxy_scale.or(other.proxy_scale),
            proxy: self.proxy.or(other.proxy),
            evaluator: self.evaluator.or(other.evaluator),
            strategy: self.strategy.or(other.strategy),
            evolution: self.evolution.or(other.evolution.filter(|_| !is_other_strategy)),
            signals: self.signals.or(other.signals),
            trials: self.trials.or(other.trials),
            lookahead: self.lookahead.or(other.lookahead),
            time: self.time.or(other.time),
            seed: self.seed.or(other.seed),
            workers: self.workers.or(other.workers),
            threads_per_worker: self.threads_per_worker.or(other.threads_per_worker),
            worker_command: self.worker_command.or(other.worker_command),
            worker: if self.worker.is_empty() && !names_workers {
                other.worker
            } else {
                self.worker
            },
            train_device: self.train_device.or(other.train_device),
            references: self.references.or(other.references),
            finalists: self.finalists.or(other.finalists),
            final_recipe: self.final_recipe.or(other.final_recipe),
            final_epochs: self.final_epochs.or(other.final_epochs),
            final_images: self.final_images.or(other.final_images),
            profile_time: self.profile_time.or(other.profile_time),
            warm_start: if self.warm_start.is_empty() {
                other.warm_start
            } else {
                self.warm_start
            },
            out: self.out.or(other.out),
        }
    }

    /// The flags that configure final trainings, each with true if it is given.
    fn final_training_flags(&self) -> [(&'static str, bool); 3] {
        [
            ("--final-recipe", self.final_recipe.is_some()),
            ("--final-epochs", self.final_epochs.is_some()),
            ("--final-images", self.final_images.is_some()),
        ]
    }

    /// The flags of successive halving, each with whether it is given.
    pub fn halving_flags(&self) -> [(&'static str, bool); 2] {
        [
            ("--halving", self.halving.is_some()),
            ("--min-epochs", self.min_epochs.is_some()),
        ]
    }

    /// Returns true if some choice configures final trainings.
    pub fn names_final_training(&self) -> bool {
        self.final_training_flags().iter().any(|(_, given)| *given)
    }

    /// The flags that ask for finalists, each with true if it is given.
    pub fn finalist_flags(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let count = ("--finalists", self.finalists.is_some_and(|count| count > 0));
        std::iter::once(count).chain(self.final_training_flags())
    }

    /// The bounds on counts.
    pub fn limits(&self) -> Limits {
        Limits {
            max_params: self.max_params.map(|count| count.0),
            max_macs: self.max_macs.map(|count| count.0),
            max_peak_activation_bytes: self.max_memory.map(|bytes| bytes.0),
            max_file_bytes: self.max_file_size.map(|bytes| bytes.0),
        }
    }

    /// Devices with their budgets, paired in the order given. Without a device and with a budget or `needs_device`, the device
    /// is `host`.
    pub fn devices(&self, needs_device: bool) -> Result<Vec<(String, Option<Milliseconds>)>, CliError> {
        let (devices, budgets) = (&self.device, &self.budget);
        if devices.is_empty() {
            return match &budgets[..] {
                [] if needs_device => Ok(vec![("host".to_owned(), None)]),
                [] => Ok(Vec::new()),
                [budget] => Ok(vec![("host".to_owned(), Some(*budget))]),
                several => Err(CliError::usage(format!(
                    "{} budgets are given and no device; name the device of each: --budget 60ms --device pixel1 --budget 3ms --device host",
                    several.len()
                ))),
            };
        }
        if budgets.len() > devices.len() {
            return Err(CliError::usage(format!(
                "{} budgets are given for {} device{}; give one --device for each --budget, in the same order",
                budgets.len(),
                devices.len(),
                if devices.len() == 1 { "" } else { "s" }
            )));
        }
        if devices.len() > 1 && budgets.len() != devices.len() {
            return Err(CliError::usage(format!(
                "{} devices have {} budgets; give one --budget for each --device, in the same order",
                devices.len(),
                budgets.len()
            )));
        }
        let budgets = budgets
            .iter()
            .map(|budget| Some(*budget))
            .chain(std::iter::repeat(None));
        Ok(devices.iter().cloned().zip(budgets).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(toml: &str) -> Choices {
        parse_toml(toml).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_file_says_everything_that_the_flags_say() {
        let text = "budget = [\"60ms\", \"3ms\"]\ndevice = [\"pixel1\", \"host\"]\nsoft-budget = \"0,-1\"\nmax-params = \"4M\"\nmax-macs = 300000000\n\
                    max-memory = \"1MiB\"\nmax-file-size = \"5MB\"\nobjective = [\"accuracy\", \"macs\"]\nspace = \"tiny\"\npretrained = \"v2.safetensors\"\nparent = \"mobilenet-v2\"\nparent-resolution = 128\n\
                    data = \"photos\"\nimages = 100\non-corrupt = \"skip\"\nrecipe = \"quick\"\nepochs = 3\nhalving = 3\nmin-epochs = 1\nproxy-scale = 0.5\n\
                    evaluator = \"table:a.csv\"\nstrategy = \"random\"\nsignals = \"none\"\ntrials = 9\nlookahead = 3\ntime = \"2h\"\nseed = 4\n\
                    workers = 2\nthreads-per-worker = 1\nworker-command = \"ssh a mnas worker\"\ntrain-device = \"cuda:1\"\n\
                    references = 1\nfinalists = 2\nfinal-recipe = \"cifar\"\nfinal-epochs = 30\nfinal-images = 500\nprofile-time = \"3m\"\nwarm-start = \"results/a\"\nout = \"results/x\"\n";
        let file = choices(text);
        assert_eq!(
            file.devices(false).unwrap()[1],
            ("host".to_owned(), Some(Milliseconds(3.0)))
        );
        assert_eq!(
            file.soft_budget.map(|reward| reward.to_string()).as_deref(),
            Some("0,-1")
        );
        assert_eq!(file.limits().max_params, Some(4_000_000));
        assert_eq!(file.evaluator, Some(EvaluatorName::Table("a.csv".into())));
        assert_eq!(file.signals, Some(SignalsName::None));
        assert_eq!((file.halving, file.min_epochs), (Some(3), Some(1)));
        assert_eq!(file.time, Some(Duration::from_hours(2)));
        assert_eq!((file.finalists, file.final_epochs), (Some(2), Some(30)));
        assert_eq!(file.final_images, Some(500));
        let more = choices(
            "name = \"x\"\n[[worker]]\ncommand = \"ssh board mnas worker\"\ncount = 2\n[evolution]\npopulation = 8\nsample = 2\n",
        );
        assert_eq!((more.worker[0].count, more.evolution.unwrap().population), (2, 8));
    }

    #[test]
    fn flags_win_and_a_budget_keeps_the_device_of_the_file() {
        let file = choices("budget = \"60ms\"\ndevice = \"pixel1\"\nseed = 4\ntrials = 7\nrecipe = \"quick\"\n");
        let flags = Choices {
            budget: vec![Milliseconds(40.0)],
            seed: Some(5),
            ..Choices::default()
        };
        let both = flags.or(file);
        assert_eq!(
            both.devices(false).unwrap(),
            [("pixel1".to_owned(), Some(Milliseconds(40.0)))]
        );
        assert_eq!((both.seed, both.trials), (Some(5), Some(7)));
    }

    #[test]
    fn flags_replace_tables_of_the_file() {
        let file = || choices("[[worker]]\ncount = 2\n[evolution]\npopulation = 8\nsample = 2\n");
        let with = |flags: Choices| flags.or(file());
        assert_eq!(with(Choices::default()).worker.len(), 1);
        let workers = with(Choices {
            workers: Some(3),
            ..Choices::default()
        });
        assert!(workers.worker.is_empty() && workers.evolution.is_some());
        let strategy = with(Choices {
            strategy: Some("random".to_owned()),
            ..Choices::default()
        });
        assert!(strategy.evolution.is_none() && strategy.worker.len() == 1);
    }

    #[test]
    fn budgets_and_devices_are_paired_or_refused() {
        let refused = |toml: &str| choices(toml).devices(false).unwrap_err().to_string();
        assert!(refused("budget = [\"1ms\", \"2ms\"]").contains("no device"));
        assert!(
            refused("budget = [\"1ms\", \"2ms\"]\ndevice = \"host\"").contains("2 budgets are given for 1 device;")
        );
        assert!(refused("budget = \"1ms\"\ndevice = [\"host\", \"pixel1\"]").contains("2 devices have 1 budgets"));
        assert_eq!(choices("").devices(true).unwrap(), [("host".to_owned(), None)]);
        assert!(choices("").devices(false).unwrap().is_empty());
    }
}
