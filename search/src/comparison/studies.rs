//! Compared studies with their courses.

use std::path::PathBuf;

use mnas_engine::problem::{Problem, Quantity};
use mnas_engine::study::{self, StudyConfig, StudyState, Trial};

use super::course::Course;

/// Compared studies.
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

/// A compared study.
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
        let last = self.course.steps.iter().rev();
        last.take_while(|step| step.best == Some(best))
            .last()
            .map(|step| step.trials)
    }

    /// Points of the trials that keep the constraints, all coordinates to be minimised, by number of the trial.
    pub(super) fn points(&self) -> Vec<Option<Vec<f64>>> {
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
