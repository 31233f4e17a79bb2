//! Studies whose budget is weighed by a reward.

use super::*;
use crate::problem::Reward;
use crate::strategy::StrategyConfig;

/// Accuracy that grows with the size of a network and saturates.
fn saturating(network: &Architecture) -> f64 {
    let macs = network.cost().macs as f64;
    90.0 * (1.0 - (-macs / 2e5).exp())
}

fn weighed(place: &Place, reward: &str, strategy: &str) -> StudyConfig {
    StudyConfig {
        reward: Some(reward.parse().unwrap()),
        strategy: StrategyConfig::named(strategy, 60).unwrap(),
        ..config(place.nth_ms(40), 60, 3)
    }
}

#[test]
fn the_best_network_is_that_of_the_highest_reward_whether_within_the_budget_or_not() {
    let place = Place::new(small_space());
    let budget = place.nth_ms(40);
    for (reward, name) in ["-0.07", "0,-1"]
        .iter()
        .flat_map(|reward| ["random", "evolution", "local", "model"].map(|name| (*reward, name)))
    {
        let config = weighed(&place, reward, name);
        let mut study = place.create(&format!("{name} {reward}"), &config);
        let mut evaluator = FunctionEvaluator::new(|trial: &TrialRequest| Ok(saturating(&trial.architecture)));
        let stop = study.run(&mut evaluator, RunOptions::default(), &mut ignore);
        assert_eq!(stop.unwrap(), StopReason::Complete, "{name}");
        let parsed: Reward = reward.parse().unwrap();
        let value = |ms: f64, accuracy: f64| accuracy * parsed.factor(ms, budget);
        let values = study
            .state()
            .trials()
            .iter()
            .map(|trial| value(trial.costs.latency[0].latency.0, trial.accuracy().unwrap()));
        let most = values.fold(0.0, f64::max);
        let best = study.best().unwrap();
        let found = value(best.costs.latency[0].latency.0, best.accuracy().unwrap());
        assert!((found - most).abs() < 1e-9, "{name}");
        assert_eq!(
            ranked_networks(study.problem(), study.state().trials())[0].number,
            best.number
        );
        // Of all networks, those of 60 trials come near the best.
        let all = all_networks(&place.space, &place.latency());
        let optimum = all
            .iter()
            .map(|(ms, network)| value(*ms, saturating(network)))
            .fold(0.0, f64::max);
        assert!(most > 0.95 * optimum, "{name} {reward}: {most} of {optimum}");
        if name == "model" {
            assert!(most > 0.999 * optimum, "{reward}: {most} of {optimum}");
        }
        let over = study
            .state()
            .trials()
            .iter()
            .any(|trial| trial.costs.latency[0].latency.0 > budget);
        assert!(over, "{name}: nothing over the budget was evaluated");
    }
}

#[test]
fn rewards_without_a_budget_and_strategies_for_fronts_are_refused() {
    let place = Place::new(small_space());
    let refused = |config: StudyConfig| config.check().unwrap_err().to_string();
    let mut config = weighed(&place, "-0.07", "model");
    assert!(config.check().is_ok());
    config.devices[0].budget = None;
    assert!(refused(config).contains("a budget on some device"));
    let front = weighed(&place, "-0.07", "nsga2");
    assert!(refused(front).contains("searches for one network"));
}
