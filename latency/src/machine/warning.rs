//! Warnings about conditions that make measurements less reliable, each with advice.

use std::fmt;

/// Condition of a machine or measurement that makes times less reliable and that the user can change.
///
/// The displayed text describes the condition; [`Warning::advice`] states the remedy.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// The governor keeps the clock low, or raises it only after a delay.
    Governor {
        /// Name of the governor.
        governor: String,
    },
    /// Other programs use the processors.
    Load {
        /// Mean number of busy threads over the last minute.
        load: f64,
        /// Number of processors.
        cores: usize,
        /// Number of threads of the measurement.
        threads: usize,
    },
    /// The machine runs on battery and saves power.
    Battery,
    /// The machine's speed changed by more than the anchor can reliably correct.
    Drift {
        /// 5th percentile of the speed, as a share of the reference speed.
        slow: f64,
        /// 95th percentile of the speed, as a share of the reference speed.
        fast: f64,
        /// True if turbo is on: the clock can temporarily exceed its nominal frequency.
        turbo: bool,
    },
    /// The confidence intervals of many layers stayed wider than required.
    Unsettled {
        /// Number of layers whose measurement ended at a cap on samples or time.
        layers: usize,
        /// Number of layers measured.
        of: usize,
    },
    /// Many runs were interrupted.
    Outliers {
        /// Number of runs too far from their median to be noise.
        outliers: u64,
        /// Number of all runs.
        runs: u64,
    },
}

/// Factor between the fast and the slow speed above which a warning is given.
const DRIFT: f64 = 1.5;

/// Largest share of unsettled layers without a warning.
const LAYERS: f64 = 0.25;
/// Largest share of outliers among the runs without a warning.
const RUNS: f64 = 0.1;

/// Largest number of unsettled layers that gives no warning.
const FEW: usize = 3;

impl Warning {
    /// Advice on how to remove the cause.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Governor { .. } => {
                "set the governor while measuring (`sudo cpupower frequency-set -g performance`) and start over"
            }
            Self::Load { .. } => "end other programs, or wait until they are done",
            Self::Battery => "plug the machine in",
            Self::Drift { turbo: true, .. } => {
                "switch turbo off while measuring (intel_pstate/no_turbo = 1 or cpufreq/boost = 0), or measure again when the \
                 machine is cool and idle"
            }
            Self::Drift { turbo: false, .. } => "measure again when the machine is cool and idle",
            Self::Unsettled { .. } => "measure with --thorough, or when the machine is idle",
            Self::Outliers { .. } => {
                "end other programs; medians tolerate one interrupted run in ten, but not many more"
            }
        }
    }

    /// Returns a warning if the speeds of many measurements, in ascending order, differ too much.
    pub(crate) fn drift(sorted_speeds: &[f64], turbo: bool) -> Option<Self> {
        if sorted_speeds.is_empty() {
            return None;
        }
        let [slow, fast] = [0.05, 0.95].map(|q| crate::statistics::quantile(sorted_speeds, q));
        (fast > DRIFT * slow).then_some(Self::Drift { slow, fast, turbo })
    }

    /// Returns a warning if too many layers stayed unsettled.
    pub(crate) fn unsettled(layers: usize, of: usize) -> Option<Self> {
        (layers > FEW && layers as f64 > LAYERS * of as f64).then_some(Self::Unsettled { layers, of })
    }

    /// Returns a warning if too many runs were outliers.
    pub(crate) fn outliers(outliers: u64, runs: u64) -> Option<Self> {
        (outliers as f64 > RUNS * runs as f64).then_some(Self::Outliers { outliers, runs })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| 100.0 * share;
        match self {
            Self::Governor { governor } => write!(
                f,
                "the clock governor is `{governor}`, so times depend on what ran before"
            ),
            Self::Load { load, cores, threads } => write!(
                f,
                "the machine is busy: {load:.1} threads of other programs and {threads} of the measurement on {cores} processors"
            ),
            Self::Battery => f.write_str("the machine runs on its battery and saves power"),
            Self::Drift { slow, fast, .. } => write!(
                f,
                "the machine's speed went from {:.0} % to {:.0} % of its reference; the anchor takes most of it out, not all",
                percent(*slow),
                percent(*fast)
            ),
            Self::Unsettled { layers, of } => {
                write!(
                    f,
                    "{layers} of {of} layers reached a cap before their interval was as narrow as required"
                )
            }
            Self::Outliers { outliers, runs } => {
                write!(
                    f,
                    "{:.0} % of all runs were interrupted",
                    percent(*outliers as f64 / *runs as f64)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_tell_noise_from_trouble() {
        let speeds = |slow: f64| -> Vec<f64> { (0..100).map(|i| slow + (1.0 - slow) * f64::from(i) / 99.0).collect() };
        assert_eq!(Warning::drift(&speeds(0.8), false), None);
        assert_eq!(Warning::drift(&[], false), None);
        let drift = Warning::drift(&speeds(0.4), true).unwrap();
        assert!(drift.advice().contains("turbo"));
        assert_eq!(
            drift.to_string(),
            "the machine's speed went from 43 % to 97 % of its reference; the anchor takes most of it out, not all"
        );
        assert_eq!((Warning::unsettled(0, 0), Warning::unsettled(5, 20)), (None, None));
        assert_eq!(Warning::unsettled(1, 1), None);
        assert!(Warning::unsettled(6, 20).is_some());
        assert_eq!((Warning::outliers(0, 0), Warning::outliers(10, 100)), (None, None));
        assert_eq!(
            Warning::outliers(20, 100).unwrap().to_string(),
            "20 % of all runs were interrupted"
        );
    }
}
