use std::path::Path;

use mnas_latency::Milliseconds;
use mnas_space::SearchSpace;

use super::*;
use crate::front::dominates;
use crate::problem::TargetDevice;
use mnas_latency::LatencyModel;

fn problem(space: &str, budget_ms: f64) -> Problem {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/devices/pixel1");
    let device = TargetDevice {
        name: "pixel1".to_owned(),
        latency: LatencyModel::load(&folder).unwrap(),
        budget: Some(Milliseconds(budget_ms)),
    };
    let space = SearchSpace::from_toml(SearchSpace::embedded(space).unwrap()).unwrap();
    Problem::new(
        space,
        1000,
        vec![device],
        vec![Metric::Accuracy, Metric::Latency(0)],
        Vec::new(),
    )
}

fn search(problem: &Problem, candidates: u64, seed: u64) -> Result<PredictedFront, SearchError> {
    let options = FrontOptions { candidates, seed };
    search_front(
        problem,
        Predictor::embedded(),
        options,
        &mut |_| {},
        &AtomicBool::new(false),
    )
}

#[test]
fn members_keep_the_budget_are_in_range_and_dominate_random_networks() {
    let problem = problem("mobilenet", 20.0);
    let front = search(&problem, 60_000, 0).unwrap();
    assert_eq!(front.candidates, 60_000);
    assert!(front.members.len() > 50 && front.over_constraints > 0 && front.out_of_range > 0);
    let latency = |member: &PredictedMember| member.proposal.costs.latency[0].latency.0;
    let points: Vec<[f64; 2]> = front
        .members
        .iter()
        .map(|member| [latency(member), -member.predicted.top1])
        .collect();
    for member in &front.members {
        assert!(latency(member) <= 20.0);
        assert_eq!(
            Predictor::embedded().predict(&member.proposal.architecture),
            Ok(member.predicted)
        );
        assert_eq!(
            problem.space.express(&member.genotype, 1000),
            member.proposal.architecture
        );
    }
    assert!(
        points
            .iter()
            .all(|one| !points.iter().any(|other| dominates(other, one)))
    );
    let mut rng = stream(9, "test", 0, 0);
    let best = -points.last().unwrap()[1];
    for _ in 0..2_000 {
        let network = problem.space.express(&problem.space.sample(&mut rng), 1000);
        if problem.violation(&problem.costs(&network)).is_none() {
            let predicted = Predictor::embedded().predict(&network);
            assert!(
                predicted.is_err() || predicted.is_ok_and(|predicted| predicted.top1 <= best),
                "{network}"
            );
        }
    }
}

#[test]
fn a_seed_gives_the_same_front_with_any_number_of_threads() {
    let problem = problem("mobilenet-v3", 30.0);
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| search(&problem, 10_000, 3).unwrap())
    };
    let front = with_threads(1);
    assert_eq!(front, with_threads(3));
    assert_ne!(front, search(&problem, 10_000, 4).unwrap());
}

#[test]
fn a_cancelled_search_returns_what_it_has() {
    let problem = problem("mobilenet", 20.0);
    let cancel = AtomicBool::new(false);
    let options = FrontOptions {
        candidates: 1_000_000,
        seed: 0,
    };
    let mut progress = |progress: FrontProgress| {
        assert!(progress.candidates <= progress.total);
        cancel.store(true, Ordering::Relaxed);
    };
    let front = search_front(&problem, Predictor::embedded(), options, &mut progress, &cancel).unwrap();
    assert!(front.cancelled && front.candidates < 100_000 && !front.members.is_empty());
}

#[test]
fn impossible_budgets_and_unpredictable_spaces_are_errors() {
    match search(&problem("mobilenet", 0.01), 1000, 0) {
        Err(SearchError::Infeasible(found)) => assert!(found[0].least > 0.01),
        other => panic!("{other:?}"),
    }
    match search(&problem("mobilenet-small-images", 20.0), 1000, 0) {
        Err(error @ SearchError::OutOfRange { candidates: 1000, .. }) => {
            assert!(error.to_string().contains("published networks"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}
