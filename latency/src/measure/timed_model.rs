//! Loaded model with its samples.

use super::measurement::Measurement;
use super::settings::MeasureSettings;
use crate::duration::Milliseconds;
use crate::runtime::{LoadedModel, Model};
use crate::statistics;

/// Model sampled by a [`super::Measurer`], with the samples so far.
pub struct TimedModel {
    pub(super) model: Model,
    /// `None` after [`TimedModel::unload`]; the next sample loads it again.
    pub(super) loaded: Option<Box<dyn LoadedModel>>,
    pub(super) plan: SamplePlan,
    samples: Samples,
    /// Total run time of the model in milliseconds, warm-up included.
    pub(super) spent_ms: f64,
}

/// Plan of a sample: its runs and inferences.
#[derive(Debug, Clone, Copy)]
pub(super) struct SamplePlan {
    /// Number of inferences timed together, so that they take longer than the clock's resolution.
    pub inferences: u32,
    /// Number of timed runs in a sample.
    pub repeats: u32,
    /// True if an untimed run comes first, because the anchor evicts the model from the caches.
    pub warm_up: bool,
    /// Expected duration in milliseconds, from the warm-up.
    pub expected_ms: f64,
}

/// Samples of a model: times in milliseconds at the reference speed, and speeds.
#[derive(Debug, Clone, Default)]
struct Samples {
    /// Median of the runs of each sample.
    medians: Vec<f64>,
    /// Speed of the machine during each sample, as a share of the reference speed.
    speeds: Vec<f64>,
    /// Times of all runs, in sample order.
    runs: Vec<f64>,
}

/// Smallest share of the usual speed at which a sample is included; the reciprocal is the largest.
const SAME_STATE: f64 = 0.8;

impl TimedModel {
    pub(super) fn new(model: Model, loaded: Box<dyn LoadedModel>, plan: SamplePlan, spent_ms: f64) -> Self {
        Self {
            model,
            loaded: Some(loaded),
            plan,
            samples: Samples::default(),
            spent_ms,
        }
    }

    /// Adds a sample: the times of its runs at the reference speed, and the speed of the machine.
    pub(super) fn add_sample(&mut self, runs: &[f64], speed: f64) {
        self.samples.medians.push(statistics::median(runs));
        self.samples.speeds.push(speed);
        self.samples.runs.extend(runs);
    }

    /// Number of samples.
    pub(super) fn sample_count(&self) -> usize {
        self.samples.medians.len()
    }

    /// Unloads the model. The next sample loads it again, usually at another place in memory.
    pub fn unload(&mut self) {
        self.loaded = None;
    }

    /// Expected duration of one sample in milliseconds, from the warm-up.
    pub(crate) fn expected_ms(&self) -> f64 {
        self.plan.expected_ms
    }

    /// Returns true if the median's confidence interval is as narrow as the settings require.
    pub(super) fn is_settled(&self, settings: &MeasureSettings) -> bool {
        statistics::relative_median_error(&statistics::sorted(&self.samples.medians)) <= settings.relative_error
    }

    /// Returns true if a cap on samples or time is reached.
    pub(super) fn is_capped(&self, settings: &MeasureSettings) -> bool {
        self.sample_count() >= settings.max_samples || self.spent_ms >= settings.max_ms
    }

    /// Speed of the machine during each sample.
    pub(crate) fn speeds(&self) -> &[f64] {
        &self.samples.speeds
    }

    /// Summary of all samples.
    ///
    /// # Panics
    /// If no sample was taken.
    pub fn measurement(&self) -> Measurement {
        self.summarize(&self.all())
    }

    /// Summary of the samples whose speed is within a factor of 0.8 to 1.25 of `usual`, or of all samples if there are none. Other
    /// programs on the same processor slow small operations more than large ones, and the anchor cannot correct both.
    ///
    /// # Panics
    /// If no sample was taken.
    pub fn measurement_at(&self, usual: f64) -> Measurement {
        self.summarize(&self.taken_at(usual))
    }

    fn summarize(&self, counted: &[usize]) -> Measurement {
        let Samples { speeds, runs, .. } = &self.samples;
        let repeats = (runs.len() / self.sample_count()).max(1);
        let runs: Vec<f64> = counted
            .iter()
            .flat_map(|&sample| &runs[repeats * sample..repeats * (sample + 1)])
            .copied()
            .collect();
        let speeds: Vec<f64> = counted.iter().map(|&sample| speeds[sample]).collect();
        let sorted = statistics::sorted(&runs);
        Measurement {
            median_ms: statistics::quantile(&sorted, 0.5),
            p10_ms: statistics::quantile(&sorted, 0.1),
            p90_ms: statistics::quantile(&sorted, 0.9),
            runs: self.plan.inferences * runs.len() as u32,
            outliers: statistics::outliers(&sorted),
            speed: statistics::median(&speeds),
        }
    }

    /// Medians of the first and the second half of the samples that [`TimedModel::measurement_at`] includes. Their difference is
    /// noise that no prediction can explain. `None` for fewer than two samples.
    pub fn halves_at(&self, usual: f64) -> Option<(Milliseconds, Milliseconds)> {
        let counted = self.taken_at(usual);
        let (first, second) = counted.split_at(counted.len() / 2);
        let median = |half: &[usize]| {
            let medians: Vec<f64> = half.iter().map(|&sample| self.samples.medians[sample]).collect();
            Milliseconds(statistics::median(&medians))
        };
        (!first.is_empty()).then(|| (median(first), median(second)))
    }

    fn all(&self) -> Vec<usize> {
        (0..self.sample_count()).collect()
    }

    fn taken_at(&self, usual: f64) -> Vec<usize> {
        let same_state = SAME_STATE * usual..=usual / SAME_STATE;
        let mut taken = self.all();
        taken.retain(|&sample| same_state.contains(&self.samples.speeds[sample]));
        if taken.is_empty() { self.all() } else { taken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RuntimeError;

    struct Idle;

    impl LoadedModel for Idle {
        fn run(&mut self, _inferences: u32) -> Result<Milliseconds, RuntimeError> {
            Ok(Milliseconds(1.0))
        }
    }

    fn timed(samples: &[(f64, f64)]) -> TimedModel {
        let plan = SamplePlan {
            inferences: 2,
            repeats: 2,
            warm_up: false,
            expected_ms: 4.0,
        };
        let model = Model::block(&"head_o10@320x7x7".parse().unwrap());
        let mut timed = TimedModel::new(model, Box::new(Idle), plan, 0.0);
        for (ms, speed) in samples {
            timed.add_sample(&[*ms, *ms], *speed);
        }
        timed
    }

    #[test]
    fn samples_of_another_state_of_the_machine_are_left_out() {
        let timed = timed(&[(1.0, 1.0), (1.4, 0.6), (1.4, 0.62), (1.1, 0.9), (1.4, 0.61)]);
        let all = timed.measurement();
        assert_eq!((all.median_ms, all.runs), (1.4, 20));
        let usual = timed.measurement_at(0.95);
        assert!((usual.median_ms - 1.05).abs() < 1e-12, "{usual:?}");
        assert_eq!((usual.runs, usual.speed), (8, 0.95));
        assert_eq!(timed.halves_at(0.95), Some((Milliseconds(1.0), Milliseconds(1.1))));
        // No sample was taken in this state.
        assert_eq!(timed.measurement_at(3.0), all);
    }
}
