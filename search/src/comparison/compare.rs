//! Comparison of studies with comparable numbers.

use std::path::{Path, PathBuf};

use mnas_engine::front::hypervolume;
use mnas_engine::problem::Metric;
use mnas_engine::study::{self, EvaluatorConfig, Journal, StudyError, StudyFolder, load};

use super::course::Course;
use super::error::ComparisonError;
use super::studies::{ComparedStudy, Comparison};

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

/// The last part of a path, or the whole path where another one has the same last part.
fn name_of(path: &Path, all: &[PathBuf]) -> String {
    let last = path.file_name();
    if last.is_none() || all.iter().filter(|other| other.file_name() == last).count() > 1 {
        return path.display().to_string();
    }
    last.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Refuses studies whose objectives or accuracies are not comparable with those of the first.
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

/// A property of a study: its name and its value as text.
type Property = (&'static str, fn(&ComparedStudy) -> String);

/// Properties that comparable studies have in common.
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
