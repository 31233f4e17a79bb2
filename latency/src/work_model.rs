//! Linear model of a network's work, fitted jointly to layers and whole networks, for tables of published figures.
//!
//! A measured table has hundreds of layers, enough to model the residual of a sum over operations by a Gaussian process
//! ([`crate::CostModel`]). Published figures consist of a few dozen layers at one resolution and a few whole networks of
//! other widths, resolutions and layers, so that extrapolation matters most. The latency is therefore a plain sum over
//! operations (multiply-adds by kind of convolution, values moved, weights, values of elementwise operations) with
//! non-negative coefficients, and layers and whole networks are equations for the same coefficients. On held-out
//! published latencies of MobileNetV2 and V3 on a Pixel 1, its mean error is about half that of the Gaussian process with
//! a calibration on the same networks.
//!
//! Rectifiers are considered part of the preceding convolution; hard-swish and swish cost extra. An operation that does
//! not occur in the figures is assumed to cost as much as the most expensive of the similar operations, with a larger
//! error.

use std::collections::BTreeMap;

use mnas_space::{Activation, Architecture, BlockKey, Graph, Op};

use crate::cost_model::Estimate;
use crate::regression;

/// Weight of a layer's equation relative to a network's; lower, since the purpose is to predict networks.
const LAYER_WEIGHT: f64 = 0.2;

/// Relative error assumed for a layer with operations that do not occur in the figures.
const UNSEEN_ERROR: f64 = 0.4;

/// Number of kinds of work. Units are millions of multiply-adds, values or weights.
const KINDS: usize = 12;

const POINTWISE_MACS: usize = 0;
const POINTWISE_VALUES: usize = 1;
const POINTWISE_WEIGHTS: usize = 2;
const FULL_MACS: usize = 3;
const DEPTHWISE_MACS: usize = 4;
/// Multiply-adds of depthwise convolutions with a stride above 1, which are also part of [`DEPTHWISE_MACS`].
const DEPTHWISE_STRIDED_MACS: usize = 5;
const DEPTHWISE_VALUES: usize = 6;
/// Multiply-adds of fully connected layers, including those of squeeze-excite.
const CONNECTED_MACS: usize = 7;
const POOLED_VALUES: usize = 8;
/// Values of elementwise operations, such as additions and multiplications.
const ELEMENTWISE_VALUES: usize = 9;
const HARD_SWISH_VALUES: usize = 10;
/// Values of swish and GELU.
const SWISH_VALUES: usize = 11;

/// Groups of similar kinds; a kind that does not occur in the figures takes the highest cost in its group.
const ALIKE: [&[usize]; 2] = [
    &[POINTWISE_MACS, FULL_MACS, DEPTHWISE_MACS, CONNECTED_MACS],
    &[POOLED_VALUES, ELEMENTWISE_VALUES, HARD_SWISH_VALUES, SWISH_VALUES],
];

type Work = [f64; KINDS];

/// Linear model with a cost for each kind of work.
#[derive(Debug, Clone)]
pub(crate) struct WorkModel {
    costs: Work,
    unseen: [bool; KINDS],
    layer_error: f64,
    network_errors: Vec<f64>,
}

impl WorkModel {
    /// Fits layers and networks with their latencies in milliseconds.
    pub fn fit(layers: &[(BlockKey, f64)], networks: &[(&Architecture, f64)]) -> Self {
        let layers: Vec<(Work, f64)> = layers.iter().map(|(key, ms)| (work(key), *ms)).collect();
        let equations: Vec<(Work, f64)> = networks.iter().map(|(network, ms)| (total(network), *ms)).collect();
        let (costs, unseen) = fit(&layers, &equations);
        let error = |costs: &Work, (work, ms): &(Work, f64)| cost(costs, work) / ms - 1.0;
        // Networks of one form differ only in width and resolution: leaving out a single one would underestimate the error.
        let mut forms = BTreeMap::<_, Vec<usize>>::new();
        for (index, (network, _)) in networks.iter().enumerate() {
            forms.entry(form(network)).or_default().push(index);
        }
        let mut network_errors = vec![0.0; networks.len()];
        for left_out in forms.values().filter(|_| forms.len() > 1) {
            let others = equations
                .iter()
                .enumerate()
                .filter(|(index, _)| !left_out.contains(index));
            let others: Vec<(Work, f64)> = others.map(|(_, equation)| *equation).collect();
            let (costs, _) = fit(&layers, &others);
            for &index in left_out {
                network_errors[index] = error(&costs, &equations[index]);
            }
        }
        let squares: f64 = layers.iter().map(|layer| error(&costs, layer).powi(2)).sum();
        Self {
            costs,
            unseen,
            layer_error: (squares / layers.len().max(1) as f64).sqrt().max(0.01),
            network_errors,
        }
    }

    /// Estimates the latency of a layer within a network.
    pub fn estimate(&self, key: &BlockKey) -> Estimate {
        let work = work(key);
        let is_unseen = work
            .iter()
            .zip(self.unseen)
            .any(|(amount, unseen)| unseen && *amount > 0.0);
        Estimate {
            ms: cost(&self.costs, &work).max(1e-4),
            relative_error: if is_unseen { UNSEEN_ERROR } else { self.layer_error },
        }
    }

    /// Relative errors of the networks, each for a fit without the networks of its form.
    pub fn network_errors(&self) -> &[f64] {
        &self.network_errors
    }
}

fn work(key: &BlockKey) -> Work {
    work_of(&key.graph())
}

/// Work of a graph by kind.
fn work_of(graph: &Graph) -> Work {
    const MILLION: f64 = 1e6;
    let mut work = [0.0; KINDS];
    let mut add = |kind: usize, amount: f64| work[kind] += amount / MILLION;
    for node in &graph.nodes {
        let (read, written) = (
            graph.shape(node.inputs.0).elements() as f64,
            node.output.elements() as f64,
        );
        match node.op {
            Op::Convolution {
                kernel, stride, groups, ..
            } => {
                let macs = node.macs() as f64;
                if groups > 1 {
                    add(DEPTHWISE_MACS, macs);
                    add(DEPTHWISE_STRIDED_MACS, if stride > 1 { macs } else { 0.0 });
                    add(DEPTHWISE_VALUES, read + written);
                } else if node.output.height * node.output.width <= 1 {
                    add(CONNECTED_MACS, macs);
                } else if kernel == 1 {
                    add(POINTWISE_MACS, macs);
                    add(POINTWISE_VALUES, read + written);
                    add(POINTWISE_WEIGHTS, node.op.weights() as f64);
                } else {
                    add(FULL_MACS, macs);
                }
            }
            Op::Linear { .. } => add(CONNECTED_MACS, node.macs() as f64),
            Op::BatchNorm { .. } | Op::Activation(Activation::Relu | Activation::Relu6) => {}
            Op::Activation(Activation::HardSwish) => add(HARD_SWISH_VALUES, written),
            Op::Activation(Activation::Swish | Activation::Gelu) => add(SWISH_VALUES, written),
            Op::GlobalAveragePool => add(POOLED_VALUES, read),
            Op::Add | Op::Gate(_) | Op::Multiply | Op::LayerScale { .. } | Op::ChannelShuffle { .. } => {
                add(ELEMENTWISE_VALUES, written);
            }
        }
    }
    work
}

fn total(network: &Architecture) -> Work {
    let mut total = [0.0; KINDS];
    for layer in network.layers().filter(|layer| !layer.key.is_nothing()) {
        for (sum, amount) in total.iter_mut().zip(work(&layer.key)) {
            *sum += amount;
        }
    }
    total
}

fn cost(costs: &Work, work: &Work) -> f64 {
    costs.iter().zip(work).map(|(cost, amount)| cost * amount).sum()
}

/// Form of a network: the kinds of its layers in order, without widths and resolution.
fn form(network: &Architecture) -> Vec<(&'static str, usize)> {
    network
        .layers()
        .map(|layer| (layer.key.kind(), layer.key.graph().nodes.len()))
        .collect()
}

/// Fits the coefficients; also returns which kinds occur in no equation.
fn fit(layers: &[(Work, f64)], networks: &[(Work, f64)]) -> (Work, [bool; KINDS]) {
    let weighted = layers
        .iter()
        .map(|equation| (equation, LAYER_WEIGHT))
        .chain(networks.iter().map(|equation| (equation, 1.0)));
    // Divides each equation by its time, so that the fit minimises relative errors.
    let (rows, sides): (Vec<Vec<f64>>, Vec<f64>) = weighted
        .map(|((work, ms), weight)| (work.iter().map(|amount| weight * amount / ms).collect(), weight))
        .unzip();
    let fitted = regression::non_negative(&rows, &sides, 1e-6);
    let unseen: [bool; KINDS] = std::array::from_fn(|kind| rows.iter().all(|row| row[kind] == 0.0));
    let costliest = |kinds: &[usize]| kinds.iter().map(|&kind| fitted[kind]).fold(0.0, f64::max);
    let costs = std::array::from_fn(|kind| {
        let alike = ALIKE.iter().find(|kinds| kinds.contains(&kind));
        match alike {
            Some(alike) if unseen[kind] => costliest(alike),
            _ => fitted[kind],
        }
    });
    (costs, unseen)
}
