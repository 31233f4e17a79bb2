//! The course of studies with evaluators whose trials end in any order.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mnas_latency::{LatencyModel, Milliseconds};
use mnas_space::random::stream;
use mnas_space::{Architecture, ArchitectureId, SearchSpace};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::load::replayed;
use super::testing::{CLASSES, all_networks, config, embedded, latency, small_space};
use super::*;
use crate::evaluator::{Evaluation, Evaluator, EvaluatorError, EvaluatorEvent, FunctionEvaluator, TrialRequest};
use crate::problem::{Constraint, Metric, Problem, TargetDevice};

mod halving;
mod rewards;
mod short_search;

/// An evaluator of some workers whose trials end in an order drawn from a seed. Unless another function is given, the accuracy
/// depends on the network alone; one network in seven fails.
struct Shuffled {
    workers: usize,
    accuracy: fn(&TrialRequest) -> Option<f64>,
    running: Vec<TrialRequest>,
    rng: ChaCha8Rng,
}

impl Shuffled {
    fn new(workers: usize, order: u64) -> Self {
        Self {
            workers,
            accuracy: |request| accuracy(&request.architecture),
            running: Vec::new(),
            rng: stream(order, "order", 0, 0),
        }
    }
}

fn accuracy(network: &Architecture) -> Option<f64> {
    let id = network.id().0;
    (!id.is_multiple_of(7)).then_some((id % 1000) as f64 / 10.0)
}

impl Evaluator for Shuffled {
    fn free_slots(&self) -> usize {
        self.workers - self.running.len()
    }

    fn submit(&mut self, request: TrialRequest) -> Result<(), EvaluatorError> {
        self.running.push(request);
        Ok(())
    }

    fn next_event(&mut self, timeout: Duration) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        // Sometimes a trial ends before the next one is proposed, sometimes not.
        if self.running.is_empty() || (timeout.is_zero() && self.rng.random_bool(0.5)) {
            return Ok(None);
        }
        let index = self.rng.random_range(0..self.running.len());
        let request = self.running.swap_remove(index);
        let (trial, worker) = (request.trial, index.to_string());
        Ok(Some(match (self.accuracy)(&request) {
            Some(accuracy) => EvaluatorEvent::Finished {
                trial,
                evaluation: Evaluation {
                    accuracy,
                    seconds: 1.0,
                    training: None,
                },
                worker,
            },
            None => EvaluatorEvent::Failed {
                trial,
                reason: "test".to_owned(),
                worker,
            },
        }))
    }
}

/// A space with the latency table of a fake device.
struct Place {
    root: tempfile::TempDir,
    space: SearchSpace,
}

impl Place {
    fn new(space: SearchSpace) -> Self {
        let root = tempfile::tempdir().unwrap();
        latency(&space, &root.path().join("table"));
        Self { root, space }
    }

    fn latency(&self) -> LatencyModel {
        LatencyModel::load(&self.root.path().join("table")).unwrap()
    }

    /// The latency of the `n`-th fastest network of a small space.
    fn nth_ms(&self, n: usize) -> f64 {
        all_networks(&self.space, &self.latency())[n].0
    }

    fn space_toml(&self) -> String {
        format!("# stands for {}\n", self.space.name)
    }

    fn create(&self, name: &str, config: &StudyConfig) -> Study {
        let folder = StudyFolder::create(&self.root.path().join(name)).unwrap();
        copy_folder(&self.root.path().join("table"), &folder.latency_table(0));
        let problem = problem_of(&folder, config, self.space.clone()).unwrap();
        Study::create(folder, config.clone(), problem, &self.space_toml()).unwrap()
    }

    /// A new study, or one that is continued after its journal was cut to `lines` lines.
    fn reopen(&self, name: &str, lines: usize) -> Study {
        let folder = StudyFolder::open(&self.root.path().join(name)).unwrap();
        let journal = std::fs::read_to_string(folder.journal()).unwrap();
        let kept: String = journal.split_inclusive('\n').take(lines).collect();
        std::fs::write(folder.journal(), kept).unwrap();
        let lock = folder.lock().unwrap();
        let config = StudyConfig::from_toml(&std::fs::read_to_string(folder.config()).unwrap()).unwrap();
        let problem = problem_of(&folder, &config, self.space.clone()).unwrap();
        let (journal, entries) = Journal::open(&folder.journal()).unwrap();
        Study {
            state: replayed(&folder, &entries).unwrap(),
            folder,
            config,
            problem: Arc::new(problem),
            journal,
            _lock: lock,
        }
    }

    fn run(&self, name: &str, config: &StudyConfig, workers: usize, order: u64) -> (StopReason, Vec<Architecture>) {
        let mut study = self.create(name, config);
        let stop = study.run(&mut Shuffled::new(workers, order), RunOptions::default(), &mut ignore);
        (stop.unwrap(), networks(&study))
    }
}

fn ignore(_event: &StudyEvent<'_>) {}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn networks(study: &Study) -> Vec<Architecture> {
    study
        .state()
        .trials()
        .iter()
        .map(|trial| trial.architecture.clone())
        .collect()
}

#[test]
fn neither_workers_nor_the_order_of_results_decide_anything() {
    let place = Place::new(embedded("mobilenet-small-images"));
    let budget = 2.0 * place.latency_of_the_fastest();
    for lookahead in [1, 4] {
        let mut config = config(budget, 24, lookahead);
        config.references.per_network = 1;
        let (stop, first) = place.run(&format!("{lookahead}-first"), &config, 1, 0);
        assert_eq!(stop, StopReason::Complete);
        assert!(first.len() > 24);
        for (workers, order) in [(1, 1), (2, 2), (4, 3), (9, 4)] {
            let (_, again) = place.run(&format!("{lookahead}-{workers}"), &config, workers, order);
            assert!(
                again == first,
                "lookahead {lookahead}, {workers} workers, order {order}"
            );
        }
        let other = StudyConfig { seed: 4, ..config };
        assert!(place.run(&format!("{lookahead}-other"), &other, 1, 0).1 != first);
    }
}

#[test]
fn a_study_cut_off_anywhere_goes_on_to_the_same_candidates() {
    let place = Place::new(small_space());
    let config = config(place.nth_ms(100), 20, 3);
    let mut whole = place.create("whole", &config);
    whole
        .run(&mut Shuffled::new(3, 0), RunOptions::default(), &mut ignore)
        .unwrap();
    let (whole, lines) = (
        networks(&whole),
        1 + Journal::read(&whole.folder().journal()).unwrap().len(),
    );
    for cut in (1..lines).step_by(5) {
        let name = format!("cut-{cut}");
        let mut study = place.create(&name, &config);
        study
            .run(&mut Shuffled::new(3, 0), RunOptions::default(), &mut ignore)
            .unwrap();
        drop(study);
        let mut study = place.reopen(&name, cut);
        let stop = study.run(&mut Shuffled::new(2, 9), RunOptions::default(), &mut ignore);
        assert_eq!(stop.unwrap(), StopReason::Complete);
        assert!(networks(&study) == whole, "cut after {cut} lines");
        // Nothing is left to do when it is run again.
        let before = study.state().counts();
        study
            .run(&mut Shuffled::new(2, 9), RunOptions::default(), &mut ignore)
            .unwrap();
        assert_eq!(study.state().counts(), before);
    }
}

#[test]
fn every_candidate_is_new_and_keeps_the_budget_until_there_are_no_more() {
    let place = Place::new(small_space());
    let all = all_networks(&place.space, &place.latency());
    assert_eq!(all.len(), 288);
    let budget = all[39].0;
    let within: HashSet<ArchitectureId> = all
        .iter()
        .filter(|(ms, _)| *ms <= budget)
        .map(|(_, network)| network.id())
        .collect();
    for name in crate::strategy::StrategyConfig::NAMES {
        let strategy = crate::strategy::StrategyConfig::named(name, 200).unwrap();
        let config = StudyConfig {
            strategy,
            ..config(budget, 200, 2)
        };
        let (stop, candidates) = place.run(name, &config, 2, 0);
        let ids: HashSet<ArchitectureId> = candidates.iter().map(Architecture::id).collect();
        assert_eq!(ids.len(), candidates.len());
        assert_eq!(ids, within, "{name}");
        let StopReason::Exhausted(refusals) = stop else {
            panic!("{stop:?}")
        };
        assert!(refusals.known >= 1_000, "{refusals}");
        // Strategies that draw admissible networks alone break nothing.
        let broken: Vec<&String> = refusals.violations.keys().collect();
        assert!(broken.is_empty() || broken == ["constraint on latency"], "{refusals}");
    }
}

#[test]
fn several_constraints_hold_at_once() {
    let place = Place::new(small_space());
    let all = all_networks(&place.space, &place.latency());
    let budget = all[143].0;
    let mut params: Vec<u64> = all.iter().map(|(_, network)| network.cost().params).collect();
    params.sort_unstable();
    let mut config = config(budget, 300, 2);
    config.limits.max_params = Some(params[100]);
    let within = all
        .iter()
        .filter(|(ms, network)| *ms <= budget && network.cost().params <= params[100]);
    let within: HashSet<ArchitectureId> = within.map(|(_, network)| network.id()).collect();
    let (stop, candidates) = place.run("both", &config, 2, 0);
    assert!(matches!(stop, StopReason::Exhausted(_)));
    assert_eq!(candidates.iter().map(Architecture::id).collect::<HashSet<_>>(), within);
}

#[test]
fn tight_budgets_are_met_in_spaces_too_large_to_be_drawn_from() {
    let place = Place::new(embedded("mobilenet"));
    let fastest = place.latency_of_the_fastest();
    let strategy = crate::strategy::StrategyConfig::Random {};
    let tight = StudyConfig {
        strategy,
        ..config(1.1 * fastest, 8, 1)
    };
    let (stop, candidates) = place.run("tight", &tight, 1, 0);
    assert_eq!((stop, candidates.len()), (StopReason::Complete, 8));
    let hopeless = config(0.9 * fastest, 8, 1);
    let study = place.create("hopeless", &hopeless);
    let found = study.problem().infeasible();
    assert_eq!(found.len(), 1);
    assert!((found[0].least - fastest).abs() < 1e-9);
    drop(study);
    let mut study = place.reopen("hopeless", 1);
    let stop = study.run(&mut Shuffled::new(1, 0), RunOptions::default(), &mut ignore);
    assert!(matches!(stop.unwrap(), StopReason::Exhausted(refusals) if refusals.known == 0));
    assert!(study.best().is_none() && study.front().is_empty());
}

impl Place {
    fn latency_of_the_fastest(&self) -> f64 {
        let config = config(1e6, 1, 1);
        let devices = vec![TargetDevice {
            name: "fake".to_owned(),
            latency: self.latency(),
            budget: config.devices[0].budget,
        }];
        let metrics = vec![Metric::Accuracy, Metric::Latency(0)];
        let problem = Problem::new(self.space.clone(), CLASSES, devices, metrics, Vec::new());
        problem.least(Metric::Latency(0)).1.costs.latency[0].latency.0
    }
}

#[test]
fn a_proposal_waits_for_the_results_that_it_learns_from() {
    let place = Place::new(small_space());
    let config = config(1e3, 6, 3);
    let mut study = place.create("waits", &config);
    let mut most = 0;
    let mut running = 0_usize;
    let mut count = |event: &StudyEvent<'_>| {
        match event {
            StudyEvent::Started { .. } => running += 1,
            StudyEvent::Settled { .. } => running -= 1,
            _ => {}
        }
        most = most.max(running);
    };
    study
        .run(&mut Shuffled::new(9, 0), RunOptions::default(), &mut count)
        .unwrap();
    // The first three trials need no results; more workers do not change that.
    assert_eq!(most, 3);
}

#[test]
fn references_come_first_and_are_part_of_the_front() {
    let place = Place::new(embedded("mobilenet-small-images"));
    let mut config = config(10.0 * place.latency_of_the_fastest(), 10, 2);
    config.references.per_network = 2;
    let mut study = place.create("references", &config);
    let budget = config.devices[0].budget.map(|budget| budget.0);
    let mut value = |network: &Architecture| place.latency().predict(network).latency.0;
    let published: HashSet<ArchitectureId> = choose_references(&place.space, CLASSES, budget, 2, &mut value)
        .iter()
        .map(|reference| reference.architecture.id())
        .collect();
    let mut evaluator = FunctionEvaluator::new(|trial: &TrialRequest| {
        // Only the published networks are any good; the best of them is to be kept.
        assert!(trial.weights.is_some());
        Ok(if published.contains(&trial.architecture.id()) {
            80.0 + trial.trial as f64 / 10.0
        } else {
            10.0
        })
    });
    study.run(&mut evaluator, RunOptions::default(), &mut ignore).unwrap();
    let references = study.state().references().count();
    assert!((5..=8).contains(&references));
    assert!(
        study.state().trials()[..references]
            .iter()
            .all(|trial| !trial.is_candidate())
    );
    let best = study.best().unwrap();
    assert!(!best.is_candidate() && study.problem().violation(&best.costs).is_none());
    assert!(study.front().iter().any(|trial| trial.number == best.number));
    let compared = compare_references(study.problem(), study.state().trials());
    assert_eq!(compared.len(), references);
    for one in &compared {
        assert!(one.within_budget && !one.dominated && one.saved.is_none(), "{one:?}");
        assert!(one.points.is_none_or(|points| points < -60.0), "{one:?}");
    }
    let volume = front_volume(study.problem(), study.state().trials()).unwrap();
    assert!(volume.share > 0.0 && volume.share < 0.1, "{volume:?}");
    assert_eq!(Some(volume.size), budget);
    assert_eq!(
        evaluations_until(study.state().trials(), best.number),
        1 + best.number as usize
    );
    // A measurement over the budget removes the best trial from its place.
    let number = best.number;
    let over = 2.0 * config.devices[0].budget.unwrap().0;
    study.record_measurement(number, 0, over).unwrap();
    assert_ne!(study.best().unwrap().number, number);
    assert!(study.front().iter().all(|trial| trial.number != number));
    drop(study);
    let study = place.reopen("references", usize::MAX);
    assert_eq!(study.state().trial(number).unwrap().measured_ms, [Some(over)]);
}

/// Loses the trials of one number on every attempt.
struct Losing(Shuffled, u64);

impl Evaluator for Losing {
    fn free_slots(&self) -> usize {
        self.0.free_slots()
    }

    fn submit(&mut self, request: TrialRequest) -> Result<(), EvaluatorError> {
        self.0.submit(request)
    }

    fn next_event(&mut self, timeout: Duration) -> Result<Option<EvaluatorEvent>, EvaluatorError> {
        Ok(self.0.next_event(timeout)?.map(|event| match event {
            EvaluatorEvent::Finished { trial, .. } | EvaluatorEvent::Failed { trial, .. } if trial == self.1 => {
                let reason = "out of memory".to_owned();
                EvaluatorEvent::Lost { trial, reason }
            }
            other => other,
        }))
    }
}

#[test]
fn a_trial_that_loses_its_workers_fails_alone_after_three_attempts() {
    let place = Place::new(small_space());
    let mut study = place.create("lost", &config(1e3, 6, 2));
    let stop = study.run(&mut Losing(Shuffled::new(2, 0), 2), RunOptions::default(), &mut ignore);
    assert_eq!(stop.unwrap(), StopReason::Complete);
    let trial = study.state().trial(2).unwrap();
    let TrialOutcome::Failed { reason } = &trial.outcome else {
        panic!("trial 2 has a result")
    };
    assert!(
        reason.contains("3 times") && reason.contains("out of memory"),
        "{reason}"
    );
    assert_eq!(trial.attempts, 3);
    let others = study.state().trials().iter().filter(|trial| trial.number != 2);
    assert!(others.clone().count() == 5 && others.clone().all(|trial| trial.attempts == 1));
}

#[test]
fn an_interrupted_study_goes_on_to_the_same_networks() {
    let place = Place::new(small_space());
    let config = config(1e3, 12, 2);
    let (_, whole) = place.run("whole", &config, 2, 0);
    drop(place.create("parts", &config));
    let mut runs = 0;
    loop {
        runs += 1;
        let mut study = place.reopen("parts", usize::MAX);
        let cancel = AtomicBool::new(false);
        let mut settled = 0;
        let mut stop_soon = |event: &StudyEvent<'_>| {
            settled += usize::from(matches!(event, StudyEvent::Settled { .. }));
            cancel.store(settled >= 3, Ordering::Relaxed);
        };
        let options = RunOptions {
            deadline: None,
            cancel: &cancel,
        };
        match study.run(&mut Shuffled::new(2, runs), options, &mut stop_soon).unwrap() {
            StopReason::Cancelled => {}
            StopReason::Complete => {
                assert!(networks(&study) == whole);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(runs >= 3, "{runs}");
}

#[test]
fn no_trial_begins_after_the_deadline() {
    let place = Place::new(small_space());
    let mut study = place.create("late", &config(1e3, 20, 2));
    let options = RunOptions {
        deadline: Some(Instant::now()),
        ..RunOptions::default()
    };
    let stop = study.run(&mut Shuffled::new(2, 0), options, &mut ignore);
    assert_eq!(stop.unwrap(), StopReason::Deadline);
    assert!(study.state().trials().is_empty());
}

#[test]
fn weights_are_kept_for_the_front_and_the_most_accurate_alone() {
    let place = Place::new(small_space());
    let mut study = place.create("weights", &config(1e3, 60, 2));
    let mut evaluator = FunctionEvaluator::new(|trial: &TrialRequest| {
        let path = trial.weights.as_ref().unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"weights").unwrap();
        accuracy(&trial.architecture).ok_or_else(|| "test".to_owned())
    });
    study.run(&mut evaluator, RunOptions::default(), &mut ignore).unwrap();
    let mut ranked: Vec<&Trial> = study
        .state()
        .trials()
        .iter()
        .filter(|trial| trial.accuracy().is_some())
        .collect();
    ranked.sort_by(|one, other| other.accuracy().unwrap().total_cmp(&one.accuracy().unwrap()));
    let front = study.front();
    let is_wanted = |trial: &Trial| {
        front.iter().any(|member| member.number == trial.number)
            || ranked[..6].iter().any(|member| member.number == trial.number)
    };
    for trial in study.state().trials().iter().filter(|trial| trial.accuracy().is_some()) {
        let exists = study.folder().weights(trial.number).exists();
        assert_eq!(exists, is_wanted(trial), "trial {}", trial.number);
    }
}

/// Trains the `count` best networks of a study in full; returns the trials whose networks were trained.
fn train_finalists(study: &mut Study, count: usize) -> Vec<u64> {
    let chosen = choose_finalists(study.problem(), study.state().trials(), count);
    let mut trained = Vec::new();
    let mut evaluator = FunctionEvaluator::new(|request: &TrialRequest| {
        let name = request.weights.as_ref().unwrap().file_stem().unwrap();
        trained.push(name.to_string_lossy().parse().unwrap());
        Ok(90.0)
    });
    let cancel = AtomicBool::new(false);
    let stop = study.train_finalists(&chosen, &mut evaluator, &cancel, &mut |_| {});
    assert_eq!(stop.unwrap(), StopReason::Complete);
    trained
}

#[test]
fn finalists_are_trained_once_and_change_no_trial() {
    let place = Place::new(small_space());
    let config = config(place.nth_ms(100), 12, 2);
    let mut study = place.create("finals", &config);
    study
        .run(&mut Shuffled::new(2, 0), RunOptions::default(), &mut ignore)
        .unwrap();
    let ranked: Vec<u64> = ranked_networks(study.problem(), study.state().trials())
        .iter()
        .map(|trial| trial.number)
        .collect();
    assert_eq!(train_finalists(&mut study, 2), ranked[..2]);
    drop(study);
    // A reopened study keeps its finalists and trains the additional ones.
    let mut study = place.reopen("finals", usize::MAX);
    assert_eq!(study.state().finals().all().len(), 2);
    assert_eq!(train_finalists(&mut study, 3), ranked[2..3]);
    assert!(train_finalists(&mut study, 3).is_empty());
    // Further trials equal those of a study without finalists.
    study.set_trials(20).unwrap();
    study
        .run(&mut Shuffled::new(2, 0), RunOptions::default(), &mut ignore)
        .unwrap();
    let mut plain = place.create("plain", &StudyConfig { trials: 12, ..config });
    for trials in [12, 20] {
        plain.set_trials(trials).unwrap();
        plain
            .run(&mut Shuffled::new(2, 0), RunOptions::default(), &mut ignore)
            .unwrap();
    }
    assert!(networks(&study) == networks(&plain));
}

#[test]
fn a_study_is_opened_from_its_folder_and_locked() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("study");
    let space_toml = SearchSpace::embedded("nas-bench-macro").unwrap();
    let space = SearchSpace::from_toml(space_toml).unwrap();
    let config = StudyConfig::for_table("macro", 12, "random", "macro.json");
    let limits = vec![Constraint {
        metric: Metric::Macs,
        at_most: 1e9,
    }];
    let problem = Problem::new(space, 10, Vec::new(), config.metrics().unwrap(), limits);
    let mut study = Study::create(StudyFolder::create(&path).unwrap(), config, problem, space_toml).unwrap();
    let mut evaluator = FunctionEvaluator::new(|_: &TrialRequest| Ok(50.0));
    study
        .begin_session(vec!["mnas".to_owned(), "search".to_owned()])
        .unwrap();
    study.run(&mut evaluator, RunOptions::default(), &mut ignore).unwrap();
    let error = Study::open(StudyFolder::open(&path).unwrap()).unwrap_err().to_string();
    assert!(error.contains("in use"), "{error}");
    let before = networks(&study);
    drop(study);
    let error = StudyFolder::create(&path).unwrap_err().to_string();
    assert!(error.contains("holds a study already"), "{error}");
    let mut study = Study::open(StudyFolder::open(&path).unwrap()).unwrap();
    study.set_trials(15).unwrap();
    study.run(&mut evaluator, RunOptions::default(), &mut ignore).unwrap();
    assert_eq!(study.state().counts().candidates, 15);
    assert!(networks(&study).starts_with(&before));
}

#[test]
fn a_folder_given_up_before_the_study_began_is_removed() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("study");
    let folder = StudyFolder::create(&path).unwrap();
    assert!(matches!(StudyFolder::create(&path), Err(FolderError::Locked { .. })));
    drop(folder);
    assert!(!path.exists());
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("thesis.txt"), b"").unwrap();
    assert!(matches!(StudyFolder::create(&path), Err(FolderError::NotAStudy { .. })));
    assert!(path.join("thesis.txt").exists());
}

#[test]
fn budgets_are_constraints_on_latency() {
    let place = Place::new(small_space());
    let study = place.create("budget", &config(7.0, 1, 1));
    let constraints = study.problem().constraints();
    assert_eq!(constraints.len(), 1);
    assert_eq!(
        (constraints[0].metric, constraints[0].at_most),
        (Metric::Latency(0), 7.0)
    );
    assert_eq!(study.problem().devices[0].budget, Some(Milliseconds(7.0)));
}
