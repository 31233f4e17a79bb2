//! Predictions of unseen networks from few true labels.

use mnas_space::random::stream;
use rand::seq::SliceRandom;

use crate::regression::{Encoder, GaussianProcess, Sample};

/// Number of random draws of labels over which a predictor is assessed.
pub const DRAWS: u64 = 10;

/// Steps of the search for hyper-parameters.
const STEPS: usize = 40;

/// Least error in percent; keeps the logarithm finite.
const LEAST_ERROR: f64 = 0.01;

/// A network with its true accuracy.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// Input of the regression.
    pub sample: Sample,
    /// Accuracy in percent.
    pub accuracy: f64,
}

/// Pairs of prediction and accuracy for each of [`DRAWS`] draws: a Gaussian process is fitted to `labels` random networks and
/// predicts the others. Empty where too few networks are left.
///
/// The process predicts `-ln(error)`; its hyper-parameters have the greatest posterior density.
pub fn held_out(encoder: &Encoder, networks: &[Labelled], labels: usize, seed: u64) -> Vec<Vec<(f64, f64)>> {
    if labels < 2 || labels + 2 > networks.len() {
        return Vec::new();
    }
    let draw = |number: u64| {
        let mut order: Vec<usize> = (0..networks.len()).collect();
        order.shuffle(&mut stream(seed, "labels", number, 0));
        let (given, rest) = order.split_at(labels);
        let target = |network: &Labelled| -(100.0 - network.accuracy).max(LEAST_ERROR).ln();
        let known: Vec<(&Sample, f64)> = given
            .iter()
            .map(|&at| (&networks[at].sample, target(&networks[at])))
            .collect();
        let unseen: Vec<&Sample> = rest.iter().map(|&at| &networks[at].sample).collect();
        let parameters = GaussianProcess::tune(encoder, &known, None, STEPS);
        let process = GaussianProcess::condition(encoder, parameters, &known)?;
        let predicted = process.predict(&unseen).into_iter().map(|belief| belief.mean);
        Some(predicted.zip(rest.iter().map(|&at| networks[at].accuracy)).collect())
    };
    (0..DRAWS).filter_map(draw).collect()
}

#[cfg(test)]
mod tests {
    use mnas_space::SearchSpace;

    use super::*;
    use crate::ranking::{Agreement, Signal};

    fn networks(count: usize) -> (Encoder, Vec<Labelled>) {
        let space = SearchSpace::from_toml(SearchSpace::embedded("nas-bench-macro").unwrap()).unwrap();
        let encoder = Encoder::new(&space);
        let mut rng = stream(3, "test", 0, 0);
        let network = |_| {
            let genotype = space.sample(&mut rng);
            let architecture = space.express(&genotype, 10);
            let signal = |signal: Signal| signal.of_architecture(&architecture).unwrap();
            let columns = vec![signal(Signal::Macs), signal(Signal::Params)];
            // Accuracies that follow from depth and multiply-adds.
            let accuracy = 20.0 + 4.0 * signal(Signal::Depth) + signal(Signal::Macs);
            let encoding = encoder.encode(&genotype);
            Labelled {
                sample: Sample { encoding, columns },
                accuracy,
            }
        };
        let networks = (0..count).map(network).collect();
        (encoder, networks)
    }

    #[test]
    fn a_process_learns_an_order_from_few_labels() {
        let (encoder, networks) = networks(120);
        let sets = held_out(&encoder, &networks, 30, 0);
        assert_eq!(sets.len(), DRAWS as usize);
        assert!(sets.iter().all(|set| set.len() == 90));
        let tau = Agreement::of(&sets, 0).tau.value.unwrap();
        assert!(tau > 0.8, "{tau}");
    }

    #[test]
    fn too_few_networks_are_not_judged() {
        let (encoder, networks) = networks(10);
        assert!(held_out(&encoder, &networks, 20, 0).is_empty());
        assert!(held_out(&encoder, &networks, 1, 0).is_empty());
    }
}
