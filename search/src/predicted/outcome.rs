//! A predicted front with the published networks beside it.

use mnas_engine::imagenet::{PredictedFront, PredictedMember, PredictedTop1, Predictor};
use mnas_engine::problem::{Costs, Problem};
use mnas_engine::study::Beside;
use mnas_space::ReferenceError;

use super::published::{EMPHASISED, PublishedNetwork, published_networks};

/// Front of predicted ImageNet top-1 over latency on one device, with the published networks.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedOutcome {
    /// Name of the device.
    pub device: String,
    /// Hardware, runtime and threads of the device.
    pub device_description: String,
    /// Budget in milliseconds.
    pub budget_ms: Option<f64>,
    /// Name of the search space.
    pub space: String,
    /// Front, the fastest network first, without networks predicted below every published accuracy.
    pub front: PredictedFront,
    /// Networks left out because they are predicted below every published accuracy.
    pub below_published: usize,
    /// Published networks.
    pub references: Vec<Reference>,
    /// Seconds that the search took.
    pub seconds: f64,
}

/// Published network beside a predicted front.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Network with its published accuracy.
    pub network: PublishedNetwork,
    /// Costs on the front's device.
    pub costs: Costs,
    /// Prediction with the recipe of the front, or the reason why there is none.
    pub predicted: Result<PredictedTop1, String>,
    /// True if it keeps every constraint of the search.
    pub within_budget: bool,
    /// True if some network of the front is at least as fast and predicted to be at least as accurate as published, and better
    /// in one.
    pub dominated: bool,
    /// True if that holds for the lower bound of the interval too.
    pub surely_dominated: bool,
    /// Highest predicted accuracy at its latency, less its published one; `None` where every network of the front is slower.
    pub points: Option<f64>,
    /// Highest predicted accuracy at its latency, less its own prediction.
    pub predicted_points: Option<f64>,
    /// Its latency, less that of the fastest network of the front predicted to be as accurate as published.
    pub ms: Option<f64>,
}

impl Reference {
    /// Latency on the front's device in milliseconds.
    pub fn latency_ms(&self) -> f64 {
        latency_of(&self.costs)
    }

    /// Title of its family if figures emphasise it.
    pub fn emphasised(&self) -> Option<&'static str> {
        let name = self.network.reference.name();
        let found = EMPHASISED.iter().find(|(_, reference)| *reference == name);
        found.map(|(title, _)| *title)
    }
}

/// Latency on the first device in milliseconds.
fn latency_of(costs: &Costs) -> f64 {
    costs
        .latency
        .first()
        .map_or(f64::NAN, |prediction| prediction.latency.0)
}

impl PredictedOutcome {
    /// Compares every published network with a front of `problem`, which has at least one device.
    ///
    /// Networks predicted below every published accuracy are left out, since nothing was ever fitted there, unless the whole
    /// front lies below.
    pub fn new(
        problem: &Problem,
        device_description: String,
        mut front: PredictedFront,
        seconds: f64,
    ) -> Result<Self, ReferenceError> {
        let networks = published_networks()?;
        let least = networks.iter().map(|network| network.top1).fold(100.0, f64::min);
        let below_published = front
            .members
            .iter()
            .filter(|member| member.predicted.top1 < least)
            .count();
        if below_published < front.members.len() {
            front.members.retain(|member| member.predicted.top1 >= least);
        }
        let places = front
            .members
            .iter()
            .map(|member| (latency_of(&member.proposal.costs), member.predicted.top1));
        let places: Vec<(f64, f64)> = places.collect();
        let beside = |network: PublishedNetwork| reference(problem, (&front.members, &places), network);
        let references = networks.into_iter().map(beside).collect();
        let device = problem.devices.first();
        Ok(Self {
            device: device.map(|device| device.name.clone()).unwrap_or_default(),
            device_description,
            budget_ms: device.and_then(|device| device.budget).map(|budget| budget.0),
            space: problem.space.name.clone(),
            references,
            front,
            below_published,
            seconds,
        })
    }

    /// The member of the front predicted to be most accurate, the slowest one.
    pub fn best(&self) -> Option<&PredictedMember> {
        self.front.members.last()
    }

    /// Published networks of the emphasised families that tables show: each family at width 1 and 224 pixels, and its most
    /// accurate one within the budget.
    pub fn shown_references(&self) -> Vec<&Reference> {
        let mut shown: Vec<&Reference> = Vec::new();
        for (title, _) in EMPHASISED {
            let of_family = || {
                self.references
                    .iter()
                    .filter(move |reference| reference.emphasised() == Some(title))
            };
            let whole = of_family().find(|reference| {
                reference.network.width.total_cmp(&1.0).is_eq() && reference.network.resolution == 224
            });
            let within = of_family()
                .filter(|reference| reference.within_budget)
                .max_by(|one, other| one.network.top1.total_cmp(&other.network.top1));
            for reference in whole.into_iter().chain(within) {
                if !shown.contains(&reference) {
                    shown.push(reference);
                }
            }
        }
        shown
    }
}

/// Compares a published network with the members of a front; `places` holds their latencies and predicted accuracies.
fn reference(
    problem: &Problem,
    (members, places): (&[PredictedMember], &[(f64, f64)]),
    network: PublishedNetwork,
) -> Reference {
    let costs = problem.costs(&network.architecture);
    let latency = latency_of(&costs);
    let predicted = Predictor::embedded().predict(&network.architecture);
    let beside = Beside::of((latency, network.top1), places);
    // The front is sorted by latency and by accuracy: the most accurate member that is not slower.
    let member = members.iter().zip(places).rfind(|(_, place)| place.0 <= latency);
    let member = member.map(|(member, _)| &member.predicted);
    Reference {
        within_budget: problem.violation(&costs).is_none(),
        dominated: beside.dominated,
        surely_dominated: member.is_some_and(|member| member.low >= network.top1),
        predicted_points: member
            .zip(predicted.as_ref().ok())
            .map(|(member, own)| member.top1 - own.top1),
        predicted: predicted.map_err(|error| error.to_string()),
        costs,
        points: beside.points,
        ms: beside.saved,
        network,
    }
}

/// At most `count` members of a front, two at least, spread evenly over the logarithm of latency, both ends among them.
pub fn thinned(members: &[PredictedMember], count: usize) -> Vec<&PredictedMember> {
    if members.len() <= count.max(2) {
        return members.iter().collect();
    }
    let count = count.max(2);
    let at = |member: &PredictedMember| latency_of(&member.proposal.costs).ln();
    let (first, last) = (at(&members[0]), at(&members[members.len() - 1]));
    let mut indices: Vec<usize> = (0..count)
        .map(|step| {
            let wanted = first + (last - first) * step as f64 / (count - 1) as f64;
            let nearest = (0..members.len()).min_by(|&one, &other| {
                (at(&members[one]) - wanted)
                    .abs()
                    .total_cmp(&(at(&members[other]) - wanted).abs())
            });
            nearest.unwrap_or(0)
        })
        .collect();
    indices.dedup();
    indices.into_iter().map(|index| &members[index]).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::AtomicBool;

    use mnas_engine::imagenet::{FrontOptions, search_front};
    use mnas_engine::problem::{Metric, TargetDevice};
    use mnas_latency::{LatencyModel, Milliseconds};
    use mnas_space::SearchSpace;

    use super::*;

    fn outcome(budget: f64) -> PredictedOutcome {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/devices/pixel1");
        let device = TargetDevice {
            name: "pixel1".to_owned(),
            latency: LatencyModel::load(&folder).unwrap(),
            budget: Some(Milliseconds(budget)),
        };
        let space = SearchSpace::from_toml(SearchSpace::embedded("mobilenet").unwrap()).unwrap();
        let objectives = vec![Metric::Accuracy, Metric::Latency(0)];
        let problem = Problem::new(space, 1000, vec![device], objectives, Vec::new());
        let options = FrontOptions {
            candidates: 20_000,
            seed: 0,
        };
        let found = search_front(
            &problem,
            Predictor::embedded(),
            options,
            &mut |_| {},
            &AtomicBool::new(false),
        );
        PredictedOutcome::new(&problem, String::new(), found.unwrap(), 1.0).unwrap()
    }

    #[test]
    fn references_stand_beside_the_fastest_and_the_most_accurate_network_that_bear_on_them() {
        let outcome = outcome(20.0);
        let members = &outcome.front.members;
        assert!(members.iter().all(|member| member.predicted.top1 > 40.0));
        for reference in &outcome.references {
            let latency = reference.latency_ms();
            let best = members
                .iter()
                .filter(|member| latency_of(&member.proposal.costs) <= latency)
                .map(|member| member.predicted.top1)
                .reduce(f64::max);
            assert_eq!(reference.points, best.map(|best| best - reference.network.top1));
            assert_eq!(reference.within_budget, latency <= 20.0);
            assert!(!reference.surely_dominated || reference.dominated);
        }
        let shown: Vec<String> = outcome
            .shown_references()
            .into_iter()
            .map(|reference| reference.network.name())
            .collect();
        for (title, _) in EMPHASISED {
            assert!(shown.contains(&format!("{title} 1.0x 224")), "{shown:?}");
        }
    }

    #[test]
    fn a_thinned_front_keeps_its_ends_and_its_order() {
        let members = outcome(20.0).front.members;
        for count in [2, 7, members.len(), members.len() + 5] {
            let few = thinned(&members, count);
            assert!(few.len() <= count && few.len() >= 2, "{count}: {}", few.len());
            assert_eq!((few[0], few[few.len() - 1]), (&members[0], &members[members.len() - 1]));
            assert!(
                few.windows(2)
                    .all(|pair| pair[0].predicted.top1 < pair[1].predicted.top1)
            );
        }
    }
}
