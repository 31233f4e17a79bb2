use mnas_space::Architecture;

use super::super::trial::TrialTimes;
use super::*;
use crate::problem::Costs;

fn facts(minutes: u64) -> PlanFacts {
    PlanFacts {
        total: Duration::from_mins(minutes),
        preparation: Duration::from_mins(1),
        images_per_s: 2_500.0,
        train_images: 45_000,
        val_images: 5_000,
        references: 4,
        recipe_epochs: 4,
        has_finals: true,
        most_final_epochs: 200,
    }
}

fn planned(minutes: u64) -> (TimePlan, ShortTrainings) {
    TimePlan::divide(&facts(minutes)).unwrap()
}

/// Training images of a training.
fn length(short: ShortTrainings) -> usize {
    short.images.unwrap_or(45_000) * short.epochs as usize
}

#[test]
fn the_last_third_is_kept_for_finalists() {
    let (plan, _) = planned(30);
    assert!((plan.search_s - 2.0 * plan.finals_s).abs() < 0.2, "{plan:?}");
    assert!((plan.preparation_s + plan.search_s + plan.finals_s + RESERVE_S - 1_800.0).abs() < 0.2);
    let (without, _) = TimePlan::divide(&PlanFacts {
        has_finals: false,
        ..facts(30)
    })
    .unwrap();
    assert!(without.finals_s.abs() < 1e-9);
}

#[test]
fn trainings_become_longer_before_they_become_more() {
    let minutes = [10, 30, 120, 240, 600, 6_000];
    let plans: Vec<ShortTrainings> = minutes.iter().map(|&minutes| planned(minutes).1).collect();
    assert_eq!(plans[0].candidates, LEAST_CANDIDATES);
    assert_eq!(plans[1].candidates, LEAST_CANDIDATES);
    for pair in plans.windows(2) {
        assert!(pair[0].candidates <= pair[1].candidates, "{plans:?}");
        assert!(length(pair[0]) <= length(pair[1]), "{plans:?}");
    }
    assert!(plans[3].candidates > LEAST_CANDIDATES);
    assert!(plans[5].candidates > ENOUGH_CANDIDATES);
}

#[test]
fn trainings_fill_the_time_and_no_more() {
    for minutes in [8, 10, 15, 30, 60, 120, 300] {
        let (plan, short) = planned(minutes);
        let trainings = (short.candidates + 4) as f64;
        let evaluated = short.images.unwrap_or(5_000).min(5_000) as f64 * EVALUATION;
        let needed = trainings * (length(short) as f64 + evaluated) / (plan.images_per_s * SPEED_SHARE);
        // A last epoch of less than a tenth is left out.
        assert!(
            needed <= 1.12 * plan.search_s,
            "{minutes}: {needed} of {}",
            plan.search_s
        );
        assert!(
            needed >= 0.85 * plan.search_s,
            "{minutes}: {needed} of {}",
            plan.search_s
        );
    }
}

#[test]
fn a_time_too_short_names_the_least_one_which_suffices() {
    let error = TimePlan::divide(&facts(2)).unwrap_err();
    assert_eq!(error.total, Duration::from_mins(2));
    let enough = PlanFacts {
        total: error.needed,
        ..facts(2)
    };
    let (_, short) = TimePlan::divide(&enough).unwrap();
    assert_eq!((short.candidates, short.epochs), (LEAST_CANDIDATES, 1));
    assert!(short.images.is_some_and(|images| images >= LEAST_IMAGES));
    assert!(error.to_string().contains("at least"), "{error}");
    // Longer than the time for preparation alone.
    let over = TimePlan::divide(&facts(1)).unwrap_err();
    assert_eq!(over.needed, error.needed);
}

#[test]
fn few_images_are_seen_several_times() {
    let few = PlanFacts {
        train_images: 2_000,
        val_images: 500,
        images_per_s: 300.0,
        ..facts(30)
    };
    let (_, short) = TimePlan::divide(&few).unwrap();
    assert!(short.epochs > 1 && short.images.is_none(), "{short:?}");
    let (plan, short) = TimePlan::divide(&PlanFacts {
        total: Duration::from_mins(10),
        ..few
    })
    .unwrap();
    let needed = 28.0 * (f64::from(short.epochs) * 2_000.0 + 500.0 * EVALUATION) / (300.0 * SPEED_SHARE);
    assert!(needed <= plan.search_s, "{short:?}: {needed} of {}", plan.search_s);
}

#[test]
fn workers_take_up_tasks_in_turn() {
    assert!((makespan(&[3.0, 2.0, 2.0], 2) - 4.0).abs() < 1e-12);
    assert!((makespan(&[3.0, 2.0, 2.0], 8) - 3.0).abs() < 1e-12);
    assert!((makespan(&[3.0, 2.0], 1) - 5.0).abs() < 1e-12);
}

#[test]
fn more_finalists_than_workers_share_the_time() {
    let (plan, _) = planned(30);
    let epochs = |finalists| plan.expected_final_epochs(finalists, 2, 45_000, 1.0);
    assert_eq!(epochs(1), epochs(2));
    assert!((i64::from(epochs(2)) - 2 * i64::from(epochs(3))).abs() <= 1);
    assert!(plan.expected_final_epochs(2, 2, 45_000, 16.0) >= 1);
}

fn trial(number: u64, seconds: f64, kind: TrialKind) -> Trial {
    let architecture: Architecture = "in32,conv_k3_s2_c16_nre,conv_k3_s2_c32_nre,head_o10".parse().unwrap();
    let result = Evaluation {
        accuracy: 50.0,
        seconds,
        training: None,
    };
    Trial {
        number,
        kind,
        id: architecture.id(),
        costs: Costs::of(&architecture, Vec::new()),
        architecture,
        seed: 0,
        fidelity: Fidelity::Full,
        start_from: None,
        attempts: 1,
        outcome: TrialOutcome::Finished(result),
        worker: String::new(),
        measured_ms: Vec::new(),
        times: TrialTimes::default(),
    }
}

#[test]
fn finalists_take_the_time_that_the_trials_have_left() {
    let (plan, _) = planned(30);
    let cost = TrialCost {
        epochs: 2,
        images: 45_000,
        final_images: 45_000,
        proxy: Proxy::DIRECT,
    };
    let chosen = [0, 1].map(|trial| Choice {
        trial,
        role: FinalRole::Finalist,
    });
    let epochs = |seconds: f64| {
        let trials: Vec<Trial> = (0..28)
            .map(|number| trial(number, seconds, TrialKind::Candidate))
            .collect();
        let left = (plan.search_s - 14.0 * seconds).max(0.0);
        assert!((plan.search_left_s(&trials, 2) - left).abs() < 1e-6);
        plan.final_epochs(&cost, &trials, &chosen, 2).unwrap()
    };
    // 60 s for two epochs of each of two networks at once: 30 s for another.
    assert_eq!(
        epochs(60.0),
        ((plan.finals_s + plan.search_s - 840.0) * FINAL_SPEED_SHARE / 30.0) as u32
    );
    // Trials that took too long leave half of the time of the finalists at least.
    assert_eq!(epochs(200.0), (plan.finals_s / 2.0 * FINAL_SPEED_SHARE / 100.0) as u32);
    assert_eq!(epochs(0.001), plan.most_final_epochs);
    assert_eq!(plan.final_epochs(&cost, &[], &[], 2), None);
}

#[test]
fn imported_results_took_no_time() {
    let (plan, _) = planned(30);
    let imported = TrialKind::Imported {
        study: "other".to_owned(),
        trial: 0,
    };
    let trials = [trial(0, 500.0, imported)];
    assert!((plan.search_left_s(&trials, 1) - plan.search_s).abs() < 1e-9);
}

#[test]
fn deployed_networks_that_are_larger_than_their_proxies_cost_more() {
    let cost = |proxy| TrialCost {
        epochs: 1,
        images: 100,
        final_images: 300,
        proxy,
    };
    let trial = trial(0, 1.0, TrialKind::Candidate);
    let direct = cost(Proxy::DIRECT).final_epoch_s(&trial).unwrap();
    assert!((direct - 3.0).abs() < 1e-9);
    let half = Proxy {
        resolution_scale: 0.5,
        early_strides_removed: 0,
    };
    let larger = cost(half).final_epoch_s(&trial).unwrap();
    assert!((10.0..14.0).contains(&larger), "{larger}");
}
