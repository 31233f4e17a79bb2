//! Measuring on a machine that is not quiet.
//!
//! A machine's speed drifts (turbo, heat, other programs) by more than the differences to be measured. So a fixed
//! small network, the *anchor*, runs between all samples of a model, and each sample is divided by how much slower
//! than its *reference time* the anchor ran just before and after. What remains is noise; samples are taken until
//! the confidence interval of their median is narrow enough, or a cap on samples or time is hit. Interruptions
//! are neither hidden nor harmful: they are counted, and the median does not feel them.

use mnas_space::Architecture;

use crate::duration::Milliseconds;
use crate::error::LatencyError;
use crate::runtime::{LoadedModel, Model, Runtime};
use crate::statistics;

/// The anchor: a small MobileNet with every kind of operation. Never changed, since tables keep its reference time.
pub const ANCHOR: &str = "in128,conv_k3_s2_c16_nhs,ds_k3_s2_c24_nre,ir_k3_s2_e4_c40_nr6,ir_k5_e4_c40_se0.25_nhs,\
    ir_k3_s2_e6_c80_nhs,ir_k3_e6_c80_nhs,conv_k1_c480_nhs,head_o100";

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

impl<'r> Bench<'r> {
    /// Prepares the anchor. `reference_ms` is the reference time of an existing table; without one it is measured
    /// when it is first needed.
    pub fn new(
        runtime: &'r mut dyn Runtime,
        settings: MeasureSettings,
        reference_ms: Option<f64>,
    ) -> Result<Self, LatencyError> {
        let model = Model {
            name: "anchor".to_owned(),
            graph: anchor().graph(),
        };
        let mut anchor = runtime.load(&model)?;
        let mut used_ms = 0.0;
        for _ in 0..settings.warm_up_runs.max(3) {
            used_ms += anchor.run(1)?.0;
        }
        Ok(Self {
            runtime,
            anchor,
            reference_ms,
            settings,
            used_ms,
        })
    }

    /// Time that models and anchor have run so far, by the runtime's clock.
    pub fn used(&self) -> Milliseconds {
        Milliseconds(self.used_ms)
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
        while self.used_ms < end_ms || runs.len() < 20 {
            runs.push(self.run_anchor()?);
        }
        let reference_ms = statistics::quantile(&statistics::sorted(&runs), 0.2);
        self.reference_ms = Some(reference_ms);
        Ok(Milliseconds(reference_ms))
    }

    /// One time of the anchor. It runs once before: whatever ran last has pushed it out of the caches, a large model
    /// more than a small one, and the anchor is to tell the machine's speed, not its neighbour's size.
    fn run_anchor(&mut self) -> Result<f64, LatencyError> {
        let warm_up_ms = self.anchor.run(1)?.0;
        let ms = self.anchor.run(1)?.0;
        self.used_ms += warm_up_ms + ms;
        Ok(ms)
    }

    /// Loads and warms up a model.
    pub fn place(&mut self, model: &Model) -> Result<Candidate, LatencyError> {
        let mut loaded = self.runtime.load(model)?;
        let mut fastest_ms = f64::INFINITY;
        let mut spent_ms = 0.0;
        for _ in 0..self.settings.warm_up_runs.max(1) {
            let ms = loaded.run(1)?.0;
            spent_ms += ms;
            fastest_ms = fastest_ms.min(ms);
        }
        self.used_ms += spent_ms;
        let fastest_ms = fastest_ms.max(1e-6);
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
            spent_ms,
        })
    }

    /// Takes `count` more samples of a model, the anchor running before, between and after them.
    pub fn sample(&mut self, candidate: &mut Candidate, count: usize) -> Result<(), LatencyError> {
        let reference_ms = self.reference()?.0;
        let mut anchors = vec![self.run_anchor()?, self.run_anchor()?];
        let first = candidate.runs.len();
        for _ in 0..count {
            for _ in 0..candidate.repeats {
                let ms = candidate.model.run(candidate.inferences)?.0;
                self.used_ms += ms;
                candidate.spent_ms += ms;
                candidate.runs.push(ms / f64::from(candidate.inferences));
            }
            anchors.push(self.run_anchor()?);
        }
        anchors.push(self.run_anchor()?);
        for (index, runs) in candidate.runs[first..]
            .chunks_mut(candidate.repeats as usize)
            .enumerate()
        {
            // Two anchors before and two after: their median bears an interrupted one, and a steady drift cancels.
            let slowdown = statistics::median(&anchors[index..index + 4]) / reference_ms;
            for ms in runs.iter_mut() {
                *ms /= slowdown;
            }
            candidate.samples.push(statistics::median(runs));
            candidate.speeds.push(1.0 / slowdown);
        }
        Ok(())
    }

    /// Loads a model and samples it until the settings are met.
    pub fn measure(&mut self, model: &Model) -> Result<Measurement, LatencyError> {
        let mut candidate = self.place(model)?;
        let settings = self.settings.clone();
        self.sample(&mut candidate, settings.min_samples.max(1))?;
        while !candidate.is_done(&settings) {
            // A few at a time: the anchors at both ends of a burst cost as much as a sample.
            let left = settings.max_samples - candidate.samples.len();
            self.sample(&mut candidate, left.min(settings.min_samples.div_ceil(2)))?;
        }
        Ok(candidate.measurement())
    }
}

impl Candidate {
    fn is_done(&self, settings: &MeasureSettings) -> bool {
        self.samples.len() >= settings.max_samples
            || self.spent_ms >= settings.max_ms
            || statistics::relative_median_error(&statistics::sorted(&self.samples)) <= settings.relative_error
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
