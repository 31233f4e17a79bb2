//! Networks of known accuracy against which rankings are judged.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use mnas_space::random::stream;
use mnas_space::{Architecture, Genotype, SearchSpace};
use rand::seq::SliceRandom;

use crate::evaluator::{Fidelity, RecordedTable, TableError};
use crate::study::{self, StudyError, StudyFolder, TrialOutcome};

/// Networks with their true accuracies.
#[derive(Debug, Clone)]
pub struct Truth {
    /// Distinct networks.
    pub networks: Vec<KnownNetwork>,
    /// Processor time of a label in seconds, where it is known.
    pub label_cpu_seconds: Option<f64>,
}

/// A network of known accuracy.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownNetwork {
    /// The network.
    pub architecture: Architecture,
    /// Top-1 in percent.
    pub accuracy: f64,
}

/// A truth that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// The recorded table cannot be used.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The study cannot be read.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// A study whose trials have scores.
    #[error("{} holds scores in place of accuracies; give a study whose trials have accuracies", path.display())]
    Scores {
        /// Its folder.
        path: PathBuf,
    },
    /// No network lies in the space.
    #[error("none of the {networks} networks of the truth belongs to the space `{space}`")]
    OtherSpace {
        /// Networks of the truth.
        networks: usize,
        /// Name of the space.
        space: String,
    },
    /// Too few networks for a correlation.
    #[error("the truth holds {found} networks of the space `{space}`; at least {needed} are needed")]
    TooFew {
        /// Networks found.
        found: usize,
        /// Name of the space.
        space: String,
        /// Least number.
        needed: usize,
    },
}

/// Least number of networks for a meaningful correlation.
const LEAST: usize = 10;

impl Truth {
    /// The truth of a recorded table: see [`RecordedTable::read`].
    pub fn of_table(path: &Path) -> Result<Self, TruthError> {
        let table = RecordedTable::read(path)?;
        let network = |(architecture, accuracy): (&Architecture, f64)| KnownNetwork {
            architecture: architecture.clone(),
            accuracy,
        };
        Ok(Self {
            networks: table.networks().map(network).collect(),
            label_cpu_seconds: None,
        })
    }

    /// The truth of a study: its trials of full fidelity, candidates and references, with its space.
    pub fn of_study(folder: &StudyFolder) -> Result<(Self, SearchSpace), TruthError> {
        let (config, problem) = study::load(folder)?;
        if config.scoring().is_some() {
            let path = folder.root().to_path_buf();
            return Err(TruthError::Scores { path });
        }
        let state = study::replay(folder)?;
        let mut known = HashSet::new();
        let mut networks = Vec::new();
        let mut seconds = Vec::new();
        for trial in state.trials().iter().filter(|trial| trial.fidelity == Fidelity::Full) {
            let TrialOutcome::Finished(evaluation) = &trial.outcome else {
                continue;
            };
            if !known.insert(trial.id) {
                continue;
            }
            networks.push(KnownNetwork {
                architecture: trial.architecture.clone(),
                accuracy: evaluation.accuracy,
            });
            seconds.extend(evaluation.training.as_ref().map(|_| evaluation.seconds));
        }
        let threads = config.training().map_or(1, |training| training.threads_per_worker);
        let mean = seconds.iter().sum::<f64>() / seconds.len().max(1) as f64;
        let truth = Self {
            networks,
            label_cpu_seconds: (!seconds.is_empty()).then_some(mean * threads as f64),
        };
        Ok((truth, problem.space))
    }

    /// At most `count` distinct networks of a space, drawn by a seed, with their choices in it.
    pub fn draw(
        &self,
        space: &SearchSpace,
        count: usize,
        seed: u64,
    ) -> Result<Vec<(Genotype, KnownNetwork)>, TruthError> {
        let mut order: Vec<&KnownNetwork> = self.networks.iter().collect();
        order.shuffle(&mut stream(seed, "truth", 0, 0));
        let fitting = order
            .into_iter()
            .filter_map(|network| Some((space.encode(&network.architecture)?, network.clone())));
        let drawn: Vec<(Genotype, KnownNetwork)> = fitting.take(count).collect();
        match drawn.len() {
            0 => Err(TruthError::OtherSpace {
                networks: self.networks.len(),
                space: space.name.clone(),
            }),
            found if found < LEAST => Err(TruthError::TooFew {
                found,
                space: space.name.clone(),
                needed: LEAST,
            }),
            _ => Ok(drawn),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn space(name: &str) -> SearchSpace {
        SearchSpace::from_toml(SearchSpace::embedded(name).unwrap()).unwrap()
    }

    fn truth(count: usize) -> Truth {
        let space = space("nas-bench-macro");
        let mut text = "architecture,accuracy\n".to_owned();
        let mut rng = stream(0, "test", 0, 0);
        for at in 0..count {
            let network = space.express(&space.sample(&mut rng), 10);
            writeln!(text, "\"{network}\",{}", 50 + at % 40).unwrap();
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Truth::of_table(file.path()).unwrap()
    }

    #[test]
    fn distinct_networks_are_drawn_by_the_seed() {
        let (truth, space) = (truth(400), space("nas-bench-macro"));
        let drawn = truth.draw(&space, 50, 1).unwrap();
        let ids: HashSet<_> = drawn.iter().map(|(_, known)| known.architecture.id()).collect();
        assert_eq!((drawn.len(), ids.len()), (50, 50));
        assert_eq!(drawn, truth.draw(&space, 50, 1).unwrap());
        assert_ne!(drawn, truth.draw(&space, 50, 2).unwrap());
        for (genotype, known) in &drawn {
            assert_eq!(space.express(genotype, 10).id(), known.architecture.id());
        }
    }

    #[test]
    fn a_truth_of_another_space_is_refused() {
        let error = truth(40).draw(&space("mobilenet"), 50, 1).unwrap_err().to_string();
        assert!(
            error.contains("none of the") && error.contains("`mobilenet`"),
            "{error}"
        );
        let error = truth(4).draw(&space("nas-bench-macro"), 50, 1).unwrap_err().to_string();
        assert!(error.contains("at least 10"), "{error}");
    }
}
