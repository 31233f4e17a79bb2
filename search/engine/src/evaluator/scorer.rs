//! Scores of candidates in place of accuracies.

use mnas_space::Architecture;

use super::contract::Evaluation;
use crate::ranking::{Measured, Probe, Score, ScoreScale, Signal};
use crate::worker::SignalsRequest;

/// Scores candidates by a mean of standardised signals: an order, not an accuracy.
#[derive(Debug, Clone, PartialEq)]
pub struct Scorer {
    /// The signals.
    pub score: Score,
    /// Their distribution over random networks of the space.
    pub scale: ScoreScale,
    /// Width, resolution and batch at which signals of forward passes are measured.
    pub probe: Probe,
}

impl Scorer {
    /// Request for the signals that do not follow from the architecture alone.
    pub(super) fn request(&self, architecture: &Architecture) -> Result<SignalsRequest, String> {
        let signals = self.score.signals().iter().copied();
        let measured: Vec<Signal> = signals.filter(|signal| !signal.is_free()).collect();
        self.probe
            .request(architecture, &measured)
            .map_err(|error| error.to_string())
    }

    /// The evaluation by measured signals; its accuracy is the score, 0 to 100. An error names a signal without a value.
    pub(super) fn evaluation(&self, architecture: &Architecture, measured: &[Measured]) -> Result<Evaluation, String> {
        let value = |&signal: &Signal| {
            let of_forward = || measured.iter().find(|one| one.signal == signal)?.value;
            let value = signal.of_architecture(architecture).or_else(of_forward);
            value.ok_or_else(|| format!("{signal} is not defined for this network on these images"))
        };
        let values: Vec<f64> = self.score.signals().iter().map(value).collect::<Result<_, _>>()?;
        Ok(Evaluation {
            accuracy: self.scale.percentile(&values),
            seconds: measured.iter().map(|one| one.cpu_seconds).sum(),
            training: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::Standard;

    fn scorer(score: &str) -> Scorer {
        let score: Score = score.parse().unwrap();
        let standards = score.signals().iter().map(|&signal| Standard {
            signal,
            mean: 3.0,
            deviation: 1.0,
        });
        Scorer {
            scale: ScoreScale {
                standards: standards.collect(),
            },
            score,
            probe: Probe::of_largest_resolution(32, 7),
        }
    }

    #[test]
    fn signals_of_the_architecture_are_those_of_the_deployed_network() {
        let architecture = "in32,conv_k3_s2_c16_nre,ir_r2_k3_s1_e3_c16_nre,head_o10"
            .parse()
            .unwrap();
        let scorer = scorer("depth+entropy");
        let request = scorer.request(&architecture).unwrap();
        assert_eq!(request.signals, [Signal::Entropy]);
        assert_eq!((request.seed, request.batch_size), (7, 32));
        assert_eq!(
            request.architecture,
            "in32,conv_k3_s2_c8_nre,ir_r2_k3_e3_c8_nre,head_o10"
        );
        let measured = |value| Measured {
            signal: Signal::Entropy,
            value,
            cpu_seconds: 0.25,
        };
        let found = scorer.evaluation(&architecture, &[measured(Some(3.0))]).unwrap();
        // Depth 3 and entropy 3 are the means.
        assert_eq!((found.accuracy, found.seconds), (50.0, 0.25));
        let reason = scorer.evaluation(&architecture, &[measured(None)]).unwrap_err();
        assert!(reason.contains("entropy"), "{reason}");
    }
}
