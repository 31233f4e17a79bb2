use std::collections::{BTreeMap, HashSet};

use mnas_space::{Architecture, ArchitectureId, SearchSpace};
use rand::RngExt;

use super::{Proposal, Proposer};
use crate::random::stream;
use crate::strategy::{RandomSearch, StrategyConfig};
use crate::study::testing::{CLASSES, all_networks, config, embedded, latency, small_space};
use crate::study::{Event, LatencyModel, StudyConfig, StudyState, TrialKind};
use crate::worker::TrainResult;

struct Study {
    space: SearchSpace,
    latency: LatencyModel,
    _folder: tempfile::TempDir,
}

impl Study {
    fn of(space: SearchSpace) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let latency = latency(&space, folder.path());
        Self {
            space,
            latency,
            _folder: folder,
        }
    }

    fn proposer<'a>(&'a self, config: &'a StudyConfig, strategy: &'a dyn crate::strategy::Strategy) -> Proposer<'a> {
        Proposer {
            space: &self.space,
            strategy,
            latency: &self.latency,
            config,
            classes: CLASSES,
        }
    }

    /// Proposes and settles until no more is proposed; trainings end in an order drawn from `order`.
    fn run(&self, config: &StudyConfig, order: u64, events: &mut Vec<Event>) -> Vec<Architecture> {
        let strategy = config.strategy.build();
        let proposer = self.proposer(config, strategy.as_ref());
        let mut state = StudyState::replay(events).unwrap();
        let mut rng = stream(order, "order", 0, 0);
        let mut note = |event: Event, state: &mut StudyState| {
            state.apply(&event).unwrap();
            events.push(event);
        };
        loop {
            let index = state.candidates().count();
            // Sometimes a training ends before the next one is proposed, sometimes not.
            if proposer.may_propose(&state, index) && rng.random_bool(0.7) {
                let Some(proposal) = proposer.propose(&state, index) else {
                    break;
                };
                note(proposed(index as u64, &proposal), &mut state);
            }
            let pending: Vec<u64> = state
                .trials
                .values()
                .filter(|trial| !trial.is_settled())
                .map(|trial| trial.number)
                .collect();
            if pending.is_empty() && index >= config.trials {
                break;
            }
            if !pending.is_empty() {
                let trial = pending[rng.random_range(0..pending.len())];
                let event = outcome(trial, state.trials[&trial].id);
                note(event, &mut state);
            }
        }
        state.candidates().map(|trial| trial.architecture.clone()).collect()
    }
}

fn proposed(trial: u64, proposal: &Proposal) -> Event {
    let (latency_ms, low_ms, high_ms) = proposal.latency_ms;
    let architecture = proposal.architecture.to_string();
    let coverage = proposal.coverage;
    Event::Proposed {
        trial,
        kind: TrialKind::Candidate,
        architecture,
        latency_ms,
        low_ms,
        high_ms,
        coverage,
        seed: 1,
    }
}

/// What comes of a training depends on the network alone; one in seven fails.
fn outcome(trial: u64, id: ArchitectureId) -> Event {
    if id.0.is_multiple_of(7) {
        return Event::Failed {
            trial,
            reason: "test".to_owned(),
        };
    }
    let accuracy = (id.0 % 1000) as f64 / 10.0;
    let result = TrainResult {
        accuracy,
        top5: 99.0,
        train_loss: 1.0,
        seconds: 1.0,
        images_per_second: 1.0,
        data_wait_share: 0.0,
        ..TrainResult::default()
    };
    Event::Finished { trial, result }
}

#[test]
fn proposals_do_not_depend_on_the_order_in_which_trainings_end() {
    let study = Study::of(embedded("mobilenet-small-images"));
    let budget = 2.0 * study.latency.fastest(&study.space, CLASSES).1.latency.0;
    for in_flight in [1, 4] {
        let config = config(budget, 30, in_flight);
        let first = study.run(&config, 0, &mut Vec::new());
        assert_eq!(first.len(), 30);
        for order in 1..4 {
            assert!(
                study.run(&config, order, &mut Vec::new()) == first,
                "in flight {in_flight}, order {order}"
            );
        }
        // Another seed is another study.
        let other = StudyConfig { seed: 4, ..config };
        assert!(study.run(&other, 0, &mut Vec::new()) != first);
    }
}

#[test]
fn a_study_cut_off_anywhere_goes_on_to_the_same_candidates() {
    let study = Study::of(small_space());
    let budget = all_networks(&study.space, &study.latency)[100].0;
    let config = config(budget, 20, 3);
    let mut events = Vec::new();
    let whole = study.run(&config, 0, &mut events);
    for cut in (0..events.len()).step_by(5) {
        assert!(
            study.run(&config, 9, &mut events[..cut].to_vec()) == whole,
            "cut after {cut} events"
        );
    }
}

#[test]
fn every_candidate_is_new_and_within_the_budget() {
    let study = Study::of(small_space());
    let networks = all_networks(&study.space, &study.latency);
    assert_eq!(networks.len(), 288);
    for strategy in [
        StrategyConfig::Random {},
        StrategyConfig::Evolution {
            population: 6,
            sample: 3,
        },
    ] {
        let config = StudyConfig {
            strategy,
            ..config(networks[39].0, 200, 2)
        };
        let candidates = study.run(&config, 0, &mut Vec::new());
        let ids: HashSet<ArchitectureId> = candidates.iter().map(Architecture::id).collect();
        assert_eq!(ids.len(), candidates.len());
        let within: HashSet<ArchitectureId> = networks
            .iter()
            .filter(|(ms, _)| *ms <= config.budget.0)
            .map(|(_, network)| network.id())
            .collect();
        // All of them, and then no more: the end is told, not waited for.
        assert_eq!(ids, within, "{}", strategy.name());
    }
}

#[test]
fn proposals_carry_their_prediction() {
    let study = Study::of(small_space());
    let config = config(all_networks(&study.space, &study.latency)[100].0, 5, 1);
    let proposal = study
        .proposer(&config, &RandomSearch)
        .propose(&StudyState::default(), 0)
        .unwrap();
    let prediction = study.latency.predict(&proposal.architecture);
    let (latency, low, high) = proposal.latency_ms;
    assert_eq!(latency.to_bits(), prediction.latency.0.to_bits());
    assert!(low <= latency && latency <= high && latency <= config.budget.0);
    assert!((proposal.coverage - prediction.coverage).abs() < 1e-12);
}

#[test]
fn the_walk_finds_the_few_networks_that_a_tight_budget_leaves() {
    let study = Study::of(small_space());
    let networks = all_networks(&study.space, &study.latency);
    let config = config(networks[4].0, 20, 1);
    let proposer = study.proposer(&config, &RandomSearch);
    let mut state = StudyState::default();
    let mut found = BTreeMap::new();
    for index in 0..5 {
        let proposal = proposer.walk(&state, index).unwrap();
        state.apply(&proposed(index as u64, &proposal)).unwrap();
        found.insert(proposal.architecture.id(), proposal.latency_ms.0);
    }
    assert_eq!(found.len(), 5);
    assert!(found.values().all(|ms| *ms <= config.budget.0));
    assert!(proposer.walk(&state, 5).is_none() && proposer.propose(&state, 5).is_none());
}

#[test]
fn tight_budgets_are_met_in_spaces_too_large_to_be_drawn_from() {
    let study = Study::of(embedded("mobilenet"));
    let fastest = study.latency.fastest(&study.space, CLASSES).1.latency.0;
    let config = StudyConfig {
        strategy: StrategyConfig::Random {},
        ..config(1.1 * fastest, 8, 1)
    };
    let candidates = study.run(&config, 0, &mut Vec::new());
    assert_eq!(candidates.len(), 8);
    assert!(
        candidates
            .iter()
            .all(|network| study.latency.predict(network).latency <= config.budget)
    );
    let hopeless = self::config(0.9 * fastest, 8, 1);
    assert!(
        study
            .proposer(&hopeless, &RandomSearch)
            .propose(&StudyState::default(), 0)
            .is_none()
    );
}

#[test]
fn a_candidate_waits_for_those_it_learns_from() {
    let study = Study::of(small_space());
    let config = config(1e3, 6, 3);
    let proposer = study.proposer(&config, &RandomSearch);
    let mut state = StudyState::default();
    for index in 0..3 {
        assert!(proposer.may_propose(&state, index));
        let proposal = proposer.propose(&state, index).unwrap();
        state.apply(&proposed(index as u64, &proposal)).unwrap();
    }
    // Candidate 3 learns from candidate 0.
    let settle = |state: &mut StudyState, trial| {
        let event = Event::Failed {
            trial,
            reason: String::new(),
        };
        state.apply(&event).unwrap();
    };
    assert!(!proposer.may_propose(&state, 3));
    settle(&mut state, 2);
    assert!(!proposer.may_propose(&state, 3));
    settle(&mut state, 0);
    assert!(proposer.may_propose(&state, 3));
    assert!(!proposer.may_propose(&state, 6));
}
