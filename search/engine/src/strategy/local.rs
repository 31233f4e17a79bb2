//! Local search.

use std::collections::HashMap;

use mnas_space::Genotype;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::spread::Spread;
use super::{Observation, Sampler, Search, Strategy};
use crate::front::{Archive, Insertion};
use crate::problem::Problem;

/// Chance of a new start.
const RESTART: f64 = 0.05;

/// Chance of a second mutation: neighbours of one mutation alone would run out.
const SECOND: f64 = 0.3;

/// Local search on the front: of the networks that no other dominates in all objectives (of the highest reward, where there is
/// one), the one explored least is mutated.
/// Some draws start anew, and every draw tries the members of the front in turn, the least explored first, so that it
/// continues where the neighbours of one member are all known.
#[derive(Debug, Clone, Copy)]
pub struct LocalSearch {
    /// Networks drawn at random, spread over the sizes, before the first mutation.
    pub start: usize,
}

impl Strategy for LocalSearch {
    fn name(&self) -> &'static str {
        "local"
    }

    fn begin<'a>(&'a self, problem: &'a Problem) -> Box<dyn Search + 'a> {
        Box::new(Explored {
            problem,
            spread: Spread::new(problem),
            start: self.start,
            front: Archive::default(),
            members: HashMap::new(),
            settled: 0,
        })
    }
}

/// A member of the front.
struct Member {
    genotype: Genotype,
    /// Number of results within two decisions of it.
    neighbours: usize,
}

struct Explored<'a> {
    problem: &'a Problem,
    spread: Spread<'a>,
    start: usize,
    front: Archive,
    /// Members of the front by their number among the settled trials.
    members: HashMap<u64, Member>,
    settled: u64,
}

impl Explored<'_> {
    /// Members of the front, the least explored first, the youngest of equals first.
    fn ordered(&self) -> Vec<&Member> {
        let mut members: Vec<(&u64, &Member)> = self.members.iter().collect();
        members.sort_unstable_by(|(one, first), (other, second)| {
            first.neighbours.cmp(&second.neighbours).then(other.cmp(one))
        });
        members.into_iter().map(|(_, member)| member).collect()
    }
}

/// Returns true if two genotypes differ in two decisions at most.
fn is_near(one: &Genotype, other: &Genotype) -> bool {
    let differing = one.genes.iter().zip(&other.genes).filter(|(one, other)| one != other);
    one.family == other.family && differing.count() <= 2
}

impl Search for Explored<'_> {
    fn settle(&mut self, observation: &Observation) {
        let number = self.settled;
        self.settled += 1;
        for member in self.members.values_mut() {
            member.neighbours += usize::from(is_near(&member.genotype, &observation.genotype));
        }
        let Some(point) = self.problem.search_point(&observation.costs, observation.accuracy) else {
            return;
        };
        if let Insertion::Joined(left) = self.front.insert(number, point) {
            for member in left {
                self.members.remove(&member);
            }
            let member = Member {
                genotype: observation.genotype.clone(),
                neighbours: 0,
            };
            self.members.insert(number, member);
        }
    }

    fn prepare<'s>(&'s self, pending: &'s [Observation]) -> Box<dyn Sampler + 's> {
        let is_start = self.settled as usize + pending.len() < self.start;
        Box::new(Neighbours {
            search: self,
            members: if is_start { Vec::new() } else { self.ordered() },
            next: 0,
        })
    }
}

/// Draws neighbours of the members in turn; random networks where there are none.
struct Neighbours<'s, 'a> {
    search: &'s Explored<'a>,
    members: Vec<&'s Member>,
    next: usize,
}

impl Sampler for Neighbours<'_, '_> {
    fn draw(&mut self, rng: &mut ChaCha8Rng) -> Genotype {
        if self.members.is_empty() || rng.random_bool(RESTART) {
            return self.search.spread.draw(rng);
        }
        let member = self.members[self.next % self.members.len()];
        self.next += 1;
        let space = &self.search.problem.space;
        let near = space.mutate(&member.genotype, rng);
        if rng.random_bool(SECOND) {
            space.mutate(&near, rng)
        } else {
            near
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::tests::{observation, problem};
    use mnas_space::random::stream;

    #[test]
    fn the_least_explored_member_of_the_front_is_mutated() {
        let problem = problem();
        let strategy = LocalSearch { start: 1 };
        let mut search = strategy.begin(&problem);
        let mut rng = stream(0, "test", 0, 0);
        let (_, least) = problem.least(crate::problem::Metric::Macs);
        let least = problem.space.encode(&least.architecture).unwrap();
        let other = Spread::new(&problem).largest().unwrap();
        search.settle(&observation(&problem, least.clone(), Some(10.0)));
        search.settle(&observation(&problem, other.clone(), Some(20.0)));
        // A neighbour of the second that is dominated by it.
        let near = loop {
            let near = problem.space.mutate(&other, &mut rng);
            if is_near(&near, &other) {
                break near;
            }
        };
        search.settle(&observation(&problem, near, Some(1.0)));
        let family = |genotype: &Genotype| genotype.family;
        assert_ne!(family(&least), family(&other));
        let drawn = search.prepare(&[]).draw(&mut rng);
        assert_eq!(family(&drawn), family(&least));
    }
}
