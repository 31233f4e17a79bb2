//! NSGA-II.

use mnas_space::Genotype;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::spread::Spread;
use super::{Observation, Sampler, Search, Strategy};
use crate::front::{crowding_distance, non_dominated_ranks};
use crate::problem::Problem;

/// Shares of a population that are replaced between two selections.
const SELECTIONS: usize = 8;

/// NSGA-II (Deb, Pratap, Agarwal and Meyarivan, IEEE TEC 2002) without generations: parents win binary tournaments by
/// non-dominated rank, then by crowding distance; children are crossed over and mutated.
///
/// Survivors are selected whenever an eighth of a population of results has come in, among the survivors before and these
/// results. A proposal depends on the latest selection only, so a free worker never waits for a generation. Networks that
/// break a constraint are never evaluated, which is Deb's constraint domination with a population that is feasible from the
/// start.
#[derive(Debug, Clone, Copy)]
pub struct Nsga2 {
    /// Survivors; as many are drawn at random, spread over the sizes, before the first crossover.
    pub population: usize,
}

impl Strategy for Nsga2 {
    fn name(&self) -> &'static str {
        "nsga2"
    }

    fn begin<'a>(&'a self, problem: &'a Problem) -> Box<dyn Search + 'a> {
        Box::new(Survivors {
            problem,
            spread: Spread::new(problem),
            population: self.population,
            members: Vec::new(),
            newcomers: 0,
        })
    }
}

/// A network with its place in the population.
struct Member {
    genotype: Genotype,
    point: Vec<f64>,
    rank: usize,
    crowding: f64,
}

struct Survivors<'a> {
    problem: &'a Problem,
    spread: Spread<'a>,
    population: usize,
    /// The survivors of the last selection in front, then the newcomers.
    members: Vec<Member>,
    newcomers: usize,
}

impl Survivors<'_> {
    fn is_started(&self) -> bool {
        self.members.len() - self.newcomers >= self.population
    }

    /// Ranks all members and keeps a population of the best.
    fn select(&mut self) {
        let points: Vec<&[f64]> = self.members.iter().map(|member| member.point.as_slice()).collect();
        let ranks = non_dominated_ranks(&points);
        let crowding = crowding_distance(&points, &ranks);
        for (member, (rank, crowding)) in self.members.iter_mut().zip(ranks.into_iter().zip(crowding)) {
            (member.rank, member.crowding) = (rank, crowding);
        }
        // Stable: of equals the oldest stay.
        self.members
            .sort_by(|one, other| one.rank.cmp(&other.rank).then(other.crowding.total_cmp(&one.crowding)));
        self.members.truncate(self.population);
        self.newcomers = 0;
    }

    /// The winner of a binary tournament.
    fn parent(&self, rng: &mut ChaCha8Rng) -> &Genotype {
        let (one, other) = (
            rng.random_range(0..self.population),
            rng.random_range(0..self.population),
        );
        // Survivors are sorted, the best first.
        &self.members[one.min(other)].genotype
    }
}

impl Search for Survivors<'_> {
    fn settle(&mut self, observation: &Observation) {
        let Some(point) = self.problem.point(&observation.costs, observation.accuracy) else {
            return;
        };
        if point.iter().any(|value| value.is_nan()) {
            return;
        }
        self.members.push(Member {
            genotype: observation.genotype.clone(),
            point,
            rank: 0,
            crowding: 0.0,
        });
        self.newcomers += 1;
        let wanted = if self.is_started() {
            self.population.div_ceil(SELECTIONS)
        } else {
            self.population
        };
        if self.newcomers >= wanted {
            self.select();
        }
    }

    fn prepare<'s>(&'s self, _pending: &'s [Observation]) -> Box<dyn Sampler + 's> {
        Box::new(self)
    }
}

impl Sampler for &Survivors<'_> {
    fn draw(&mut self, rng: &mut ChaCha8Rng) -> Genotype {
        if !self.is_started() {
            return self.spread.draw(rng);
        }
        let space = &self.problem.space;
        let (one, other) = (self.parent(rng), self.parent(rng));
        let child = space.crossover(one, other, rng);
        space.mutate(&child, rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::tests::{observation, problem};
    use mnas_space::random::stream;

    #[test]
    fn the_front_survives_whatever_comes_after_it() {
        let problem = problem();
        let strategy = Nsga2 { population: 8 };
        let mut search = Survivors {
            problem: &problem,
            spread: Spread::new(&problem),
            population: strategy.population,
            members: Vec::new(),
            newcomers: 0,
        };
        let mut rng = stream(0, "test", 0, 0);
        let mut best: Option<Genotype> = None;
        for index in 0..40_u32 {
            let genotype = problem.space.sample(&mut rng);
            let accuracy = if index == 3 { 99.0 } else { f64::from(index) };
            if index == 3 {
                best = Some(genotype.clone());
            }
            search.settle(&observation(&problem, genotype, Some(accuracy)));
            assert!(search.members.len() <= 16);
        }
        let best = best.unwrap();
        assert!(search.members.iter().any(|member| member.genotype == best));
        assert!(search.is_started());
    }
}
