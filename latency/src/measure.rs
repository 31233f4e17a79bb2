//! Measuring on a machine that is not quiet.
//!
//! A machine's speed drifts (turbo, heat, other programs) by more than the differences to be measured. So a fixed
//! small network, the *anchor*, runs between all samples of a model, and each sample is divided by how much slower
//! than its *reference time* the anchor ran just before and after. What remains is noise; samples are taken until
//! the confidence interval of their median is narrow enough, or a cap on samples or time is hit. Interruptions
//! are neither hidden nor harmful: they are counted, and the median does not feel them.
//!
//! While a bench exists, the thread that made it stays on the processor it is on, where the system allows it.

mod conditions;
mod pin;
mod warning;

pub use conditions::Conditions;
pub use warning::Warning;

use mnas_space::Architecture;

use crate::duration::Milliseconds;
use crate::error::LatencyError;
use crate::runtime::{LoadedModel, Model, ModelContent, Runtime, Step};
use crate::statistics;
use pin::Pin;

/// Keeps the calling thread on the processor it is on, in a program that does nothing but measure.
pub(crate) fn pin_for_good(threads: usize) {
    std::mem::forget(Pin::new(threads));
}

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
            relative_error: 0.02,
            min_samples: 9,
            max_samples: 31,
            max_ms: 20.0,
            reference_ms: 500.0,
            pin: true,
        }
    }

    /// About 150 ms for a layer: a table for the record.
    pub fn thorough() -> Self {
        Self {
            warm_up_runs: 5,
            sample_ms: 0.5,
            relative_error: 0.005,
            min_samples: 25,
            max_samples: 151,
            max_ms: 150.0,
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
    _pin: Option<Pin>,
}

/// A model on the bench, with the samples taken so far.
pub struct Candidate {
    model: Box<dyn LoadedModel>,
    /// Inferences timed together, so that the clock's own grain does not count.
    inferences: u32,
    /// How often that is done in one sample.
    repeats: u32,
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

/// Runs before the timed one of the anchor: whatever ran last has pushed it out of the caches, a large model more than
/// a small one, and the anchor is to tell the machine's speed, not its neighbour's size.
const ANCHOR_WARM_UP: Step = Step {
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
        let pin = settings.pin.then(|| Pin::new(runtime.pinnable_threads())).flatten();
        let model = Model {
            name: ANCHOR_NAME.to_owned(),
            content: ModelContent::Graph(anchor().graph()),
        };
        let anchor = runtime.load(&model)?;
        let mut bench = Self {
            runtime,
            anchor,
            reference_ms,
            settings,
            used_ms: 0.0,
            unsettled: 0,
            _pin: pin,
        };
        let warm_up_runs = bench.settings.warm_up_runs.max(3) as usize;
        bench.burst(None, &vec![ANCHOR_WARM_UP; warm_up_runs])?;
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
            let times = self.burst(None, &[ANCHOR_WARM_UP; 2 * REFERENCE_BURST])?;
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
        let times = self.runtime.burst(&mut models, steps)?;
        let times: Vec<f64> = times.into_iter().map(|Milliseconds(ms)| ms).collect();
        self.used_ms += times.iter().sum::<f64>();
        Ok(times)
    }

    /// Loads and warms up a model.
    pub fn place(&mut self, model: &Model) -> Result<Candidate, LatencyError> {
        let mut loaded = self.runtime.load(model)?;
        let step = Step {
            model: 1,
            inferences: 1,
        };
        let warm_up = self.burst(
            Some(&mut loaded),
            &vec![step; self.settings.warm_up_runs.max(1) as usize],
        )?;
        let fastest_ms = warm_up.iter().copied().fold(f64::INFINITY, f64::min).max(1e-6);
        let inferences = (SHORTEST_MS / fastest_ms).ceil().max(1.0);
        let repeats = (self.settings.sample_ms / (fastest_ms * inferences))
            .ceil()
            .clamp(1.0, 1000.0);
        Ok(Candidate {
            model: loaded,
            inferences: inferences as u32,
            repeats: repeats as u32,
            samples: Vec::new(),
            runs: Vec::new(),
            speeds: Vec::new(),
            spent_ms: warm_up.iter().sum(),
        })
    }

    /// Takes `count` more samples of a model, the anchor running before, between and after them.
    pub fn sample(&mut self, candidate: &mut Candidate, count: usize) -> Result<(), LatencyError> {
        let reference_ms = self.reference()?.0;
        let step = Step {
            model: 1,
            inferences: candidate.inferences,
        };
        let repeats = candidate.repeats as usize;
        let anchor = [ANCHOR_WARM_UP; 2];
        let mut steps = [anchor, anchor].concat();
        for _ in 0..count {
            steps.extend(std::iter::repeat_n(step, repeats));
            steps.extend(anchor);
        }
        steps.extend(anchor);
        let times = self.burst(Some(&mut candidate.model), &steps)?;
        let (mut anchors, mut runs) = (Vec::new(), Vec::new());
        let mut warm = false;
        for (step, ms) in steps.iter().zip(times) {
            if step.model == 1 {
                candidate.spent_ms += ms;
                runs.push(ms / f64::from(candidate.inferences));
            } else {
                if warm {
                    anchors.push(ms);
                }
                warm = !warm;
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
        let mut candidate = self.place(model)?;
        let settings = self.settings.clone();
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
    /// Whether the median's interval is as narrow as asked for.
    fn is_settled(&self, settings: &MeasureSettings) -> bool {
        statistics::relative_median_error(&statistics::sorted(&self.samples)) <= settings.relative_error
    }

    /// Whether no more may be spent on it.
    fn is_capped(&self, settings: &MeasureSettings) -> bool {
        self.samples.len() >= settings.max_samples || self.spent_ms >= settings.max_ms
    }

    /// The samples so far, summarised.
    ///
    /// # Panics
    /// If no sample was taken.
    pub fn measurement(&self) -> Measurement {
        let sorted = statistics::sorted(&self.runs);
        Measurement {
            median_ms: statistics::quantile(&sorted, 0.5),
            p10_ms: statistics::quantile(&sorted, 0.1),
            p90_ms: statistics::quantile(&sorted, 0.9),
            runs: self.inferences * self.runs.len() as u32,
            outliers: statistics::outliers(&sorted),
            speed: statistics::median(&self.speeds),
        }
    }
}

#[cfg(test)]
mod tests;
