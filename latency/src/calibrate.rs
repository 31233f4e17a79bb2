//! Calibration of the sum of single-layer latencies to the latency of whole networks.
//!
//! A layer measured alone has its code, input and weights in cache, but pays the runtime's start-up cost and the conversion
//! of its input and output to the runtime's internal layout; within a network, the opposite holds. The plain sum of layers
//! is therefore wrong by about a fifth, by different amounts for different networks. A linear model corrects it, fitted to
//! measured whole networks: a scale of the sum, terms for the costs that a single layer has in excess or lacks, and terms
//! for weights that the device's caches do not retain between inferences. All terms are always in use, with a prior towards
//! the plain sum: selecting a subset of terms was less accurate on held-out networks, and underestimated its own error. The
//! prediction interval is derived from leave-one-out errors, and is wider for networks unlike the fitted ones.

use mnas_space::{ACTIVATION_BYTES, Activation, BlockKey, Cost, Op};

use crate::regression;

/// Number of terms that are sums over layers.
const SUMS: usize = 7;
/// Number of all terms.
const TERMS: usize = SUMS + CACHES.len();

const SUM: usize = 0;
const KERNELS: usize = 1;
const WEIGHTS: usize = 2;
const LAYERS: usize = 3;
const INPUTS: usize = 4;
const OUTPUTS: usize = 5;
const MACS: usize = 6;

/// Typical capacities of devices' caches, in megabytes of weights, with one term each. Weights beyond the capacity are fetched
/// from slower memory in every inference, a cost that single-layer measurements do not include.
const CACHES: [f64; 3] = [2.0, 8.0, 32.0];

/// Unit of each term. The coefficient of the sum is a scale; the other coefficients are milliseconds per unit.
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

/// Weight of the prior towards the plain sum, in networks; a fit of the scale alone has no prior.
const PRIOR_NETWORKS: f64 = 0.3;

/// Minimum number of networks for fitting all terms; with fewer, only the scale is fitted.
const LEAST_NETWORKS: usize = 6;

/// Relative error assumed if no network was measured.
const UNCALIBRATED_ERROR: f64 = 0.20;

/// Lower bound on the relative error, whatever a few networks suggest: measurements on different days differ by more.
const LEAST_ERROR: f64 = 0.02;
/// Largest leverage that widens an interval: a network with a term that no network of the fit has, such as weights beyond a cache, has an
/// unbounded one. Its interval is five times that of a network like those of the fit.
const MOST_LEVERAGE: f64 = 24.0;

/// Coefficients of the plain sum.
const PLAIN_SUM: [f64; TERMS] = {
    let mut coefficients = [0.0; TERMS];
    coefficients[SUM] = 1.0;
    coefficients
};

/// Terms of a network that are sums over its layers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Terms(pub [f64; SUMS]);

impl Terms {
    /// Sum of the layers' latencies in milliseconds.
    pub fn sum_ms(&self) -> f64 {
        self.0[SUM]
    }

    /// Adds a layer with its latency in milliseconds.
    pub fn add(&mut self, ms: f64, facts: LayerFacts) {
        self.0[SUM] += ms;
        for (term, fact) in self.0[SUM + 1..].iter_mut().zip(facts.0) {
            *term += f64::from(fact);
        }
    }
}

/// Terms of a layer other than its latency, in the model's order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LayerFacts([f32; SUMS - 1]);

impl LayerFacts {
    pub fn of(key: &BlockKey) -> Self {
        const MILLION: f32 = 1e6;
        let graph = key.graph();
        // Runtimes fuse batch-norm and rectifiers into the preceding convolution.
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

/// Linear correction of the sum of layer latencies.
#[derive(Debug, Clone)]
pub struct Calibration {
    fit: Option<Fit>,
    report: CalibrationReport,
}

/// Report of a calibration: its coefficients, and its errors on held-out networks.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationReport {
    /// Number of networks used in the fit.
    pub networks: usize,
    /// Scale of the sum of the layers' latencies.
    pub scale: f64,
    /// Milliseconds added per unit of a network, such as a kernel, as pairs of unit and milliseconds; negative for costs that
    /// only single layers have, such as starting the runtime.
    pub corrections: Vec<(&'static str, f64)>,
    /// Relative error of each network in a fit on the others, in their order; empty for fewer than 3 networks.
    pub held_out_errors: Vec<f64>,
    /// Mean absolute value of `held_out_errors`; `None` for fewer than 3 networks.
    pub held_out_mean_error: Option<f64>,
    /// Root mean square of `held_out_errors`, from which the prediction interval is derived.
    pub held_out_rms_error: Option<f64>,
}

impl Calibration {
    /// Fits the correction to the terms and measured milliseconds of whole networks.
    pub(crate) fn fit(networks: &[(Terms, f64)]) -> Self {
        let fit = Fit::new(networks);
        // One or two networks determine the scale but not its error.
        let errors = fit
            .as_ref()
            .filter(|_| networks.len() > 2)
            .map(|fit| fit.left_out_errors(networks));
        Self::new(fit, networks.len(), errors.as_deref())
    }

    /// Plain sum without correction, for layer costs that were already fitted to whole networks; `errors` are the relative
    /// errors of networks held out of that fit.
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

    /// Latency of a network in milliseconds, and the standard deviation of its relative error if all its layers were measured.
    pub(crate) fn apply(&self, terms: &Terms) -> (f64, f64) {
        let ms = self.ms(terms);
        (ms, self.relative_error(terms, ms))
    }

    /// Latency of a network in milliseconds.
    ///
    /// At least a fifth of the plain sum, since negative terms must not lead to negative times.
    pub(crate) fn ms(&self, terms: &Terms) -> f64 {
        let sum = terms.0[SUM];
        self.fit.as_ref().map_or(sum, |fit| fit.value(terms).max(0.2 * sum))
    }

    fn relative_error(&self, terms: &Terms, ms: f64) -> f64 {
        match (&self.fit, self.report.held_out_rms_error) {
            (Some(fit), Some(rms)) => rms.max(LEAST_ERROR) * (1.0 + fit.leverage(terms, ms).min(MOST_LEVERAGE)).sqrt(),
            _ => UNCALIBRATED_ERROR,
        }
    }

    /// Latency in milliseconds that a layer with these terms adds to its network, if the network's weights stay in cache.
    pub(crate) fn share(&self, terms: &Terms) -> f64 {
        self.fit
            .as_ref()
            .map_or(terms.0[SUM], |fit| dot(&fit.coefficients, &terms.0))
    }

    /// Coefficients, and errors on held-out networks.
    pub fn report(&self) -> &CalibrationReport {
        &self.report
    }
}

/// Fitted coefficients, with the factor from which the uncertainty of a prediction is computed.
#[derive(Debug, Clone)]
struct Fit {
    coefficients: [f64; TERMS],
    /// Number of terms in use; the others have the coefficient 0.
    terms: usize,
    /// Cholesky factor of the penalised normal equations.
    lower: Vec<Vec<f64>>,
}

impl Fit {
    /// Fits by relative least squares, in which all networks have the same weight whatever their latency. `None` without
    /// networks.
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
        // The penalty keeps the coefficient of a term that no network has at 0.
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

    /// Plain sum without uncertainty.
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

    /// Variance of the prediction due to the uncertainty of the coefficients, relative to the variance of a single network.
    fn leverage(&self, terms: &Terms, ms: f64) -> f64 {
        let row = relative(terms, ms);
        let mut solved = row;
        regression::solve_factored_in_place(&self.lower, &mut solved[..self.terms]);
        dot(&row[..self.terms], &solved[..self.terms])
    }

    /// Leave-one-out relative error of each network of the fit, in closed form from its residual and leverage.
    fn left_out_errors(&self, networks: &[(Terms, f64)]) -> Vec<f64> {
        let error = |(terms, ms): &(Terms, f64)| (self.value(terms) / ms - 1.0) / (1.0 - self.leverage(terms, *ms));
        networks.iter().map(error).collect()
    }
}

/// Values of all terms of a network.
fn values(terms: &Terms) -> [f64; TERMS] {
    let mut values = [0.0; TERMS];
    values[..SUMS].copy_from_slice(&terms.0);
    for (value, cache) in values[SUMS..].iter_mut().zip(CACHES) {
        *value = (terms.0[WEIGHTS] - cache).max(0.0);
    }
    values
}

/// Values of all terms of a network, divided by its latency.
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
