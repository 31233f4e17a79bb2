//! Measuring on a machine that is not quiet.
//!
//! A machine's speed drifts (turbo, heat, other programs) by more than the differences to be measured. So a fixed
//! small network, the *anchor*, runs between all samples of a model, and each sample is divided by how much slower
//! than its *reference time* the anchor ran just before and after. What remains is noise; samples are taken until
//! the confidence interval of their median is narrow enough, or a cap on samples or time is hit. Interruptions
//! are neither hidden nor harmful: they are counted, and the median does not feel them.
//!
//! While models are loaded and run, the thread stays on the processor that it was on when the bench was made, where the
//! system allows it.

mod conditions;
mod pin;
mod warning;

pub use conditions::Conditions;
pub(crate) use pin::Pin;
pub use warning::Warning;

use mnas_space::Architecture;

use crate::duration::Milliseconds;
use crate::error::LatencyError;
use crate::runtime::{LoadedModel, Model, ModelContent, Runtime, Step};
use crate::statistics;

/// The anchor: a small MobileNet with every kind of operation. Never changed, since tables keep its reference time.
pub const ANCHOR: &str = "in128,conv_k3_s2_c16_nhs,ds_k3_s2_c24_nre,ir_k3_s2_e4_c40_nr6,ir_k5_e4_c40_se0.25_nhs,\
    ir_k3_s2_e6_c80_nhs,ir_k3_e6_c80_nhs,conv_k1_c480_nhs,head_o100";

/// What runtimes know the anchor by.
pub(crate) const ANCHOR_NAME: &str = "anchor";

fn anchor() -> Architecture {
    ANCHOR
        .parse()
        .unwrap_or_else(|error| panic!("the anchor is valid: {error}"))
}

/// How much care a measurement takes.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasureSettings {
    /// Unmeasured runs before the first sample.
    pub warm_up_runs: u32,
    /// A sample is at least this long; a short model runs several times in one, which counts as the median of them.
    pub sample_ms: f64,
    /// The same for a whole network, whose samples are few and far apart.
    pub network_sample_ms: f64,
    /// Samples are taken until the median's 95 % confidence interval is within this share of it, both ways ...
    pub relative_error: f64,
    /// ... but at least this many ...
    pub min_samples: usize,
    /// ... and at most this many, ...
    pub max_samples: usize,
    /// ... or until this much time is used and the fewest are taken.
    pub max_ms: f64,
    /// How long the anchor runs for its reference time.
    pub reference_ms: f64,
    /// Whether the measuring thread is kept on one processor where that is possible.
    pub pin: bool,
}

impl MeasureSettings {
    /// About 25 ms for a layer: a table in minutes.
    pub fn quick() -> Self {
        Self {
            warm_up_runs: 2,
            sample_ms: 0.3,
            network_sample_ms: 1.0,
            relative_error: 0.02,
            min_samples: 9,
            max_samples: 31,
            max_ms: 20.0,
            reference_ms: 500.0,
            pin: true,
        }
    }

    /// About 60 ms for a layer: a table for the record.
    pub fn thorough() -> Self {
        Self {
            warm_up_runs: 5,
            sample_ms: 0.5,
            network_sample_ms: 1.0,
            relative_error: 0.01,
            min_samples: 15,
            max_samples: 75,
            max_ms: 60.0,
            reference_ms: 2000.0,
            pin: true,
        }
    }
}

/// What was measured, in milliseconds at the anchor's reference speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// Half of the runs are faster.
    pub median_ms: f64,
    /// One in ten runs is faster.
    pub p10_ms: f64,
    /// One in ten runs is slower.
    pub p90_ms: f64,
    /// Inferences behind these numbers, warm-up left out.
    pub runs: u32,
    /// Runs too far from the median to be noise; they are part of the numbers above.
    pub outliers: u32,
    /// The machine's speed during the measurement, as a share of its reference speed.
    pub speed: f64,
}

impl Measurement {
    /// The measurement of nothing: a layer without operations.
    pub const NOTHING: Self = Self {
        median_ms: 0.0,
        p10_ms: 0.0,
        p90_ms: 0.0,
        runs: 0,
        outliers: 0,
        speed: 1.0,
    };
}

/// Measures models on one runtime, with the anchor beside them.
pub struct Bench<'r> {
    runtime: &'r mut dyn Runtime,
    anchor: Box<dyn LoadedModel>,
    reference_ms: Option<f64>,
    settings: MeasureSettings,
    used_ms: f64,
    unsettled: u32,
    pin: Option<Pin>,
}

/// A model on the bench, with the samples taken so far.
pub struct Candidate {
    model: Model,
    /// `None` where it was unloaded; it is loaded anew for the next sample.
    loaded: Option<Box<dyn LoadedModel>>,
    /// Inferences timed together, so that the clock's own grain does not count.
    inferences: u32,
    /// How often that is done in one sample.
    repeats: u32,
    /// What a sample takes, judged by the warm-up.
    sample_ms: f64,
    /// Whether an untimed run comes before each sample, because the anchor leaves the caches to itself.
    warm_up: bool,
    /// The median time in each sample, at the reference speed.
    samples: Vec<f64>,
    /// All times behind the samples, at the reference speed.
    runs: Vec<f64>,
    speeds: Vec<f64>,
    spent_ms: f64,
}

/// Times shorter than this are not trusted to a clock.
const SHORTEST_MS: f64 = 0.002;

/// Times of the anchor that are taken in one burst for its reference time.
const REFERENCE_BURST: usize = 10;

/// A model that takes longer than so many anchors does not feel what the anchor left in the caches.
const SLOW_ANCHORS: f64 = 20.0;

/// A machine that runs at less than this share of its usual speed, or at as much more, is in another state.
const SAME_STATE: f64 = 0.8;

/// Whether a machine at this speed is in the state that its `usual` speed stands for: other work on the same processor,
/// say, slows small operations more than large ones, and the anchor cannot make up for both.
pub(crate) fn is_usual_state(speed: f64, usual: f64) -> bool {
    (SAME_STATE * usual..=usual / SAME_STATE).contains(&speed)
}

/// What a run in a burst is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Whatever ran last has pushed a model out of the caches, a large one more than a small one; the first run after
    /// another model fills them again, and its time says nothing.
    WarmUp,
    /// Tells the machine's speed.
    Anchor,
    /// Counts.
    Sample,
}

/// One run of the anchor.
const ANCHOR_STEP: Step = Step {
    model: 0,
    inferences: 1,
};

impl<'r> Bench<'r> {
    /// Prepares the anchor. `reference_ms` is the reference time of an existing table; without one it is measured
    /// when it is first needed.
    pub fn new(
        runtime: &'r mut dyn Runtime,
        settings: MeasureSettings,
        reference_ms: Option<f64>,
    ) -> Result<Self, LatencyError> {
        let pin = settings.pin.then(|| Pin::choose(runtime.pinnable_threads())).flatten();
        let model = Model {
            name: ANCHOR_NAME.to_owned(),
            content: ModelContent::Network(anchor()),
        };
        let held = pin.as_ref().and_then(Pin::hold);
        let anchor = runtime.load(&model)?;
        drop(held);
        let mut bench = Self {
            runtime,
            anchor,
            reference_ms,
            settings,
            used_ms: 0.0,
            unsettled: 0,
            pin,
        };
        let warm_up_runs = bench.settings.warm_up_runs.max(3) as usize;
        bench.burst(None, &vec![ANCHOR_STEP; warm_up_runs])?;
        Ok(bench)
    }

    /// Time that models and anchor have run so far, by the runtime's clock.
    pub fn used(&self) -> Milliseconds {
        Milliseconds(self.used_ms)
    }

    /// How many models [`Bench::measure`] gave up on at a cap, their interval wider than asked for.
    pub fn unsettled(&self) -> u32 {
        self.unsettled
    }

    /// What on the measuring machine speaks against measuring now, by its own words.
    pub fn conditions(&mut self) -> Result<Option<Conditions>, LatencyError> {
        Ok(self.runtime.conditions()?)
    }

    /// The anchor's reference time: what every measurement is normalised to.
    ///
    /// Measured once per table: the lower fifth of many runs, which is the machine's speed when nothing disturbs it.
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

    /// Runs the anchor (model 0) and a candidate (model 1); the time of each step in milliseconds.
    fn burst(
        &mut self,
        candidate: Option<&mut Box<dyn LoadedModel>>,
        steps: &[Step],
    ) -> Result<Vec<f64>, LatencyError> {
        let mut models: Vec<&mut dyn LoadedModel> = vec![self.anchor.as_mut()];
        models.extend(candidate.map(|model| model.as_mut() as &mut dyn LoadedModel));
        let _held = self.pin.as_ref().and_then(Pin::hold);
        let times = self.runtime.burst(&mut models, steps)?;
        let times: Vec<f64> = times.into_iter().map(|Milliseconds(ms)| ms).collect();
        self.used_ms += times.iter().sum::<f64>();
        Ok(times)
    }

    /// Loads and warms up a model, whose samples are to be at least `sample_ms` long.
    pub fn place(&mut self, model: Model, sample_ms: f64) -> Result<Candidate, LatencyError> {
        let reference_ms = self.reference()?.0;
        let (loaded, warm_up) = self.load(&model)?;
        let fastest_ms = warm_up.iter().copied().fold(f64::INFINITY, f64::min).max(1e-6);
        let inferences = (SHORTEST_MS / fastest_ms).ceil().max(1.0);
        // A slow runtime's anchor is slow too: samples shorter than it would spend most of the time on the anchor.
        let repeats = (sample_ms.max(reference_ms) / (fastest_ms * inferences))
            .ceil()
            .clamp(1.0, 1000.0);
        Ok(Candidate {
            model,
            loaded: Some(loaded),
            inferences: inferences as u32,
            repeats: repeats as u32,
            sample_ms: fastest_ms * inferences * repeats,
            warm_up: fastest_ms < SLOW_ANCHORS * reference_ms,
            samples: Vec::new(),
            runs: Vec::new(),
            speeds: Vec::new(),
            spent_ms: warm_up.iter().sum(),
        })
    }

    /// A model that is ready to run, and the times of its first runs.
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

    /// Takes `count` more samples of a model, the anchor running before, between and after them.
    pub fn sample(&mut self, candidate: &mut Candidate, count: usize) -> Result<(), LatencyError> {
        let reference_ms = self.reference()?.0;
        let mut loaded = match candidate.loaded.take() {
            Some(loaded) => loaded,
            None => self.load(&candidate.model)?.0,
        };
        let step = Step {
            model: 1,
            inferences: candidate.inferences,
        };
        let repeats = candidate.repeats as usize;
        let anchor = [(Role::WarmUp, ANCHOR_STEP), (Role::Anchor, ANCHOR_STEP)];
        let mut plan = [anchor, anchor].concat();
        for _ in 0..count {
            plan.extend(candidate.warm_up.then_some((Role::WarmUp, step)));
            plan.extend(std::iter::repeat_n((Role::Sample, step), repeats));
            plan.extend(anchor);
        }
        plan.extend(anchor);
        let (roles, steps): (Vec<Role>, Vec<Step>) = plan.into_iter().unzip();
        let times = self.burst(Some(&mut loaded), &steps)?;
        candidate.loaded = Some(loaded);
        let (mut anchors, mut runs) = (Vec::new(), Vec::new());
        for ((role, step), ms) in roles.iter().zip(&steps).zip(times) {
            candidate.spent_ms += if step.model == 1 { ms } else { 0.0 };
            match role {
                Role::WarmUp => {}
                Role::Anchor => anchors.push(ms),
                Role::Sample => runs.push(ms / f64::from(candidate.inferences)),
            }
        }
        for (index, runs) in runs.chunks_mut(repeats).enumerate() {
            // Two anchors before and two after: their median bears an interrupted one, and a steady drift cancels.
            let slowdown = statistics::median(&anchors[index..index + 4]) / reference_ms;
            for ms in runs.iter_mut() {
                *ms /= slowdown;
            }
            candidate.samples.push(statistics::median(runs));
            candidate.speeds.push(1.0 / slowdown);
        }
        candidate.runs.extend(runs);
        Ok(())
    }

    /// Loads a model and samples it until the settings are met.
    pub fn measure(&mut self, model: &Model) -> Result<Measurement, LatencyError> {
        let settings = self.settings.clone();
        let mut candidate = self.place(model.clone(), settings.sample_ms)?;
        self.sample(&mut candidate, settings.min_samples.max(1))?;
        while !candidate.is_settled(&settings) {
            if candidate.is_capped(&settings) {
                self.unsettled += 1;
                break;
            }
            // A few at a time: the anchors at both ends of a burst cost as much as a sample.
            let left = settings.max_samples - candidate.samples.len();
            self.sample(&mut candidate, left.min(settings.min_samples.div_ceil(2)))?;
        }
        Ok(candidate.measurement())
    }
}

impl Candidate {
    /// Frees the model's memory until the next sample, for which it will lie elsewhere.
    pub fn unload(&mut self) {
        self.loaded = None;
    }

    /// What one sample takes, judged by the warm-up.
    pub(crate) fn expected_ms(&self) -> f64 {
        self.sample_ms
    }

    /// Whether the median's interval is as narrow as asked for.
    fn is_settled(&self, settings: &MeasureSettings) -> bool {
        statistics::relative_median_error(&statistics::sorted(&self.samples)) <= settings.relative_error
    }

    /// Whether no more may be spent on it.
    fn is_capped(&self, settings: &MeasureSettings) -> bool {
        self.samples.len() >= settings.max_samples || self.spent_ms >= settings.max_ms
    }

    /// The machine's speed at each sample.
    pub(crate) fn speeds(&self) -> &[f64] {
        &self.speeds
    }

    /// All samples so far, summarised.
    ///
    /// # Panics
    /// If no sample was taken.
    pub fn measurement(&self) -> Measurement {
        self.summary(&self.all())
    }

    /// The samples that were taken while the machine was about this fast, summarised; all of them where none was.
    ///
    /// # Panics
    /// If no sample was taken.
    pub fn measurement_at(&self, usual: f64) -> Measurement {
        self.summary(&self.taken_at(usual))
    }

    fn summary(&self, counted: &[usize]) -> Measurement {
        let repeats = (self.runs.len() / self.samples.len()).max(1);
        let runs: Vec<f64> = counted
            .iter()
            .flat_map(|&sample| &self.runs[repeats * sample..repeats * (sample + 1)])
            .copied()
            .collect();
        let speeds: Vec<f64> = counted.iter().map(|&sample| self.speeds[sample]).collect();
        let sorted = statistics::sorted(&runs);
        Measurement {
            median_ms: statistics::quantile(&sorted, 0.5),
            p10_ms: statistics::quantile(&sorted, 0.1),
            p90_ms: statistics::quantile(&sorted, 0.9),
            runs: self.inferences * runs.len() as u32,
            outliers: statistics::outliers(&sorted),
            speed: statistics::median(&speeds),
        }
    }

    /// The medians of the first and the second half of the samples that count for [`Candidate::measurement_at`]: what they
    /// differ by is noise that no prediction can meet. `None` for fewer than two samples.
    pub fn halves_at(&self, usual: f64) -> Option<(Milliseconds, Milliseconds)> {
        let counted = self.taken_at(usual);
        let (first, second) = counted.split_at(counted.len() / 2);
        let median = |half: &[usize]| {
            let samples: Vec<f64> = half.iter().map(|&sample| self.samples[sample]).collect();
            Milliseconds(statistics::median(&samples))
        };
        (!first.is_empty()).then(|| (median(first), median(second)))
    }

    fn all(&self) -> Vec<usize> {
        (0..self.samples.len()).collect()
    }

    fn taken_at(&self, usual: f64) -> Vec<usize> {
        let mut taken = self.all();
        taken.retain(|&sample| is_usual_state(self.speeds[sample], usual));
        if taken.is_empty() { self.all() } else { taken }
    }
}

#[cfg(test)]
mod tests;
