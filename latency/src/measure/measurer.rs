//! Measurement of models, normalised by the anchor.

use super::anchor;
use super::measurement::Measurement;
use super::settings::MeasureSettings;
use super::timed_model::{SamplePlan, TimedModel};
use crate::duration::Milliseconds;
use crate::error::LatencyError;
use crate::machine::{Conditions, Pin};
use crate::runtime::{LoadedModel, Model, Runtime, Step};
use crate::statistics;

/// Measurer of models on one runtime, which runs the anchor between samples.
pub struct Measurer<'r> {
    runtime: &'r mut dyn Runtime,
    anchor: Box<dyn LoadedModel>,
    reference_ms: Option<f64>,
    settings: MeasureSettings,
    used_ms: f64,
    unsettled: u32,
    pin: Option<Pin>,
}

/// Shortest time in milliseconds that the clock resolves reliably.
const SHORTEST_MS: f64 = 0.002;

/// Number of timed anchor runs in one burst for its reference time.
const REFERENCE_BURST: usize = 10;

/// Multiple of the anchor's time above which a model's latency does not depend on the initial cache contents.
const SLOW_ANCHORS: f64 = 20.0;

/// Role of a run in a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Refills the caches after another model ran; the time is discarded.
    WarmUp,
    /// Measures the machine's speed.
    Anchor,
    /// Measures the model.
    Sample,
}

/// Step of a single anchor run.
const ANCHOR_STEP: Step = Step {
    model: 0,
    inferences: 1,
};

impl<'r> Measurer<'r> {
    /// Loads the anchor. `reference_ms` is the reference time of an existing table; with `None`, it is measured on first use.
    pub fn new(
        runtime: &'r mut dyn Runtime,
        settings: MeasureSettings,
        reference_ms: Option<f64>,
    ) -> Result<Self, LatencyError> {
        let pin = settings.pin.then(|| Pin::choose(runtime.pinnable_threads())).flatten();
        let held = pin.as_ref().and_then(Pin::hold);
        let anchor = runtime.load(&anchor::model())?;
        drop(held);
        let mut measurer = Self {
            runtime,
            anchor,
            reference_ms,
            settings,
            used_ms: 0.0,
            unsettled: 0,
            pin,
        };
        let warm_up_runs = measurer.settings.warm_up_runs.max(3) as usize;
        measurer.burst(None, &vec![ANCHOR_STEP; warm_up_runs])?;
        Ok(measurer)
    }

    /// Total run time of models and anchor so far, by the runtime's clock.
    pub fn used(&self) -> Milliseconds {
        Milliseconds(self.used_ms)
    }

    /// Number of models for which [`Measurer::measure`] stopped at a cap with an interval wider than required.
    pub fn unsettled(&self) -> u32 {
        self.unsettled
    }

    /// Reads the conditions of the machine that executes models; `None` if they do not apply.
    pub fn conditions(&mut self) -> Result<Option<Conditions>, LatencyError> {
        Ok(self.runtime.conditions()?)
    }

    /// Reference time of the anchor, to which every measurement is normalised.
    ///
    /// Measured once per table: the 20th percentile of many runs, which represents the undisturbed machine.
    pub fn reference(&mut self) -> Result<Milliseconds, LatencyError> {
        if let Some(reference_ms) = self.reference_ms {
            return Ok(Milliseconds(reference_ms));
        }
        let mut runs = Vec::new();
        let end_ms = self.used_ms + self.settings.reference_ms;
        while self.used_ms < end_ms || runs.len() < 2 * REFERENCE_BURST {
            let times = self.burst(None, &[ANCHOR_STEP; 2 * REFERENCE_BURST])?;
            runs.extend(times.iter().skip(1).step_by(2));
        }
        let reference_ms = statistics::quantile(&statistics::sorted(&runs), 0.2);
        self.reference_ms = Some(reference_ms);
        Ok(Milliseconds(reference_ms))
    }

    /// Runs the anchor (model 0) and a loaded model (model 1); returns the time of each step in milliseconds.
    fn burst(&mut self, loaded: Option<&mut Box<dyn LoadedModel>>, steps: &[Step]) -> Result<Vec<f64>, LatencyError> {
        let mut models: Vec<&mut dyn LoadedModel> = vec![self.anchor.as_mut()];
        models.extend(loaded.map(|model| model.as_mut() as &mut dyn LoadedModel));
        let _held = self.pin.as_ref().and_then(Pin::hold);
        let times = self.runtime.burst(&mut models, steps)?;
        let times: Vec<f64> = times.into_iter().map(|Milliseconds(ms)| ms).collect();
        self.used_ms += times.iter().sum::<f64>();
        Ok(times)
    }

    /// Loads and warms up a model, for samples that last at least `sample_ms`.
    pub fn prepare(&mut self, model: Model, sample_ms: f64) -> Result<TimedModel, LatencyError> {
        let reference_ms = self.reference()?.0;
        let (loaded, warm_up) = self.load(&model)?;
        let fastest_ms = warm_up.iter().copied().fold(f64::INFINITY, f64::min).max(1e-6);
        let inferences = (SHORTEST_MS / fastest_ms).ceil().max(1.0);
        // On a slow runtime the anchor is slow too, and would take most of the time if samples were shorter than its runs.
        let repeats = (sample_ms.max(reference_ms) / (fastest_ms * inferences))
            .ceil()
            .clamp(1.0, 1000.0);
        let plan = SamplePlan {
            inferences: inferences as u32,
            repeats: repeats as u32,
            warm_up: fastest_ms < SLOW_ANCHORS * reference_ms,
            expected_ms: fastest_ms * inferences * repeats,
        };
        Ok(TimedModel::new(model, loaded, plan, warm_up.iter().sum()))
    }

    /// Loads a model and warms it up; returns it with the times of its first runs in milliseconds.
    fn load(&mut self, model: &Model) -> Result<(Box<dyn LoadedModel>, Vec<f64>), LatencyError> {
        let held = self.pin.as_ref().and_then(Pin::hold);
        let mut loaded = self.runtime.load(model)?;
        drop(held);
        let step = Step {
            model: 1,
            inferences: 1,
        };
        let runs = self.settings.warm_up_runs.max(1) as usize;
        let warm_up = self.burst(Some(&mut loaded), &vec![step; runs])?;
        Ok((loaded, warm_up))
    }

    /// See [`Runtime::loads_cheaply`].
    pub(crate) fn loads_cheaply(&self) -> bool {
        self.runtime.loads_cheaply()
    }

    /// Takes `count` more samples of a model, with anchor runs before, between and after them.
    pub fn sample(&mut self, timed: &mut TimedModel, count: usize) -> Result<(), LatencyError> {
        let reference_ms = self.reference()?.0;
        let mut loaded = match timed.loaded.take() {
            Some(loaded) => loaded,
            None => self.load(&timed.model)?.0,
        };
        let plan = timed.plan;
        let (roles, steps): (Vec<Role>, Vec<Step>) = burst_of(plan, count).into_iter().unzip();
        let durations = self.burst(Some(&mut loaded), &steps)?;
        timed.loaded = Some(loaded);
        let (mut anchors, mut runs) = (Vec::new(), Vec::new());
        for ((role, step), ms) in roles.iter().zip(&steps).zip(durations) {
            timed.spent_ms += if step.model == 1 { ms } else { 0.0 };
            match role {
                Role::WarmUp => {}
                Role::Anchor => anchors.push(ms),
                Role::Sample => runs.push(ms / f64::from(plan.inferences)),
            }
        }
        for (index, runs) in runs.chunks_mut(plan.repeats as usize).enumerate() {
            // The median of two anchor runs before and two after tolerates one interruption, and steady drift cancels out.
            let slowdown = statistics::median(&anchors[index..index + 4]) / reference_ms;
            for ms in runs.iter_mut() {
                *ms /= slowdown;
            }
            timed.add_sample(runs, 1.0 / slowdown);
        }
        Ok(())
    }

    /// Loads a model and samples it until its confidence interval is narrow enough or a cap is reached.
    pub fn measure(&mut self, model: &Model) -> Result<Measurement, LatencyError> {
        let settings = self.settings.clone();
        let mut timed = self.prepare(model.clone(), settings.sample_ms)?;
        self.sample(&mut timed, settings.min_samples.max(1))?;
        while !timed.is_settled(&settings) {
            if timed.is_capped(&settings) {
                self.unsettled += 1;
                break;
            }
            // Takes several samples per burst, since the anchor runs at both ends cost as much as a sample.
            let left = settings.max_samples - timed.sample_count();
            self.sample(&mut timed, left.min(settings.min_samples.div_ceil(2)))?;
        }
        Ok(timed.measurement())
    }
}

/// Runs of a burst with `count` samples, with the anchor once between samples and twice at both ends.
fn burst_of(plan: SamplePlan, count: usize) -> Vec<(Role, Step)> {
    let step = Step {
        model: 1,
        inferences: plan.inferences,
    };
    let anchor = [(Role::WarmUp, ANCHOR_STEP), (Role::Anchor, ANCHOR_STEP)];
    let mut burst = [anchor, anchor].concat();
    for _ in 0..count {
        burst.extend(plan.warm_up.then_some((Role::WarmUp, step)));
        burst.extend(std::iter::repeat_n((Role::Sample, step), plan.repeats as usize));
        burst.extend(anchor);
    }
    burst.extend(anchor);
    burst
}
