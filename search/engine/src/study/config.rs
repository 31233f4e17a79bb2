//! What a study was asked to do, fully resolved: `study.toml`.

use mnas_latency::Milliseconds;
use mnas_space::{DocumentError, parse_toml};
use serde::{Deserialize, Serialize};

use crate::strategy::StrategyConfig;
use crate::training::DataRequest;
use crate::training::Proxy;
use crate::training::{Recipe, RecipeError, TrainDevice};

/// A study's complete configuration. Its space and latency table lie beside it as files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StudyConfig {
    /// Title of plots.
    pub name: String,
    /// Every random draw of the study follows from it.
    pub seed: u64,
    /// Networks slower than this on the device are never trained.
    pub budget: Milliseconds,
    /// Name of the device, or path of its TOML file.
    pub device: String,
    /// How many candidates to train.
    pub trials: usize,
    /// Candidates in training at a time at most. A candidate is proposed from the results of all but the last so many,
    /// so that the order in which trainings end has no influence.
    pub in_flight: usize,
    /// Threads of each training.
    pub threads_per_worker: usize,
    /// Where they run.
    #[serde(default)]
    pub train_device: TrainDevice,
    /// What to try next.
    pub strategy: StrategyConfig,
    /// On which images.
    pub data: DataRequest,
    /// What is trained in place of the deployed network.
    pub proxy: Proxy,
    /// Which published networks are trained beside the candidates.
    pub references: References,
    /// How networks are trained.
    pub recipe: Recipe,
    /// What made the study.
    pub versions: Versions,
}

/// Which published networks are trained beside the candidates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct References {
    /// Points per network, chosen by their latency around the budget among the widths and resolutions that the space
    /// names; 0 for none.
    pub per_network: usize,
}

/// The programs a study's numbers come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Versions {
    /// This program.
    pub mnas: String,
    /// What trains.
    pub libtorch: String,
    /// What was measured: runtime name and version.
    pub runtime: String,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The TOML is not a study's configuration.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A number is out of range.
    #[error("{key} = {value}; expected {expected}")]
    Value {
        /// Which number.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The recipe is unsound.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
}

impl StudyConfig {
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
        format!(
            "# Written by mnas: everything this study follows from, with space.toml and latency/ beside it.\n{body}"
        )
    }

    /// Checks every number.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (key, seed) in [("seed", self.seed), ("data.seed", self.data.seed)] {
            // TOML's integers are signed.
            if i64::try_from(seed).is_err() {
                return Err(ConfigError::Value {
                    key,
                    value: seed.to_string(),
                    expected: "0 to 9223372036854775807",
                });
            }
        }
        let in_range = [
            ("budget", self.budget.0, f64::MIN_POSITIVE..=1e12, "a latency above 0"),
            ("trials", self.trials as f64, 1.0..=1e7, "at least 1"),
            ("in-flight", self.in_flight as f64, 1.0..=1e4, "at least 1"),
            (
                "threads-per-worker",
                self.threads_per_worker as f64,
                1.0..=1e3,
                "at least 1",
            ),
            ("data.val-fraction", self.data.val_fraction, 0.001..=0.9, "0.001 to 0.9"),
            (
                "proxy.resolution-scale",
                self.proxy.resolution_scale,
                0.01..=4.0,
                "0.01 to 4",
            ),
            (
                "proxy.early-strides-removed",
                self.proxy.early_strides_removed as f64,
                0.0..=8.0,
                "0 to 8",
            ),
            (
                "references.per-network",
                self.references.per_network as f64,
                0.0..=64.0,
                "0 to 64",
            ),
        ];
        for (key, value, range, expected) in in_range {
            if !range.contains(&value) {
                return Err(ConfigError::Value {
                    key,
                    value: value.to_string(),
                    expected,
                });
            }
        }
        if let StrategyConfig::Evolution { population, sample } = self.strategy
            && (population == 0 || sample == 0)
        {
            return Err(ConfigError::Value {
                key: "strategy.evolution",
                value: format!("population {population}, sample {sample}"),
                expected: "at least 1 of each",
            });
        }
        self.recipe.check()?;
        Ok(())
    }

    /// How accuracies were found, in one line for plots and tables.
    pub fn fidelity(&self, train: usize, val: usize) -> String {
        let recipe = &self.recipe;
        let images = format!("{} epochs on {train} images, validated on {val}", recipe.epochs);
        if self.proxy.is_direct() {
            return format!("trained as deployed: {images}, recipe {}", recipe.name);
        }
        let strides = match self.proxy.early_strides_removed {
            0 => String::new(),
            count => format!(", {count} early strides removed"),
        };
        format!(
            "proxy: {}x the deployed resolution{strides}, {images}, recipe {}",
            self.proxy.resolution_scale, recipe.name
        )
    }
}

#[cfg(test)]
mod tests;
