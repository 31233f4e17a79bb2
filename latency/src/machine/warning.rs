//! Warnings about conditions that make measurements worth less, each with its remedy.

use std::fmt;

/// Something about a machine or a measurement that its user should know and can change.
///
/// Shown as what was found; [`Warning::advice`] is what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// The clock is kept low, or follows the load with a delay.
    Governor {
        /// Its name.
        governor: String,
    },
    /// Others use the processors.
    Load {
        /// Mean number of busy threads over the last minute.
        load: f64,
        /// Processors there are.
        cores: usize,
        /// Processors the measurement needs.
        threads: usize,
    },
    /// A battery is being emptied, and saved.
    Battery,
    /// The machine changed its speed by more than the anchor can be trusted to take out.
    Drift {
        /// The slow twentieth, as a share of the reference speed.
        slow: f64,
        /// The fast twentieth.
        fast: f64,
        /// True if the clock may rise above its nominal frequency for a while.
        turbo: bool,
    },
    /// The intervals of many layers stayed wider than asked for.
    Unsettled {
        /// Layers whose measurement ended at a cap.
        layers: usize,
        /// Layers measured.
        of: usize,
    },
    /// Many runs were interrupted.
    Outliers {
        /// Runs too far from their median to be noise.
        outliers: u64,
        /// All runs.
        runs: u64,
    },
}

/// A machine's speed may vary by this factor before it is warned about.
const DRIFT: f64 = 1.5;

/// The share of layers that may stay unsettled, and of runs that may be outliers.
const LAYERS: f64 = 0.25;
const RUNS: f64 = 0.1;

/// Largest number of unsettled layers that gives no warning.
const FEW: usize = 3;

impl Warning {
    /// Advice for the reader of the warning.
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
            Self::Outliers { .. } => "end other programs; medians bear one run in ten, not many more",
        }
    }

    /// A warning where the speeds of many measurements, in ascending order, differ too much.
    pub(crate) fn drift(sorted_speeds: &[f64], turbo: bool) -> Option<Self> {
        if sorted_speeds.is_empty() {
            return None;
        }
        let [slow, fast] = [0.05, 0.95].map(|q| crate::statistics::quantile(sorted_speeds, q));
        (fast > DRIFT * slow).then_some(Self::Drift { slow, fast, turbo })
    }

    /// A warning where too many layers stayed unsettled.
    pub(crate) fn unsettled(layers: usize, of: usize) -> Option<Self> {
        (layers > FEW && layers as f64 > LAYERS * of as f64).then_some(Self::Unsettled { layers, of })
    }

    /// A warning where too many runs were outliers.
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
                    "{layers} of {of} layers hit a cap before their interval was as narrow as asked for"
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
