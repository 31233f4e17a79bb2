//! Strategies and their settings in a study's configuration.

use serde::{Deserialize, Serialize};

use super::{Evolution, Gain, LocalSearch, ModelGuided, Nsga2, RandomSearch, Strategy};

/// A strategy and its settings, as a study's configuration holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StrategyConfig {
    /// [`RandomSearch`]
    Random {},
    /// [`Evolution`]
    Evolution {
        /// Candidates alive at a time.
        population: usize,
        /// Candidates that compete to be a parent.
        sample: usize,
    },
    /// [`Nsga2`]
    Nsga2 {
        /// Survivors of a selection.
        population: usize,
    },
    /// [`LocalSearch`]
    Local {
        /// Networks drawn at random before the first mutation.
        start: usize,
    },
    /// [`ModelGuided`]
    Model {
        /// Trials before the model proposes, references included, in a space of one family; one more for each further
        /// family.
        start: usize,
        /// Quantity to improve.
        #[serde(default)]
        gain: Gain,
    },
}

impl StrategyConfig {
    /// Names of all strategies.
    pub const NAMES: [&'static str; 5] = ["random", "evolution", "nsga2", "local", "model"];

    /// Name of the default strategy, which needs the fewest evaluations to find the best network and reaches the largest
    /// hypervolume on every problem of the benchmark `cargo bench -p mnas-engine --bench strategies`.
    ///
    /// NAS-Bench-Macro's best network is found by half of the searches within 23 evaluations (local search 84, evolution 122,
    /// random search and NSGA-II over 150), and after 200 evaluations 99.99 % of the exact hypervolume (NSGA-II 99.3 %).
    pub const DEFAULT: &'static str = "model";

    /// The strategy of a name with settings for a study of `trials` trials; `None` for an unknown name.
    pub fn named(name: &str, trials: usize) -> Option<Self> {
        match name {
            "random" => Some(Self::Random {}),
            "evolution" => Some(Self::evolution_for(trials)),
            // A third of the trials at first, as in evolution.
            "nsga2" => Some(Self::Nsga2 {
                population: (trials / 3).clamp(4, 40),
            }),
            "local" => Some(Self::Local {
                start: (trials / 6).clamp(3, 12),
            }),
            "model" => Some(Self::model()),
            _ => None,
        }
    }

    /// Regularised evolution sized for a study of `trials` trials: a third of them are drawn at random first, at least 4
    /// and at most 50, and a quarter of the population competes.
    pub fn evolution_for(trials: usize) -> Self {
        let population = (trials / 3).clamp(4, 50);
        Self::Evolution {
            population,
            sample: (population / 4).max(2),
        }
    }

    /// Model-guided search in which the model proposes from the fourth trial on, or later by one for each further family of
    /// the space.
    ///
    /// The priors of the regression make a longer start unnecessary, and networks far from all others are rarely good: with 8
    /// trials in place of 3, half of the searches of NAS-Bench-Macro find its best network within 32 evaluations instead of 26.
    pub fn model() -> Self {
        Self::Model {
            start: 3,
            gain: Gain::Auto,
        }
    }

    /// The strategy itself.
    pub fn build(self) -> Box<dyn Strategy> {
        match self {
            Self::Random {} => Box::new(RandomSearch),
            Self::Evolution { population, sample } => Box::new(Evolution { population, sample }),
            Self::Nsga2 { population } => Box::new(Nsga2 { population }),
            Self::Local { start } => Box::new(LocalSearch { start }),
            Self::Model { start, gain } => Box::new(ModelGuided { start, gain }),
        }
    }

    /// The strategy's name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random {} => "random",
            Self::Evolution { .. } => "evolution",
            Self::Nsga2 { .. } => "nsga2",
            Self::Local { .. } => "local",
            Self::Model { .. } => "model",
        }
    }

    /// Description of the first setting that is out of range.
    pub fn fault(self) -> Option<String> {
        match self {
            Self::Evolution { population, sample } if population == 0 || sample == 0 => Some(format!(
                "evolution: population {population}, sample {sample}; expected at least 1 of each"
            )),
            Self::Nsga2 { population: 0 } => Some("nsga2: population 0; expected at least 1".to_owned()),
            Self::Model { start: 0 | 1, .. } => Some("model: start below 2; expected at least 2 trials".to_owned()),
            _ => None,
        }
    }
}
