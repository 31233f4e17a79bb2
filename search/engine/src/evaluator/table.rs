//! Accuracies from a recorded table.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mnas_space::random::stream;
use mnas_space::{Architecture, ArchitectureId, NotationError, SearchSpace};
use serde::Deserialize;

use super::contract::{Evaluation, Evaluator, EvaluatorEvent, Fidelity, TrialRequest};
use super::error::{EvaluatorError, TableError};
use super::function::FunctionEvaluator;
use crate::files;
use crate::imagenet::accel_architecture;

/// Number of networks drawn to check that a table belongs to a space.
const DRAWN: usize = 1000;

/// Accuracies of networks that were trained elsewhere.
///
/// Networks are compared by their lowered graphs, so that equal networks match whatever their encoding in the table.
#[derive(Debug, Clone)]
pub struct RecordedTable {
    path: PathBuf,
    accuracies: HashMap<ArchitectureId, f64>,
    /// Distinct networks in the order of the file.
    networks: Vec<Architecture>,
    classes: u32,
}

impl RecordedTable {
    /// Reads a table: CSV with the columns `architecture` (a string) and `accuracy` (top-1 in percent), others being ignored,
    /// the JSON file of NAS-Bench-Macro (Su et al., arXiv:2103.11922), whose mean accuracies are taken, or the CSV file of
    /// Accel-NASBench (Ahmad et al., arXiv:2404.08005) with the columns `arch` and `top1`.
    ///
    /// Several rows of one network count as their mean.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let text = files::read_text(path)?;
        let is_json = text.trim_start().starts_with('{');
        let rows = if is_json {
            macro_rows(path, &text)?
        } else {
            csv_rows(path, &text)?
        };
        let format = |line, problem: &str| TableError::Format {
            path: path.to_path_buf(),
            line,
            problem: problem.to_owned(),
        };
        let (first, ..) = rows.first().ok_or_else(|| format(None, "it has no rows"))?;
        let classes = first.head.classes;
        let mut sums: HashMap<ArchitectureId, (f64, u32)> = HashMap::with_capacity(rows.len());
        let mut networks = Vec::new();
        for (architecture, accuracy, line) in &rows {
            if !(0.0..=100.0).contains(accuracy) {
                return Err(format(Some(*line), &format!("accuracy {accuracy} is not a percentage")));
            }
            if architecture.head.classes != classes {
                return Err(TableError::Classes {
                    path: path.to_path_buf(),
                    line: *line,
                    found: architecture.head.classes,
                    expected: classes,
                });
            }
            let sum = sums.entry(architecture.id()).or_default();
            if sum.1 == 0 {
                networks.push(architecture.clone());
            }
            *sum = (sum.0 + accuracy, sum.1 + 1);
        }
        let mean = |(id, (sum, count)): (ArchitectureId, (f64, u32))| (id, sum / f64::from(count));
        Ok(Self {
            path: path.to_path_buf(),
            accuracies: sums.into_iter().map(mean).collect(),
            networks,
            classes,
        })
    }

    /// Number of distinct networks.
    pub fn len(&self) -> usize {
        self.accuracies.len()
    }

    /// Returns true if it holds no network; never true for a table that was read.
    pub fn is_empty(&self) -> bool {
        self.accuracies.is_empty()
    }

    /// Number of classes of its networks.
    pub fn classes(&self) -> u32 {
        self.classes
    }

    /// Top-1 accuracy of a network in percent, where the table holds it.
    pub fn accuracy(&self, architecture: &Architecture) -> Option<f64> {
        self.accuracies.get(&architecture.id()).copied()
    }

    /// Distinct networks with their accuracies in percent, in the order of the file.
    pub fn networks(&self) -> impl Iterator<Item = (&Architecture, f64)> {
        self.networks
            .iter()
            .filter_map(|network| Some((network, self.accuracy(network)?)))
    }

    /// The best accuracy in the table, in percent.
    pub fn best(&self) -> f64 {
        self.accuracies.values().copied().fold(0.0, f64::max)
    }

    /// Checks that the table belongs to a space: it holds at least one of a thousand networks drawn from the space.
    pub fn check_space(&self, space: &SearchSpace) -> Result<(), TableError> {
        let mut rng = stream(0, "recorded table", 0, 0);
        let mut draw = || space.express(&space.sample(&mut rng), self.classes);
        if (0..DRAWN).any(|_| self.accuracy(&draw()).is_some()) {
            return Ok(());
        }
        Err(TableError::Space {
            path: self.path.clone(),
            space: space.name.clone(),
            drawn: DRAWN,
        })
    }

    /// An evaluator that looks accuracies up; a network that the table lacks fails with a reason that names the file.
    pub fn evaluator(self) -> impl Evaluator {
        TableEvaluator(FunctionEvaluator::new(move |request: &TrialRequest| {
            if request.fidelity != Fidelity::Full {
                return Err(format!("{} holds no shorter trainings", self.path.display()));
            }
            self.accuracy(&request.architecture)
                .ok_or_else(|| format!("{} lacks this network", self.path.display()))
        }))
    }
}

/// Look-ups report a duration of 0 seconds, so that journals of equal searches are equal.
struct TableEvaluator<E>(E);

impl<E: Evaluator> Evaluator for TableEvaluator<E> {
    fn free_slots(&self) -> usize {
        self.0.free_slots()
    }

    fn submit(&mut self, request: TrialRequest) -> Result<(), EvaluatorError> {
        self.0.submit(request)
    }

    fn next_event(&mut self, timeout: Duration) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        let event = self.0.next_event(timeout)?;
        Ok(event.map(|event| match event {
            EvaluatorEvent::Finished { trial, evaluation, .. } => EvaluatorEvent::Finished {
                trial,
                evaluation: Evaluation {
                    seconds: 0.0,
                    ..evaluation
                },
                worker: "recorded table".to_owned(),
            },
            other => other,
        }))
    }
}

/// A row of a table with its line.
type Row = (Architecture, f64, u64);

fn csv_rows(path: &Path, text: &str) -> Result<Vec<Row>, TableError> {
    let format = |line, problem: String| TableError::Format {
        path: path.to_path_buf(),
        line,
        problem,
    };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| format(None, error.to_string()))?;
    let column = |name: &str| {
        let found = headers.iter().position(|header| header.trim() == name);
        found.ok_or_else(|| format(Some(1), format!("there is no column `{name}`")))
    };
    let is_accel = column("architecture").is_err() && column("arch").is_ok();
    let [architectures, accuracies] = if is_accel {
        [column("arch")?, column("top1")?]
    } else {
        [column("architecture")?, column("accuracy")?]
    };
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| format(error.position().map(csv::Position::line), error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |index: usize| record.get(index).unwrap_or_default().trim();
        let architecture = if is_accel {
            accel_architecture(field(architectures))
        } else {
            let parsed: Result<Architecture, NotationError> = field(architectures).parse();
            parsed.map_err(|error| error.to_string())
        };
        let architecture = architecture.map_err(|error| format(Some(line), format!("architecture {error}")))?;
        let accuracy = field(accuracies)
            .parse()
            .map_err(|_| format(Some(line), format!("accuracy `{}` is not a number", field(accuracies))))?;
        rows.push((architecture, accuracy, line));
    }
    Ok(rows)
}

#[derive(Deserialize)]
struct MacroRow {
    mean_acc: f64,
}

/// Layers of a NAS-Bench-Macro network, one digit of its key each.
const MACRO_LAYERS: usize = 8;

fn macro_rows(path: &Path, text: &str) -> Result<Vec<Row>, TableError> {
    let format = |problem: String| TableError::Format {
        path: path.to_path_buf(),
        line: None,
        problem,
    };
    let table: std::collections::BTreeMap<String, MacroRow> =
        serde_json::from_str(text).map_err(|error| format(error.to_string()))?;
    let space = SearchSpace::embedded("nas-bench-macro").and_then(|text| SearchSpace::from_toml(text).ok());
    let space = space.expect("the space is embedded and tested");
    let sizes = space.families[0].gene_sizes();
    let choices: Vec<usize> = (0..sizes.len()).filter(|&gene| sizes[gene] == 3).collect();
    let row = |(key, row): (String, MacroRow)| {
        let digits: Option<Vec<u16>> = key
            .chars()
            .map(|digit| digit.to_digit(3).map(|digit| digit as u16))
            .collect();
        let digits = digits
            .filter(|digits| digits.len() == MACRO_LAYERS && choices.len() == MACRO_LAYERS)
            .ok_or_else(|| {
                format(format!(
                    "`{key}` is not a key of NAS-Bench-Macro (eight digits of 0, 1, 2)"
                ))
            })?;
        let mut genes = vec![0; sizes.len()];
        for (gene, digit) in choices.iter().zip(digits) {
            genes[*gene] = digit;
        }
        let genotype = mnas_space::Genotype { family: 0, genes };
        Ok((space.express(&genotype, 10), row.mean_acc, 0))
    };
    table.into_iter().map(row).collect()
}
