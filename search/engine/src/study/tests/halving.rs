//! Studies with successive halving.

use super::*;
use crate::evaluator::Fidelity;

/// Fidelity, network and continued trial of every trial.
type Course = Vec<(Fidelity, ArchitectureId, Option<u64>)>;

const RUNGS: [Fidelity; 3] = [Fidelity::Epochs(1), Fidelity::Epochs(3), Fidelity::Full];

/// A study whose trainings take 1, 3 or 9 epochs.
fn halved(config: StudyConfig) -> StudyConfig {
    let mut config = config;
    if let EvaluatorConfig::Train(training) = &mut config.evaluator {
        training.recipe.epochs = 9;
        training.halving = Some(Halving {
            factor: 3,
            min_epochs: 1,
        });
    }
    config
}

/// Longer trainings are more accurate, and their order is another one: the networks differ in what they gain. Weights are
/// written, and those to start from have to be there.
fn trained(request: &TrialRequest) -> Option<f64> {
    let id = request.architecture.id().0;
    let gain = (id / 1000 % 100) as f64 / 10.0;
    if let Some(shorter) = &request.start_from {
        let written = std::fs::read_to_string(&shorter.weights).unwrap();
        assert_eq!(written, format!("{id}"), "weights of another network");
        assert!(shorter.fidelity < request.fidelity);
    }
    if let Some(path) = &request.weights {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("{id}")).unwrap();
    }
    let accuracy = accuracy(&request.architecture)?;
    Some(accuracy / 2.0 + gain * f64::from(request.fidelity.epochs(9)).ln())
}

fn evaluator(workers: usize, order: u64) -> Shuffled {
    Shuffled {
        accuracy: trained,
        ..Shuffled::new(workers, order)
    }
}

fn course(study: &Study) -> Course {
    let trials = study.state().trials().iter();
    trials
        .map(|trial| (trial.fidelity, trial.id, trial.start_from))
        .collect()
}

fn run(study: &mut Study, workers: usize, order: u64) -> StopReason {
    let mut evaluator = evaluator(workers, order);
    study.run(&mut evaluator, RunOptions::default(), &mut ignore).unwrap()
}

#[test]
fn the_best_third_of_every_rung_is_continued_once() {
    let place = Place::new(small_space());
    let config = halved(config(place.nth_ms(200), 40, 4));
    let mut study = place.create("rungs", &config);
    let mut totals = Vec::new();
    let mut observer = |event: &StudyEvent<'_>| {
        if let StudyEvent::Settled { counts, total, .. } = event {
            assert!(counts.settled <= *total);
            totals.push(*total);
        }
    };
    let stop = study.run(&mut evaluator(3, 0), RunOptions::default(), &mut observer);
    assert_eq!(stop.unwrap(), StopReason::Complete);
    assert_eq!(totals.first(), Some(&(40 + 13 + 4)));
    let trials = study.state().trials();
    assert_eq!(study.state().counts().candidates, 40);
    let mut continued = HashSet::new();
    for trial in trials {
        let Some(shorter) = trial.start_from else {
            assert_eq!(trial.fidelity, RUNGS[0]);
            continue;
        };
        let shorter = &trials[shorter as usize];
        assert_eq!(shorter.id, trial.id);
        let step = RUNGS.iter().position(|rung| *rung == trial.fidelity).unwrap();
        assert_eq!(shorter.fidelity, RUNGS[step - 1]);
        assert!(shorter.accuracy().is_some() && continued.insert(shorter.number));
    }
    for rung in &RUNGS[..2] {
        let members = || trials.iter().filter(|trial| trial.fidelity == *rung);
        let mut accuracies: Vec<f64> = members().filter_map(Trial::accuracy).collect();
        accuracies.sort_by(|one, other| other.total_cmp(one));
        let last = accuracies[members().count() / 3 - 1];
        let best = members().filter(|trial| trial.accuracy().is_some_and(|accuracy| accuracy >= last));
        for trial in best {
            assert!(continued.contains(&trial.number), "{rung:?}: {}", trial.number);
        }
    }
    the_front_holds_each_network_once_and_the_best_is_trained_in_full(&study);
}

fn the_front_holds_each_network_once_and_the_best_is_trained_in_full(study: &Study) {
    let trials = study.state().trials();
    let best = study.best().unwrap();
    let full = trials.iter().filter(|trial| trial.fidelity == Fidelity::Full);
    let most = full.filter_map(Trial::accuracy).fold(0.0, f64::max);
    assert_eq!((best.fidelity, best.accuracy()), (Fidelity::Full, Some(most)));
    let weights = std::fs::read_to_string(study.folder().weights(best.number)).unwrap();
    assert_eq!(weights, best.id.0.to_string());
    let networks: Vec<ArchitectureId> = study.front().iter().map(|trial| trial.id).collect();
    assert_eq!(
        networks.iter().collect::<HashSet<_>>().len(),
        networks.len(),
        "a network is on the front twice"
    );
    let ranked = ranked_networks(study.problem(), trials);
    assert_eq!(ranked[0].number, best.number);
    assert!(ranked.is_sorted_by(|one, other| one.fidelity >= other.fidelity));
    // Weights of a training that was continued are gone, those of all others may be needed.
    for trial in trials.iter().filter(|trial| trial.fidelity < Fidelity::Full) {
        let was_continued = trials
            .iter()
            .any(|longer| longer.start_from == Some(trial.number) && longer.accuracy().is_some());
        assert_eq!(study.folder().weights(trial.number).exists(), !was_continued);
    }
}

#[test]
fn promotions_depend_neither_on_workers_nor_on_the_order_of_results() {
    let place = Place::new(embedded("mobilenet-small-images"));
    let mut config = halved(config(2.0 * place.latency_of_the_fastest(), 20, 6));
    config.references.per_network = 1;
    let mut first = place.create("first", &config);
    run(&mut first, 1, 0);
    let references = |study: &Study, fidelity: Fidelity| {
        let trials = study.state().references().filter(|trial| trial.accuracy().is_some());
        trials.filter(|trial| trial.fidelity == fidelity).count()
    };
    assert!(references(&first, RUNGS[0]) > 0);
    assert_eq!(references(&first, RUNGS[0]), references(&first, Fidelity::Full));
    let compared = compare_references(first.problem(), first.state().trials());
    assert_eq!(compared.len(), references(&first, Fidelity::Full));
    for (workers, order) in [(1, 1), (2, 2), (4, 3), (9, 4)] {
        let mut again = place.create(&format!("{workers}-{order}"), &config);
        run(&mut again, workers, order);
        assert!(course(&again) == course(&first), "{workers} workers, order {order}");
    }
}

#[test]
fn a_study_with_halving_goes_on_to_the_same_trials() {
    let place = Place::new(small_space());
    // More candidates than there are networks within the budget: the end, where none is new, is cut as well.
    let config = halved(config(place.nth_ms(30), 60, 5));
    let mut whole = place.create("whole", &config);
    assert!(matches!(run(&mut whole, 3, 0), StopReason::Exhausted(_)));
    let lines = 1 + Journal::read(&whole.folder().journal()).unwrap().len();
    for cut in (1..lines).step_by(9).chain([lines]) {
        let name = format!("cut-{cut}");
        let mut study = place.create(&name, &config);
        run(&mut study, 3, 0);
        drop(study);
        let mut study = place.reopen(&name, cut);
        // As after a crash at this place: weights that were removed later are still there.
        for trial in whole.state().trials() {
            std::fs::write(study.folder().weights(trial.number), trial.id.0.to_string()).unwrap();
        }
        assert!(matches!(run(&mut study, 2, 9), StopReason::Exhausted(_)));
        assert!(course(&study) == course(&whole), "cut after {cut} lines");
    }
}

#[test]
fn every_strategy_proposes_below_the_rungs() {
    let place = Place::new(small_space());
    for name in crate::strategy::StrategyConfig::NAMES {
        let strategy = crate::strategy::StrategyConfig::named(name, 20).unwrap();
        let mut config = halved(config(place.nth_ms(200), 20, 4));
        config.strategy = strategy;
        let mut study = place.create(name, &config);
        assert_eq!(run(&mut study, 2, 0), StopReason::Complete);
        let counts = study.state().counts();
        assert!(
            counts.candidates == 20 && counts.promotions >= 6 + 2,
            "{name}: {counts:?}"
        );
    }
}

#[test]
fn the_front_is_promoted_where_a_cost_has_no_bound() {
    let place = Place::new(small_space());
    let mut config = halved(config(1.0, 30, 1));
    config.devices[0].budget = None;
    let mut study = place.create("unbounded", &config);
    assert_eq!(run(&mut study, 1, 0), StopReason::Complete);
    let trials = study.state().trials();
    let lowest: Vec<Trial> = trials
        .iter()
        .filter(|trial| trial.fidelity == RUNGS[0] && trial.accuracy().is_some())
        .cloned()
        .collect();
    // The fastest network is on the front, however poor, and its third of the rung.
    let fastest = front(study.problem(), &lowest)[0];
    assert!(trials.iter().any(|trial| trial.start_from == Some(fastest.number)));
}
