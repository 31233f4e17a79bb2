//! Several studies beside one another: their fronts, and their courses over trials and over time.
//!
//! [`compare`] reads the studies and refuses those whose numbers mean different things; `course` follows one study through
//! its journal, `figures` draws the comparison.

mod course;
mod error;
mod figures;

pub use course::{Course, Step};
pub use error::ComparisonError;
pub use figures::{Progress, course_figure, fronts_figure};

use std::path::{Path, PathBuf};

use mnas_engine::front::hypervolume;
use mnas_engine::problem::{Metric, Problem, Quantity};
use mnas_engine::study::{
    self, EvaluatorConfig, Journal, StudyConfig, StudyError, StudyFolder, StudyState, Trial, load,
};

/// Studies that compare.
#[derive(Debug)]
pub struct Comparison {
    /// The studies in the order given.
    pub studies: Vec<ComparedStudy>,
    /// The worst value of each objective in any trial that keeps its study's constraints: the reference point of the
    /// hypervolume, accuracy as it is.
    pub reference_point: Vec<f64>,
    /// The best value of each objective, likewise. Hypervolumes are shares of the box between the two points.
    pub ideal_point: Vec<f64>,
}

/// One of them.
#[derive(Debug)]
pub struct ComparedStudy {
    /// Name in figures and tables: the folder's name, or its path where two have the same name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: StudyConfig,
    /// Its problem.
    pub problem: Problem,
    /// Its trials.
    pub state: StudyState,
    /// Its course.
    pub course: Course,
}

impl ComparedStudy {
    /// The non-dominated trials that keep the constraints.
    pub fn front(&self) -> Vec<&Trial> {
        study::front(&self.problem, self.state.trials())
    }

    /// The most accurate trial that keeps the constraints.
    pub fn best(&self) -> Option<&Trial> {
        study::best(&self.problem, self.state.trials().iter())
    }

    /// Number of trials settled when the best accuracy was reached.
    pub fn trials_to_best(&self) -> Option<usize> {
        let best = self.course.steps.last()?.best?;
        self.course
            .steps
            .iter()
            .find(|step| step.best == Some(best))
            .map(|step| step.trials)
    }

    /// Points of the trials that keep the constraints, all coordinates to be minimised, by number of the trial.
    fn points(&self) -> Vec<Option<Vec<f64>>> {
        let point = |trial: &Trial| {
            let costs = trial.known_costs();
            if self.problem.violation(&costs).is_some() {
                return None;
            }
            let point = self.problem.point(&costs, Some(trial.accuracy()?))?;
            point.iter().all(|value| value.is_finite()).then_some(point)
        };
        self.state.trials().iter().map(point).collect()
    }
}

impl Comparison {
    /// The reference point in words: `accuracy 54.20 %, macs 152.3 M`.
    pub fn describe_reference_point(&self) -> String {
        let Some(first) = self.studies.first() else {
            return String::new();
        };
        let names = first.problem.device_names();
        let values = first.problem.objectives.iter().zip(&self.reference_point);
        let words = values.map(|(metric, value)| format!("{} {}", metric.name(&names), Quantity(*metric, *value)));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// Reads studies and their courses.
pub fn compare(paths: &[PathBuf]) -> Result<Comparison, ComparisonError> {
    let mut studies = Vec::with_capacity(paths.len());
    let mut journals = Vec::with_capacity(paths.len());
    for path in paths {
        let folder = StudyFolder::open(path).map_err(StudyError::from)?;
        let (config, problem) = load(&folder)?;
        let entries = Journal::read(&folder.journal()).map_err(StudyError::from)?;
        studies.push(ComparedStudy {
            name: name_of(path, paths),
            folder: path.clone(),
            config,
            problem,
            state: study::replay(&folder)?,
            course: Course::default(),
        });
        journals.push(entries);
    }
    check(&studies)?;
    let points: Vec<Vec<Option<Vec<f64>>>> = studies.iter().map(ComparedStudy::points).collect();
    let (worst, best) = corners(points.iter().flatten().flatten());
    let volume = |front: &[Vec<f64>]| share_of_box(front, &worst, &best);
    for ((study, entries), points) in studies.iter_mut().zip(&journals).zip(&points) {
        study.course = Course::of(entries, &study.state, points, &volume);
    }
    let objectives = studies
        .first()
        .map_or(Vec::new(), |study| study.problem.objectives.clone());
    let as_shown = |corner: &[f64]| {
        let values = corner.iter().zip(&objectives);
        values
            .map(|(value, metric)| if metric.is_maximised() { -value } else { *value })
            .collect()
    };
    Ok(Comparison {
        reference_point: as_shown(&worst),
        ideal_point: as_shown(&best),
        studies,
    })
}

/// The last part of a path, or the whole path where another one ends the same.
fn name_of(path: &Path, all: &[PathBuf]) -> String {
    let last = path.file_name();
    if last.is_none() || all.iter().filter(|other| other.file_name() == last).count() > 1 {
        return path.display().to_string();
    }
    last.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Refuses studies whose objectives or accuracies mean something else than those of the first.
fn check(studies: &[ComparedStudy]) -> Result<(), ComparisonError> {
    let Some(first) = studies.first() else {
        return Ok(());
    };
    for (at, study) in studies.iter().enumerate().skip(1) {
        if studies[..at].iter().any(|other| other.folder == study.folder) {
            return Err(ComparisonError::Twice {
                study: study.folder.clone(),
            });
        }
        for (what, of) in COMPARED {
            let (one, other) = (of(first), of(study));
            if one != other {
                return Err(ComparisonError::Differs {
                    what,
                    one: first.folder.clone(),
                    one_value: one,
                    other: study.folder.clone(),
                    other_value: other,
                });
            }
        }
    }
    Ok(())
}

/// A property of a study, in words.
type Property = (&'static str, fn(&ComparedStudy) -> String);

/// What has to be the same in studies that compare.
const COMPARED: [Property; 4] = [
    ("objectives", |study| study.config.objectives.join(", ")),
    ("devices", devices),
    ("accuracies", accuracies),
    ("images", |study| {
        study.state.data().map_or_else(
            || "none".to_owned(),
            |data| format!("{} ({})", data.description, data.fingerprint),
        )
    }),
];

/// The devices whose latency is an objective.
fn devices(study: &ComparedStudy) -> String {
    let latencies = study.problem.objectives.iter().filter_map(|metric| match metric {
        Metric::Latency(index) => Some(study.problem.devices[*index].name.clone()),
        _ => None,
    });
    latencies.collect::<Vec<_>>().join(", ")
}

/// The origin of accuracies; of a table the file's name, however its path is written.
fn accuracies(study: &ComparedStudy) -> String {
    match &study.config.evaluator {
        EvaluatorConfig::Table { path } => {
            let name = path.file_name().unwrap_or(path.as_os_str());
            format!("recorded in {}", name.display())
        }
        EvaluatorConfig::Train(_) | EvaluatorConfig::Proxy(_) => study.config.fidelity(None),
    }
}

/// The worst and the best value of each coordinate.
fn corners<'a>(points: impl Iterator<Item = &'a Vec<f64>>) -> (Vec<f64>, Vec<f64>) {
    let (mut worst, mut best) = (Vec::new(), Vec::new());
    for point in points {
        if worst.is_empty() {
            (worst, best) = (point.clone(), point.clone());
        }
        for (at, value) in point.iter().enumerate() {
            worst[at] = f64::max(worst[at], *value);
            best[at] = f64::min(best[at], *value);
        }
    }
    (worst, best)
}

/// Hypervolume in percent of the box between two corners; 0 where the box is flat.
fn share_of_box(front: &[Vec<f64>], worst: &[f64], best: &[f64]) -> f64 {
    let whole: f64 = worst.iter().zip(best).map(|(worst, best)| worst - best).product();
    if whole > 0.0 {
        100.0 * hypervolume(front, worst) / whole
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests;
