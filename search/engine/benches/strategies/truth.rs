//! Benchmark problems with known or computed accuracies.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use mnas_engine::evaluator::RecordedTable;
use mnas_engine::front::hypervolume;
use mnas_engine::problem::{Constraint, Costs, Metric, Problem};
use mnas_engine::strategy::Observation;
use mnas_space::random::stream;
use mnas_space::{ArchitectureId, Genotype, SearchSpace};
use rand_distr::{Distribution, StandardNormal};

use super::options::{Goal, Options};

/// A problem with the accuracy of its networks.
pub struct Truth {
    pub problem: Problem,
    /// The best accuracy known.
    pub best: f64,
    source: Source,
    /// Accuracy and multiply-adds that bound the hypervolume.
    corner: (f64, f64),
}

enum Source {
    /// Networks of a table. A genotype outside the table is evaluated as the nearest member.
    Table(Vec<Observation>, HashMap<ArchitectureId, usize>),
    /// A function of the genotype with noise of this standard deviation.
    Synthetic(Synthetic, f64),
}

impl Truth {
    pub fn open(name: &str, options: &Options) -> Self {
        match name {
            "macro" => Self::table(
                problem("nas-bench-macro", 10, options, Vec::new()),
                &macro_rows(&options.data),
            ),
            "accel" => Self::table(
                problem("accel-nasbench", 1000, options, Vec::new()),
                &accel_rows(&options.data),
            ),
            "synthetic" => Self::synthetic("mobilenet-small-images", 12e6, 0.0, options),
            "noisy" => Self::synthetic("mobilenet-small-images", 12e6, 0.7, options),
            "tiny" => Self::synthetic("tiny", 15e6, 0.7, options),
            "mobilenet" => Self::synthetic("mobilenet", 60e6, 0.7, options),
            _ => panic!("unknown truth {name}"),
        }
    }

    fn table(problem: Problem, rows: &[(Genotype, f64)]) -> Self {
        let mut members: Vec<Observation> = Vec::new();
        let mut index = HashMap::new();
        for (genotype, accuracy) in rows {
            let proposal = problem.admit_genotype(genotype).unwrap();
            let id = proposal.architecture.id();
            index.entry(id).or_insert_with(|| {
                members.push(Observation {
                    genotype: genotype.clone(),
                    id,
                    costs: proposal.costs,
                    accuracy: Some(*accuracy),
                });
                members.len() - 1
            });
        }
        let accuracies = members.iter().filter_map(|one| one.accuracy);
        let worst = accuracies.clone().fold(f64::INFINITY, f64::min);
        let macs = members.iter().map(|one| one.costs.macs as f64).fold(0.0, f64::max);
        Self {
            best: accuracies.fold(0.0, f64::max),
            corner: (worst, 1.0001 * macs),
            problem,
            source: Source::Table(members, index),
        }
    }

    fn synthetic(space: &str, bound: f64, noise: f64, options: &Options) -> Self {
        let limit = Constraint {
            metric: Metric::Macs,
            at_most: bound,
        };
        let problem = problem(space, 10, options, vec![limit]);
        let function = Synthetic::new(&problem);
        let (accuracy, best) = function.climb(&problem);
        drop(best);
        Self {
            best: accuracy,
            corner: (40.0, bound),
            source: Source::Synthetic(function, noise),
            problem,
        }
    }

    /// The network evaluated for a proposal; `None` where it breaks a constraint or is known.
    pub fn evaluate(&self, genotype: &Genotype, known: &HashSet<ArchitectureId>, seed: u64) -> Option<Observation> {
        match &self.source {
            Source::Table(members, index) => {
                let id = self.problem.space.express(genotype, self.problem.classes).id();
                if let Some(&member) = index.get(&id) {
                    return (!known.contains(&id)).then(|| members[member].clone());
                }
                let distance = |one: &Observation| {
                    let genes = one.genotype.genes.iter().zip(&genotype.genes);
                    genes.filter(|(one, other)| one != other).count()
                };
                members
                    .iter()
                    .filter(|one| !known.contains(&one.id))
                    .min_by_key(|one| distance(one))
                    .cloned()
            }
            Source::Synthetic(function, noise) => {
                let proposal = self.problem.admit_genotype(genotype).ok()?;
                let id = proposal.architecture.id();
                if known.contains(&id) {
                    return None;
                }
                let error: f64 = StandardNormal.sample(&mut stream(seed, "noise", id.0, 0));
                Some(Observation {
                    accuracy: Some(function.accuracy(genotype, &proposal.costs) + noise * error),
                    genotype: genotype.clone(),
                    id,
                    costs: proposal.costs,
                })
            }
        }
    }

    /// The accuracy without noise.
    pub fn accuracy(&self, observation: &Observation) -> f64 {
        match &self.source {
            Source::Table(..) => observation.accuracy.unwrap(),
            Source::Synthetic(function, _) => function.accuracy(&observation.genotype, &observation.costs),
        }
    }

    /// Returns true if a network of a table is the best one.
    pub fn is_best(&self, observation: &Observation) -> bool {
        matches!(self.source, Source::Table(..)) && observation.accuracy.is_some_and(|accuracy| accuracy >= self.best)
    }

    /// All networks of a table as points.
    pub fn members_points(&self) -> Vec<[f64; 2]> {
        match &self.source {
            Source::Table(members, _) => members.iter().map(|one| self.point(one)).collect(),
            // The front of a function is unknown: volumes are shares of the whole box.
            Source::Synthetic(..) => vec![[-self.best, 0.0]],
        }
    }

    pub fn point(&self, observation: &Observation) -> [f64; 2] {
        [-self.accuracy(observation), observation.costs.macs as f64]
    }

    pub fn volume(&self, points: &[[f64; 2]]) -> f64 {
        hypervolume(points, &[-self.corner.0, self.corner.1])
    }
}

fn problem(space: &str, classes: u32, options: &Options, limits: Vec<Constraint>) -> Problem {
    let space = SearchSpace::from_toml(SearchSpace::embedded(space).unwrap()).unwrap();
    let objectives = match options.goal {
        Goal::Accuracy => vec![Metric::Accuracy],
        Goal::Front => vec![Metric::Accuracy, Metric::Macs],
    };
    Problem::new(space, classes, Vec::new(), objectives, limits)
}

fn macro_rows(data: &Path) -> Vec<(Genotype, f64)> {
    let table = RecordedTable::read(&data.join("nas-bench-macro.json")).unwrap();
    let space = SearchSpace::from_toml(SearchSpace::embedded("nas-bench-macro").unwrap()).unwrap();
    let sizes = space.families[0].gene_sizes();
    let layers: Vec<usize> = (0..sizes.len()).filter(|&gene| sizes[gene] == 3).collect();
    let genotypes = (0..3_usize.pow(layers.len() as u32)).map(|mut number| {
        let mut genes = vec![0; sizes.len()];
        for &layer in &layers {
            genes[layer] = (number % 3) as u16;
            number /= 3;
        }
        Genotype { family: 0, genes }
    });
    genotypes
        .map(|genotype| {
            let accuracy = table.accuracy(&space.express(&genotype, 10)).unwrap();
            (genotype, accuracy)
        })
        .collect()
}

/// Rows of `accel-nasbench.csv`: stages such as `e6k5l2se`, separated by `|`.
fn accel_rows(data: &Path) -> Vec<(Genotype, f64)> {
    let space = SearchSpace::from_toml(SearchSpace::embedded("accel-nasbench").unwrap()).unwrap();
    let family = &space.families[0];
    // Genes of depth and block choice of each stage, from the fields of its key.
    let text = std::fs::read_to_string(data.join("accel-nasbench.csv")).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(',');
            let (key, accuracy) = (fields.next().unwrap(), fields.next().unwrap().parse().unwrap());
            let mut genes = vec![0; family.gene_sizes().len()];
            for (index, stage) in key.split('|').enumerate() {
                let stage_fields = &family.stages[index + 1];
                let number = |letter: char| {
                    let from = stage.find(letter).unwrap() + 1;
                    stage[from..].chars().next().unwrap().to_digit(10).unwrap()
                };
                let squeezed = stage.ends_with("se");
                let wanted = |choice: &mnas_space::BlockChoice| {
                    let fields: BTreeMap<&str, String> = choice.fields().collect();
                    let has_squeeze = fields.get("squeeze-input").is_some_and(|value| value != "0");
                    fields["kernel"] == number('k').to_string()
                        && fields["expansion"] == number('e').to_string()
                        && has_squeeze == squeezed
                };
                let at = 2 + 3 * (index + 1);
                let (depth, choice) = (number('l'), stage_fields.choices.iter().position(wanted).unwrap());
                genes[at + 1] = stage_fields.depth.iter().position(|&one| one == depth).unwrap() as u16;
                genes[at + 2] = choice as u16;
            }
            (Genotype { family: 0, genes }, accuracy)
        })
        .collect()
}

/// A smooth accuracy: saturating in multiply-adds and parameters, with effects of single decisions and of pairs.
pub struct Synthetic {
    single: HashMap<(usize, usize, u16), f64>,
    pairs: Vec<(usize, usize, usize, f64)>,
}

impl Synthetic {
    fn new(problem: &Problem) -> Self {
        let mut rng = stream(7, "truth", 0, 0);
        let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
        let (mut single, mut pairs) = (HashMap::new(), Vec::new());
        for (family, body) in problem.space.families.iter().enumerate() {
            let sizes = body.gene_sizes();
            let open: Vec<usize> = (0..sizes.len()).filter(|&gene| sizes[gene] > 1).collect();
            for &gene in &open {
                let mut level = 0.0;
                for value in 0..sizes[gene] {
                    // Neighbouring values differ less than distant ones.
                    level += 0.05 * normal();
                    single.insert((family, gene, value), level);
                }
            }
            for window in open.windows(2) {
                pairs.push((family, window[0], window[1], 0.05 * normal()));
            }
        }
        Self { single, pairs }
    }

    fn accuracy(&self, genotype: &Genotype, costs: &Costs) -> f64 {
        let mut logit = 0.55 * (costs.macs as f64 / 1e6).ln() + 0.2 * (costs.params as f64 / 1e6).ln();
        for (gene, &value) in genotype.genes.iter().enumerate() {
            logit += self.single.get(&(genotype.family, gene, value)).copied().unwrap_or(0.0);
        }
        for (family, one, other, weight) in &self.pairs {
            if *family == genotype.family {
                let sign = |gene: usize| {
                    if genotype.genes[gene].is_multiple_of(2) {
                        1.0
                    } else {
                        -1.0
                    }
                };
                logit += weight * sign(*one) * sign(*other);
            }
        }
        100.0 / (1.0 + (-logit).exp())
    }

    /// Best accuracy found by long hill climbs.
    fn climb(&self, problem: &Problem) -> (f64, Genotype) {
        let mut best = (0.0, problem.least(problem.size_metric()).0);
        for start in 0..40 {
            let mut rng = stream(8, "climb", start, 0);
            let mut here: Option<(f64, Genotype)> = None;
            for _ in 0..4_000 {
                let next = match &here {
                    None => problem.space.sample(&mut rng),
                    Some((_, genotype)) => {
                        let near = problem.space.mutate(genotype, &mut rng);
                        problem.space.mutate(&near, &mut rng)
                    }
                };
                let Ok(proposal) = problem.admit_genotype(&next) else {
                    continue;
                };
                let accuracy = self.accuracy(&next, &proposal.costs);
                if here.as_ref().is_none_or(|(known, _)| accuracy > *known) {
                    here = Some((accuracy, next));
                }
            }
            if let Some(found) = here.filter(|found| found.0 > best.0) {
                best = found;
            }
        }
        best
    }
}
