//! From layers measured alone to networks.
//!
//! A layer alone finds its input and weights in cache, pays for starting the runtime once per inference, and for
//! bringing feature maps into the runtime's own layout and back; in a network it does not. So the plain sum is off by a
//! fifth, and not evenly. A linear model corrects it, fitted on whole networks that were measured: a scale of the sum, and
//! where it helps on networks left out, terms for the number of operations (code and buffers that are cold in a network),
//! the bytes of weights (likewise), and the bytes of feature maps that cross from layer to layer.

use mnas_space::{ACTIVATION_BYTES, BlockKey, Cost, Op};

use crate::regression;

/// The terms of the model: the sum of the layers' latencies, the number of their operations, the megabytes of their
/// weights, and the megabytes of the feature maps between them.
const TERMS: usize = 4;

/// What calibration sees of a network, and what was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Terms(pub [f64; TERMS]);

impl Terms {
    /// One layer's share.
    pub fn add(&mut self, ms: f64, facts: LayerFacts) {
        self.0[0] += ms;
        self.0[1] += f64::from(facts.operations);
        self.0[2] += f64::from(facts.weight_megabytes);
        self.0[3] += f64::from(facts.boundary_megabytes);
    }
}

/// What calibration needs to know of a layer besides its latency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LayerFacts {
    /// Batch-norm, which is folded, left out.
    pub operations: f32,
    pub weight_megabytes: f32,
    pub boundary_megabytes: f32,
}

impl LayerFacts {
    pub fn of(key: &BlockKey) -> Self {
        let graph = key.graph();
        let bytes = |count: u64| (count * ACTIVATION_BYTES) as f32 / 1e6;
        let operations = graph
            .nodes
            .iter()
            .filter(|node| !matches!(node.op, Op::BatchNorm { .. }))
            .count();
        Self {
            operations: operations as f32,
            weight_megabytes: bytes(Cost::of(&graph).folded_params),
            boundary_megabytes: bytes(graph.input.elements() + graph.output_shape().elements()),
        }
    }
}

/// The sets of terms that are tried, simplest first.
const MODELS: [&[usize]; 6] = [&[0], &[0, 1], &[0, 2], &[0, 1, 2], &[0, 2, 3], &[0, 1, 2, 3]];

/// A larger model must lower the error on networks left out by this share to be chosen.
const WORTH: f64 = 0.05;

/// The error that is assumed where no network was measured.
const UNCALIBRATED_ERROR: f64 = 0.20;

/// A linear correction of the sum of layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    coefficients: [f64; TERMS],
    report: CalibrationReport,
}

/// How good a calibration is, judged on networks that took no part in it.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationReport {
    /// Networks it was fitted on.
    pub networks: usize,
    /// Scale of the sum of the layers' latencies.
    pub scale: f64,
    /// Time added per operation.
    pub per_operation_ms: f64,
    /// Time added per megabyte of weights.
    pub per_weight_megabyte_ms: f64,
    /// Time added per megabyte of feature maps that enter and leave the layers.
    pub per_boundary_megabyte_ms: f64,
    /// Mean of the absolute relative errors of each network when fitted on the others; `None` for fewer than 3.
    pub held_out_mean_error: Option<f64>,
    /// Root mean square of the same; the interval is derived from it.
    pub held_out_rms_error: Option<f64>,
}

impl Calibration {
    /// Fits `(terms, measured milliseconds)` of whole networks, the model chosen by leave-one-out error.
    pub(crate) fn fit(networks: &[(Terms, f64)]) -> Self {
        let mut best: Option<(f64, [f64; TERMS], Vec<f64>)> = None;
        for model in MODELS.iter().filter(|model| networks.len() >= 3 * model.len()) {
            let Some(coefficients) = fit_model(networks, model) else {
                continue;
            };
            let errors: Vec<f64> = (0..networks.len())
                .filter_map(|left_out| left_out_error(networks, model, left_out))
                .collect();
            if errors.len() < networks.len() {
                continue;
            }
            let error = rms(&errors);
            if best
                .as_ref()
                .is_none_or(|(best_error, ..)| error < best_error * (1.0 - WORTH))
            {
                best = Some((error, coefficients, errors));
            }
        }
        if let Some((error, coefficients, errors)) = best {
            let mean = errors.iter().map(|error| error.abs()).sum::<f64>() / errors.len() as f64;
            return Self::new(coefficients, networks.len(), Some((mean, error)));
        }
        // One or two networks give a scale but no idea of its error.
        let scale = fit_model(networks, MODELS[0]).filter(|_| !networks.is_empty());
        Self::new(scale.unwrap_or([1.0, 0.0, 0.0, 0.0]), networks.len(), None)
    }

    fn new(coefficients: [f64; TERMS], networks: usize, held_out: Option<(f64, f64)>) -> Self {
        let [
            scale,
            per_operation_ms,
            per_weight_megabyte_ms,
            per_boundary_megabyte_ms,
        ] = coefficients;
        let report = CalibrationReport {
            networks,
            scale,
            per_operation_ms,
            per_weight_megabyte_ms,
            per_boundary_megabyte_ms,
            held_out_mean_error: held_out.map(|(mean, _)| mean),
            held_out_rms_error: held_out.map(|(_, rms)| rms),
        };
        Self { coefficients, report }
    }

    /// The latency of a network. Never below a fifth of the plain sum: terms may be negative, times not.
    pub(crate) fn apply(&self, terms: &Terms) -> f64 {
        dot(&self.coefficients, &terms.0).max(0.2 * terms.0[0])
    }

    /// Standard deviation of the relative error to expect of a network whose layers were all measured.
    pub(crate) fn relative_error(&self) -> f64 {
        let n = self.report.networks as f64;
        // Few networks tell little about the error: widen as Student's t does beside the normal distribution.
        self.report
            .held_out_rms_error
            .map_or(UNCALIBRATED_ERROR, |rms| rms.max(0.01) * (1.0 + 2.0 / n))
    }

    /// How good it is.
    pub fn report(&self) -> &CalibrationReport {
        &self.report
    }
}

fn dot(a: &[f64; TERMS], b: &[f64; TERMS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn rms(errors: &[f64]) -> f64 {
    (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt()
}

/// Relative least squares: every network counts alike, whatever its size.
fn fit_model(networks: &[(Terms, f64)], model: &[usize]) -> Option<[f64; TERMS]> {
    let rows: Vec<Vec<f64>> = networks
        .iter()
        .map(|(terms, ms)| model.iter().map(|term| terms.0[*term] / ms).collect())
        .collect();
    let ones = vec![1.0; rows.len()];
    // A light pull to the plain sum, relative to each column's size.
    let sizes: Vec<f64> = (0..model.len())
        .map(|column| rows.iter().map(|row| row[column].powi(2)).sum::<f64>())
        .collect();
    let penalty: Vec<f64> = sizes.iter().map(|size| 1e-2 * size + 1e-9).collect();
    let prior: Vec<f64> = model.iter().map(|term| if *term == 0 { 1.0 } else { 0.0 }).collect();
    let fitted = regression::ridge(&rows, &ones, &prior, &penalty)?;
    let mut coefficients = [0.0; TERMS];
    for (term, value) in model.iter().zip(fitted) {
        coefficients[*term] = value;
    }
    Some(coefficients)
}

fn left_out_error(networks: &[(Terms, f64)], model: &[usize], left_out: usize) -> Option<f64> {
    let others: Vec<(Terms, f64)> = networks
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != left_out)
        .map(|(_, network)| *network)
        .collect();
    let coefficients = fit_model(&others, model)?;
    let (terms, ms) = networks[left_out];
    Some(dot(&coefficients, &terms.0) / ms - 1.0)
}

#[cfg(test)]
mod tests;
