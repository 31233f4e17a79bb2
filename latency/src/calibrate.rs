//! From layers measured alone to networks.
//!
//! A layer alone finds its code, input and weights in cache, pays once per layer for starting the runtime, and brings its
//! input and output into and out of the form that the runtime computes in; in a network it is the other way round. So the
//! plain sum is off by a fifth, and not evenly. A linear model corrects it, fitted on whole networks that were measured: a
//! scale of the sum, terms for what a layer alone has too much or too little of, and for the weights that a device's caches
//! do not keep from one inference to the next. All terms are always there, and a prior draws them to the plain sum: choosing
//! among sets of terms was less accurate on held-out networks, and its errors flattered. The interval comes from the errors
//! on networks left out, and widens for a network unlike those it was fitted on.

use mnas_space::{ACTIVATION_BYTES, Activation, BlockKey, Cost, Op};

use crate::regression;

/// Number of the model's terms that are sums over layers.
const SUMS: usize = 7;
/// All terms.
const TERMS: usize = SUMS + CACHES.len();

const SUM: usize = 0;
const KERNELS: usize = 1;
const WEIGHTS: usize = 2;
const LAYERS: usize = 3;
const INPUTS: usize = 4;
const OUTPUTS: usize = 5;
const MACS: usize = 6;

/// Megabytes of weights that the caches of this and that device keep from one inference to the next. Those beyond come from
/// further away every time, which no layer alone shows: one term for each.
const CACHES: [f64; 3] = [2.0, 8.0, 32.0];

/// Unit that each term counts; the sum's coefficient is a scale, those of the others are milliseconds for each unit.
const UNITS: [&str; TERMS] = [
    "millisecond of layers measured alone",
    "kernel",
    "megabyte of weights",
    "layer",
    "million values read",
    "million values written",
    "million multiply-adds",
    "megabyte of weights beyond 2",
    "megabyte of weights beyond 8",
    "megabyte of weights beyond 32",
];

/// As many networks does the prior weigh that draws the coefficients to those of the plain sum; a scale alone needs none.
const PRIOR_NETWORKS: f64 = 0.3;

/// Fewer networks than this give a scale only.
const LEAST_NETWORKS: usize = 6;

/// The error that is assumed where no network was measured.
const UNCALIBRATED_ERROR: f64 = 0.20;

/// The least error that is believed, whatever a few networks say: measurements of different days differ by more.
const LEAST_ERROR: f64 = 0.02;

/// The coefficients of the sum as it is.
const PLAIN_SUM: [f64; TERMS] = {
    let mut coefficients = [0.0; TERMS];
    coefficients[SUM] = 1.0;
    coefficients
};

/// Terms of a network: sums over its layers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Terms(pub [f64; SUMS]);

impl Terms {
    /// The sum of the layers' latencies.
    pub fn sum_ms(&self) -> f64 {
        self.0[SUM]
    }

    /// Adds one layer.
    pub fn add(&mut self, ms: f64, facts: LayerFacts) {
        self.0[SUM] += ms;
        for (term, fact) in self.0[SUM + 1..].iter_mut().zip(facts.0) {
            *term += f64::from(fact);
        }
    }
}

/// Terms of a layer besides its latency, in the model's order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LayerFacts([f32; SUMS - 1]);

impl LayerFacts {
    pub fn of(key: &BlockKey) -> Self {
        const MILLION: f32 = 1e6;
        let graph = key.graph();
        // Batch-norm and rectifiers become part of the convolution before them.
        let fused = |op: &Op| {
            matches!(
                op,
                Op::BatchNorm { .. } | Op::Activation(Activation::Relu | Activation::Relu6)
            )
        };
        let cost = Cost::of(&graph);
        let mut facts = [0.0; SUMS - 1];
        let mut set = |term: usize, amount: f32| facts[term - 1] = amount;
        set(
            KERNELS,
            graph.nodes.iter().filter(|node| !fused(&node.op)).count() as f32,
        );
        set(WEIGHTS, (cost.folded_params * ACTIVATION_BYTES) as f32 / MILLION);
        set(LAYERS, 1.0);
        set(INPUTS, graph.input.elements() as f32 / MILLION);
        set(OUTPUTS, graph.output_shape().elements() as f32 / MILLION);
        set(MACS, cost.macs as f32 / MILLION);
        Self(facts)
    }
}

/// A linear correction of the sum of layers.
#[derive(Debug, Clone)]
pub struct Calibration {
    fit: Option<Fit>,
    report: CalibrationReport,
}

/// Errors of a calibration on networks that took no part in it.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationReport {
    /// Networks it was fitted on.
    pub networks: usize,
    /// Scale of the sum of the layers' latencies.
    pub scale: f64,
    /// Milliseconds added for each `unit` of a network, such as a kernel; negative for what layers alone have too much of,
    /// such as starting the runtime once per layer.
    pub corrections: Vec<(&'static str, f64)>,
    /// The relative error of each network when fitted on the others, in their order; empty for fewer than 3.
    pub held_out_errors: Vec<f64>,
    /// Mean of the absolute relative errors of each network when fitted on the others; `None` for fewer than 3.
    pub held_out_mean_error: Option<f64>,
    /// Root mean square of the same; the interval is derived from it.
    pub held_out_rms_error: Option<f64>,
}

impl Calibration {
    /// Fits `(terms, measured milliseconds)` of whole networks.
    pub(crate) fn fit(networks: &[(Terms, f64)]) -> Self {
        let fit = Fit::new(networks);
        // One or two networks give a scale but no idea of its error.
        let errors = fit
            .as_ref()
            .filter(|_| networks.len() > 2)
            .map(|fit| fit.left_out_errors(networks));
        Self::new(fit, networks.len(), errors.as_deref())
    }

    /// The plain sum, for layers whose costs were fitted to whole networks already; `errors` are those of networks left
    /// out of that fit.
    pub(crate) fn plain(errors: &[f64]) -> Self {
        let fit = Fit::plain_sum();
        Self::new(Some(fit), errors.len(), (errors.len() > 2).then_some(errors))
    }

    fn new(fit: Option<Fit>, networks: usize, errors: Option<&[f64]>) -> Self {
        let coefficients = fit.as_ref().map_or(PLAIN_SUM, |fit| fit.coefficients);
        let corrections = UNITS.into_iter().zip(coefficients).skip(SUM + 1);
        let mean = |errors: &[f64]| errors.iter().map(|error| error.abs()).sum::<f64>() / errors.len() as f64;
        let report = CalibrationReport {
            networks,
            scale: coefficients[SUM],
            corrections: corrections.filter(|(_, ms)| *ms != 0.0).collect(),
            held_out_errors: errors.unwrap_or_default().to_vec(),
            held_out_mean_error: errors.map(mean),
            held_out_rms_error: errors.map(rms),
        };
        Self { fit, report }
    }

    /// The latency of a network, and the standard deviation of its relative error if all its layers were measured.
    pub(crate) fn apply(&self, terms: &Terms) -> (f64, f64) {
        let ms = self.ms(terms);
        (ms, self.relative_error(terms, ms))
    }

    /// The latency of a network.
    ///
    /// Never below a fifth of the plain sum: terms may be negative, times not.
    pub(crate) fn ms(&self, terms: &Terms) -> f64 {
        let sum = terms.0[SUM];
        self.fit.as_ref().map_or(sum, |fit| fit.value(terms).max(0.2 * sum))
    }

    fn relative_error(&self, terms: &Terms, ms: f64) -> f64 {
        match (&self.fit, self.report.held_out_rms_error) {
            (Some(fit), Some(rms)) => rms.max(LEAST_ERROR) * (1.0 + fit.leverage(terms, ms)).sqrt(),
            _ => UNCALIBRATED_ERROR,
        }
    }

    /// Latency that a layer with these terms adds to its network, if the network's weights stay in cache.
    pub(crate) fn share(&self, terms: &Terms) -> f64 {
        self.fit
            .as_ref()
            .map_or(terms.0[SUM], |fit| dot(&fit.coefficients, &terms.0))
    }

    /// Its errors on networks left out.
    pub fn report(&self) -> &CalibrationReport {
        &self.report
    }
}

/// Coefficients, and what tells how far a network lies from those they were fitted on.
#[derive(Debug, Clone)]
struct Fit {
    coefficients: [f64; TERMS],
    /// Number of terms in use; the others have the coefficient 0.
    terms: usize,
    /// Cholesky factor of the penalised normal equations.
    lower: Vec<Vec<f64>>,
}

impl Fit {
    /// Relative least squares: every network counts alike, whatever its size. `None` without networks.
    fn new(networks: &[(Terms, f64)]) -> Option<Self> {
        networks.first()?;
        let used = if networks.len() < LEAST_NETWORKS {
            SUM + 1
        } else {
            TERMS
        };
        let row = |(terms, ms): &(Terms, f64)| relative(terms, *ms)[..used].to_vec();
        let rows: Vec<Vec<f64>> = networks.iter().map(row).collect();
        let prior = if used == TERMS { PRIOR_NETWORKS } else { 0.0 };
        // A term that no network has is kept at 0.
        let scales = regression::mean_squares(&rows).into_iter();
        let penalty: Vec<f64> = scales.map(|scale| prior * scale.max(1e-12)).collect();
        let (fitted, lower) = regression::ridge(&rows, &vec![1.0; rows.len()], &PLAIN_SUM[..used], &penalty)?;
        let mut coefficients = [0.0; TERMS];
        coefficients[..used].copy_from_slice(&fitted);
        Some(Self {
            coefficients,
            terms: used,
            lower,
        })
    }

    /// The sum itself, known without doubt.
    fn plain_sum() -> Self {
        Self {
            coefficients: PLAIN_SUM,
            terms: SUM + 1,
            lower: vec![vec![f64::MAX.sqrt()]],
        }
    }

    fn value(&self, terms: &Terms) -> f64 {
        dot(&self.coefficients, &values(terms))
    }

    /// The variance that the coefficients' own uncertainty adds, relative to that of a single network.
    fn leverage(&self, terms: &Terms, ms: f64) -> f64 {
        let row = relative(terms, ms);
        let mut solved = row;
        regression::solve_factored_in_place(&self.lower, &mut solved[..self.terms]);
        dot(&row[..self.terms], &solved[..self.terms])
    }

    /// The relative error of each of the fit's networks when it is fitted on the others, in closed form: a residual grows by
    /// what its own network pulled the fit towards itself.
    fn left_out_errors(&self, networks: &[(Terms, f64)]) -> Vec<f64> {
        let error = |(terms, ms): &(Terms, f64)| (self.value(terms) / ms - 1.0) / (1.0 - self.leverage(terms, *ms));
        networks.iter().map(error).collect()
    }
}

/// The values of all terms for a network.
fn values(terms: &Terms) -> [f64; TERMS] {
    let mut values = [0.0; TERMS];
    values[..SUMS].copy_from_slice(&terms.0);
    for (value, cache) in values[SUMS..].iter_mut().zip(CACHES) {
        *value = (terms.0[WEIGHTS] - cache).max(0.0);
    }
    values
}

/// The same relative to the network's latency.
fn relative(terms: &Terms, ms: f64) -> [f64; TERMS] {
    values(terms).map(|value| value / ms)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn rms(errors: &[f64]) -> f64 {
    (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt()
}

#[cfg(test)]
mod tests;
