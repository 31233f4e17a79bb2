//! From layers measured alone to networks.
//!
//! A layer alone finds its code, input and weights in cache, and pays once per layer for starting the runtime; in a
//! network it is the other way round. So the plain sum is off by a fifth, and not evenly. A linear model corrects it,
//! fitted on whole networks that were measured: a scale of the sum and, where they help on networks left out, terms for
//! the number of kernels that run, the bytes of weights, and the number of layers. Its interval comes from the errors on
//! networks left out, and widens for a network unlike those it was fitted on.

use mnas_space::{ACTIVATION_BYTES, Activation, BlockKey, Cost, Op};

use crate::regression;

/// The terms of the model: the sum of the layers' latencies, the number of kernels, the megabytes of weights, and the
/// number of layers.
const TERMS: usize = 4;

/// The sets of terms that are tried, simplest first.
const MODELS: [&[usize]; 5] = [&[0], &[0, 1], &[0, 2], &[0, 1, 2], &[0, 1, 2, 3]];

/// A larger model must lower the error on networks left out by this share to be chosen.
const WORTH: f64 = 0.05;

/// How strongly coefficients are drawn to those of the plain sum, relative to what the networks say.
const PENALTY: f64 = 1e-2;

/// The error that is assumed where no network was measured.
const UNCALIBRATED_ERROR: f64 = 0.20;

/// The least error that is believed, whatever a few networks say.
const LEAST_ERROR: f64 = 0.01;

/// What calibration sees of a network.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Terms(pub [f64; TERMS]);

impl Terms {
    /// Adds one layer.
    pub fn add(&mut self, ms: f64, facts: LayerFacts) {
        self.0[0] += ms;
        self.0[1] += f64::from(facts.kernels);
        self.0[2] += f64::from(facts.weight_megabytes);
        self.0[3] += 1.0;
    }
}

/// What calibration needs to know of a layer besides its latency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LayerFacts {
    /// Operations that run by themselves: batch-norm and rectifiers become part of the convolution before them.
    pub kernels: f32,
    pub weight_megabytes: f32,
}

impl LayerFacts {
    pub fn of(key: &BlockKey) -> Self {
        let graph = key.graph();
        let fused = |op: &Op| {
            matches!(
                op,
                Op::BatchNorm { .. } | Op::Activation(Activation::Relu | Activation::Relu6)
            )
        };
        Self {
            kernels: graph.nodes.iter().filter(|node| !fused(&node.op)).count() as f32,
            weight_megabytes: (Cost::of(&graph).folded_params * ACTIVATION_BYTES) as f32 / 1e6,
        }
    }
}

/// A linear correction of the sum of layers.
#[derive(Debug, Clone)]
pub struct Calibration {
    fit: Option<Fit>,
    report: CalibrationReport,
}

/// How good a calibration is, judged on networks that took no part in it.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationReport {
    /// Networks it was fitted on.
    pub networks: usize,
    /// Scale of the sum of the layers' latencies.
    pub scale: f64,
    /// Time added per kernel.
    pub per_kernel_ms: f64,
    /// Time added per megabyte of weights.
    pub per_weight_megabyte_ms: f64,
    /// Time added per layer; negative where starting the runtime once per layer is what the sum has too much.
    pub per_layer_ms: f64,
    /// Mean of the absolute relative errors of each network when fitted on the others; `None` for fewer than 3.
    pub held_out_mean_error: Option<f64>,
    /// Root mean square of the same; the interval is derived from it.
    pub held_out_rms_error: Option<f64>,
}

impl Calibration {
    /// Fits `(terms, measured milliseconds)` of whole networks, the model chosen by leave-one-out error.
    pub(crate) fn fit(networks: &[(Terms, f64)]) -> Self {
        let mut best: Option<(Fit, Vec<f64>)> = None;
        for model in MODELS.iter().filter(|model| networks.len() >= 3 * model.len()) {
            let fits = Fit::new(networks, model).zip(left_out_errors(networks, model));
            let Some((fit, errors)) = fits else { continue };
            if best
                .as_ref()
                .is_none_or(|(_, least)| rms(&errors) < rms(least) * (1.0 - WORTH))
            {
                best = Some((fit, errors));
            }
        }
        match best {
            Some((fit, errors)) => Self::new(Some(fit), networks.len(), Some(&errors)),
            // One or two networks give a scale but no idea of its error.
            None => Self::new(Fit::new(networks, MODELS[0]), networks.len(), None),
        }
    }

    /// The plain sum, for layers whose costs were fitted to whole networks already; `errors` are those of networks left
    /// out of that fit.
    pub(crate) fn plain(errors: &[f64]) -> Self {
        let fit = Fit::plain_sum();
        Self::new(Some(fit), errors.len(), (errors.len() > 2).then_some(errors))
    }

    fn new(fit: Option<Fit>, networks: usize, errors: Option<&[f64]>) -> Self {
        let plain_sum = [1.0, 0.0, 0.0, 0.0];
        let [scale, per_kernel_ms, per_weight_megabyte_ms, per_layer_ms] =
            fit.as_ref().map_or(plain_sum, |fit| fit.coefficients);
        let mean = |errors: &[f64]| errors.iter().map(|error| error.abs()).sum::<f64>() / errors.len() as f64;
        let report = CalibrationReport {
            networks,
            scale,
            per_kernel_ms,
            per_weight_megabyte_ms,
            per_layer_ms,
            held_out_mean_error: errors.map(mean),
            held_out_rms_error: errors.map(rms),
        };
        Self { fit, report }
    }

    /// The latency of a network, and the standard deviation of its relative error if all its layers were measured.
    ///
    /// Never below a fifth of the plain sum: terms may be negative, times not.
    pub(crate) fn apply(&self, terms: &Terms) -> (f64, f64) {
        let Some(fit) = &self.fit else {
            return (terms.0[0], UNCALIBRATED_ERROR);
        };
        let ms = fit.value(terms).max(0.2 * terms.0[0]);
        let Some(rms) = self.report.held_out_rms_error else {
            return (ms, UNCALIBRATED_ERROR);
        };
        (ms, rms.max(LEAST_ERROR) * (1.0 + fit.leverage(terms, ms)).sqrt())
    }

    /// What layers with these terms add to the latency of the network they stand in.
    pub(crate) fn share(&self, terms: &Terms) -> f64 {
        self.fit.as_ref().map_or(terms.0[0], |fit| fit.value(terms))
    }

    /// How good it is.
    pub fn report(&self) -> &CalibrationReport {
        &self.report
    }
}

/// One model's coefficients, and what tells how far a network lies from those it was fitted on.
#[derive(Debug, Clone)]
struct Fit {
    model: &'static [usize],
    coefficients: [f64; TERMS],
    /// Cholesky factor of the penalised normal equations.
    lower: Vec<Vec<f64>>,
}

impl Fit {
    /// Relative least squares: every network counts alike, whatever its size. `None` without networks.
    fn new(networks: &[(Terms, f64)], model: &'static [usize]) -> Option<Self> {
        let rows: Vec<Vec<f64>> = networks.iter().map(|(terms, ms)| relative(terms, *ms, model)).collect();
        let size = |column: usize| rows.iter().map(|row| row[column].powi(2)).sum::<f64>();
        let penalty: Vec<f64> = (0..model.len()).map(|column| PENALTY * size(column)).collect();
        let prior: Vec<f64> = model.iter().map(|term| if *term == 0 { 1.0 } else { 0.0 }).collect();
        let (fitted, lower) = regression::ridge(&rows, &vec![1.0; rows.len()], &prior, &penalty)?;
        let mut coefficients = [0.0; TERMS];
        for (term, value) in model.iter().zip(fitted) {
            coefficients[*term] = value;
        }
        Some(Self {
            model,
            coefficients,
            lower,
        })
    }

    /// The sum itself, known without doubt.
    fn plain_sum() -> Self {
        Self {
            model: MODELS[0],
            coefficients: [1.0, 0.0, 0.0, 0.0],
            lower: vec![vec![f64::MAX.sqrt()]],
        }
    }

    fn value(&self, terms: &Terms) -> f64 {
        self.coefficients
            .iter()
            .zip(&terms.0)
            .map(|(coefficient, term)| coefficient * term)
            .sum()
    }

    /// The variance that the coefficients' own uncertainty adds, relative to that of a single network.
    fn leverage(&self, terms: &Terms, ms: f64) -> f64 {
        let row = relative(terms, ms, self.model);
        let solved = regression::solve_factored(&self.lower, &row);
        row.iter().zip(&solved).map(|(x, y)| x * y).sum()
    }
}

fn relative(terms: &Terms, ms: f64, model: &[usize]) -> Vec<f64> {
    model.iter().map(|term| terms.0[*term] / ms).collect()
}

fn rms(errors: &[f64]) -> f64 {
    (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt()
}

/// The relative error of each network when the model is fitted on the others.
fn left_out_errors(networks: &[(Terms, f64)], model: &'static [usize]) -> Option<Vec<f64>> {
    let error = |left_out: usize| {
        let others = networks.iter().enumerate().filter(|(index, _)| *index != left_out);
        let others: Vec<(Terms, f64)> = others.map(|(_, network)| *network).collect();
        let (terms, ms) = networks[left_out];
        Fit::new(&others, model).map(|fit| fit.value(&terms) / ms - 1.0)
    };
    (0..networks.len()).map(error).collect()
}

#[cfg(test)]
mod tests;
