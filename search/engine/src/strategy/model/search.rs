//! The model-guided search as a strategy.

use super::acquisition::target;
use super::candidates::enumerate;
use super::guided::{Guided, Observed};
use super::samplers::{BestFirst, FarthestFirst};
use super::settings::ModelGuided;
use crate::problem::Problem;
use crate::regression::Sample;
use crate::strategy::{Observation, Sampler, Search, Strategy};

impl Strategy for ModelGuided {
    fn name(&self) -> &'static str {
        "model"
    }

    fn begin<'a>(&'a self, problem: &'a Problem) -> Box<dyn Search + 'a> {
        let mut search = Guided::new(problem, *self);
        search.pool = enumerate(&search);
        Box::new(search)
    }
}

impl Search for Guided<'_> {
    fn settle(&mut self, observation: &Observation) {
        self.known.insert(observation.id);
        let Some(accuracy) = observation.accuracy.filter(|accuracy| accuracy.is_finite()) else {
            return;
        };
        let target = target(accuracy);
        self.observed.push(Observed {
            merit: match self.problem.reward() {
                Some(_) => self.problem.value(&observation.costs, accuracy),
                None => target,
            },
            genotype: observation.genotype.clone(),
            sample: self.sample(&observation.genotype, &observation.costs),
            signals: self.measure(&[self.express(&observation.genotype)]).pop().flatten(),
            costs: observation.costs.clone(),
            target,
        });
        if self.observed.len() >= self.tune_at {
            self.tune();
        }
    }

    fn prepare<'s>(&'s self, pending: &'s [Observation]) -> Box<dyn Sampler + 's> {
        let samples: Vec<Sample> = pending
            .iter()
            .map(|one| self.sample(&one.genotype, &one.costs))
            .collect();
        let is_start = self.observed.len() + pending.len() < self.start;
        match self.process(&samples).filter(|_| !is_start) {
            Some(process) => Box::new(BestFirst::new(self, process, pending, &samples)),
            None => Box::new(FarthestFirst::new(self, pending, samples)),
        }
    }
}
