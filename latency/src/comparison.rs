//! Comparison of predicted and measured latencies of whole networks.

use mnas_space::Architecture;

use crate::duration::Milliseconds;
use crate::measure::Measurement;
use crate::predict::{Prediction, Predictor};
use crate::profile::MeasuredNetwork;
use crate::statistics;
use crate::table::LatencyTable;

/// Measured network with a prediction from a fit that did not include it.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedNetwork {
    /// Network.
    pub architecture: Architecture,
    /// Measured latency.
    pub measured: Measurement,
    /// Medians of the first and the second half of the samples, which are minutes apart; their difference is noise that no
    /// prediction can explain. `None` if the samples are no longer known.
    pub halves: Option<(Milliseconds, Milliseconds)>,
    /// Predicted latency.
    pub predicted: Prediction,
}

impl ComparedNetwork {
    /// Error of the prediction, as a share of the measurement.
    pub fn error(&self) -> f64 {
        self.predicted.latency.0 / self.measured.median_ms - 1.0
    }
}

/// Comparison of predictions and measurements, network by network.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// Networks in the order of measurement.
    pub networks: Vec<ComparedNetwork>,
}

impl Comparison {
    /// Compares networks measured together with a table, but not part of it, with the predictions of `predictor`.
    pub fn fresh(validation: Vec<MeasuredNetwork>, predictor: &Predictor) -> Self {
        let compared = |network: MeasuredNetwork| ComparedNetwork {
            predicted: predictor.estimate(&network.architecture),
            architecture: network.architecture,
            measured: network.measurement,
            halves: network.halves,
        };
        Self {
            networks: validation.into_iter().map(compared).collect(),
        }
    }

    /// Compares the calibration networks of `table` with leave-one-out predictions; empty if there are too few networks to leave
    /// one out.
    pub fn left_out(table: &LatencyTable, predictor: &Predictor) -> Self {
        let errors = &predictor.calibration().held_out_errors;
        let compared = |((architecture, measured), error): (&(Architecture, Measurement), &f64)| {
            let fitted = predictor.estimate(architecture);
            let ratio = measured.median_ms * (1.0 + error) / fitted.latency.0;
            ComparedNetwork {
                architecture: architecture.clone(),
                measured: *measured,
                halves: None,
                predicted: Prediction {
                    latency: Milliseconds(fitted.latency.0 * ratio),
                    low: Milliseconds(fitted.low.0 * ratio),
                    high: Milliseconds(fitted.high.0 * ratio),
                    coverage: fitted.coverage,
                },
            }
        };
        Self {
            networks: table.networks().iter().zip(errors).map(compared).collect(),
        }
    }

    /// Mean absolute error; `None` without networks.
    pub fn mean_error(&self) -> Option<f64> {
        self.mean(|network| Some(network.error().abs()))
    }

    /// Share of the networks whose error is at most `share`; `None` without networks.
    pub fn within(&self, share: f64) -> Option<f64> {
        self.mean(|network| Some(f64::from(u8::from(network.error().abs() <= share))))
    }

    /// Share of the networks whose measurement lies in the prediction's interval; `None` without networks.
    pub fn in_interval(&self) -> Option<f64> {
        self.mean(|network| {
            let interval = network.predicted.low.0..=network.predicted.high.0;
            Some(f64::from(u8::from(interval.contains(&network.measured.median_ms))))
        })
    }

    /// Mean relative difference between the halves of a measurement; `None` if no halves are known.
    pub fn noise(&self) -> Option<f64> {
        self.mean(|network| network.halves.map(|(first, second)| (first.0 / second.0 - 1.0).abs()))
    }

    /// Rank correlation of predictions and measurements; `None` for fewer than 3 networks.
    pub fn spearman(&self) -> Option<f64> {
        let predicted: Vec<f64> = self
            .networks
            .iter()
            .map(|network| network.predicted.latency.0)
            .collect();
        let measured: Vec<f64> = self.networks.iter().map(|network| network.measured.median_ms).collect();
        (measured.len() > 2).then(|| statistics::spearman(&predicted, &measured))
    }

    fn mean(&self, value: impl Fn(&ComparedNetwork) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = self.networks.iter().filter_map(value).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(measured_ms: f64, predicted_ms: f64, halves: Option<(f64, f64)>) -> ComparedNetwork {
        ComparedNetwork {
            architecture: "in32,conv_k3_s2_c8_nre,head_o10".parse().unwrap(),
            measured: Measurement {
                median_ms: measured_ms,
                ..Measurement::NOTHING
            },
            halves: halves.map(|(first, second)| (Milliseconds(first), Milliseconds(second))),
            predicted: Prediction {
                latency: Milliseconds(predicted_ms),
                low: Milliseconds(0.95 * predicted_ms),
                high: Milliseconds(1.05 * predicted_ms),
                coverage: 1.0,
            },
        }
    }

    #[test]
    fn errors_are_shares_of_the_measurement() {
        let comparison = Comparison {
            networks: vec![
                network(1.0, 1.04, Some((1.02, 1.0))),
                network(2.0, 1.6, None),
                network(4.0, 4.0, Some((4.0, 4.0))),
            ],
        };
        let close = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-9;
        assert!(close(comparison.mean_error(), 0.08));
        assert!(close(comparison.within(0.1), 2.0 / 3.0));
        assert!(close(comparison.in_interval(), 2.0 / 3.0));
        assert!(close(comparison.noise(), 0.01));
        assert!(close(comparison.spearman(), 1.0));
    }

    #[test]
    fn nothing_measured_says_nothing() {
        let nothing = Comparison::default();
        let figures = [
            nothing.mean_error(),
            nothing.within(0.1),
            nothing.noise(),
            nothing.spearman(),
        ];
        assert_eq!(figures, [None; 4]);
    }
}
