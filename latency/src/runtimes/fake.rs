//! Runtime without execution: times come from a formula and a simulated clock.

use std::sync::{Arc, Mutex, PoisonError};

use mnas_space::random::stream;
use mnas_space::{Graph, Node, Op};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::duration::Milliseconds;
use crate::error::RuntimeError;
use crate::machine::Conditions;
use crate::runtime::{LoadedModel, Model, ModelContent, Runtime};

/// Disturbances of a [`FakeRuntime`]. The defaults correspond to a quiet machine.
#[derive(Debug, Clone)]
pub struct FakeSettings {
    /// Seed of all noise.
    pub seed: u64,
    /// Standard deviation of an inference's time, as a share of the time.
    pub noise: f64,
    /// Largest slow-down of the machine, as a share: 0.3 means times between 1 and 1.3 of the true ones.
    pub drift: f64,
    /// Period of the drift in milliseconds.
    pub drift_period_ms: f64,
    /// Share of inferences that are interrupted.
    pub spikes: f64,
    /// Factor by which an interrupted inference is slower.
    pub spike_factor: f64,
    /// Ratio of a network's time to the sum of its layers' times (weights and activations are evicted from caches).
    pub network_factor: f64,
    /// Time in milliseconds added to every layer of a network.
    pub layer_overhead_ms: f64,
    /// Text in the names of models to refuse, for tests of runtimes that lack an operator; `None` refuses no model.
    pub refuse: Option<String>,
}

impl Default for FakeSettings {
    fn default() -> Self {
        Self {
            seed: 0,
            noise: 0.01,
            drift: 0.0,
            drift_period_ms: 20_000.0,
            spikes: 0.0,
            spike_factor: 8.0,
            network_factor: 1.15,
            layer_overhead_ms: 0.002,
            refuse: None,
        }
    }
}

/// Deterministic runtime without a device, for exact tests of statistics and for trying the tools.
///
/// Its times are simulated: a fixed cost per multiply-add, per byte moved and per operation. The same seed and the same calls
/// always give the same times.
#[derive(Debug)]
pub struct FakeRuntime {
    settings: FakeSettings,
    state: Arc<Mutex<FakeState>>,
}

#[derive(Debug)]
struct FakeState {
    clock_ms: f64,
    rng: ChaCha8Rng,
}

impl FakeRuntime {
    /// Creates a fake runtime with its clock at 0.
    pub fn new(settings: FakeSettings) -> Self {
        let rng = stream(settings.seed, "fake runtime", 0, 0);
        Self {
            settings,
            state: Arc::new(Mutex::new(FakeState { clock_ms: 0.0, rng })),
        }
    }

    /// Time in milliseconds of an undisturbed inference of this graph.
    pub fn true_ms(&self, graph: &Graph) -> f64 {
        let alone: f64 = graph.nodes.iter().map(|node| node_ms(graph, node)).sum::<f64>() + 0.004;
        let mut scopes: Vec<_> = graph.nodes.iter().map(|node| node.name.scope).collect();
        scopes.dedup();
        if scopes.len() > 1 {
            alone * self.settings.network_factor + scopes.len() as f64 * self.settings.layer_overhead_ms
        } else {
            alone
        }
    }
}

/// Time of an operation in milliseconds: a multiply-add costs more in depthwise convolutions than in pointwise ones, and every
/// operation moves memory.
fn node_ms(graph: &Graph, node: &Node) -> f64 {
    let moved = node
        .operands()
        .map(|tensor| graph.shape(tensor).elements())
        .sum::<u64>()
        + node.output.elements();
    let memory_ms = moved as f64 * 4.0 / 2.0e7;
    match node.op {
        Op::Convolution { groups, .. } => {
            let macs_per_ms = if groups > 1 { 4.0e6 } else { 2.0e7 };
            node.macs() as f64 / macs_per_ms + memory_ms + 0.002
        }
        Op::Linear { .. } => node.macs() as f64 / 1.0e7 + memory_ms + 0.002,
        // Folded into the preceding convolution.
        Op::BatchNorm { .. } => 0.0,
        Op::Activation(_)
        | Op::Gate(_)
        | Op::GlobalAveragePool
        | Op::Add
        | Op::Multiply
        | Op::LayerScale { .. }
        | Op::ChannelShuffle { .. } => memory_ms + 0.0005,
    }
}

impl Runtime for FakeRuntime {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn conditions(&mut self) -> Result<Option<Conditions>, RuntimeError> {
        Ok(None)
    }

    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError> {
        if self
            .settings
            .refuse
            .as_ref()
            .is_some_and(|refused| model.name.contains(refused))
        {
            let reason = "its settings refuse this model".to_owned();
            return Err(RuntimeError::Refused {
                runtime: "fake".to_owned(),
                model: model.name.clone(),
                reason,
            });
        }
        let true_ms = match &model.content {
            ModelContent::Block(key) => self.true_ms(&key.graph()),
            ModelContent::Network(architecture) => self.true_ms(&architecture.graph()),
            // A file consists mostly of weights, each of which is used at least about once.
            ModelContent::Onnx { file, input } => 0.01 + file.len() as f64 / 2.0e7 + input.elements() as f64 / 1.0e6,
        };
        Ok(Box::new(FakeModel {
            true_ms,
            settings: self.settings.clone(),
            state: Arc::clone(&self.state),
        }))
    }
}

struct FakeModel {
    true_ms: f64,
    settings: FakeSettings,
    state: Arc<Mutex<FakeState>>,
}

impl LoadedModel for FakeModel {
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError> {
        let settings = &self.settings;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let start_ms = state.clock_ms;
        for _ in 0..inferences {
            let phase = state.clock_ms / settings.drift_period_ms * std::f64::consts::TAU;
            let slowdown = 1.0 + settings.drift * (1.0 - phase.cos()) / 2.0;
            // The sum of four uniform numbers is approximately normal, and bounded.
            let normal = (0..4).map(|_| state.rng.random_range(-1.0..1.0)).sum::<f64>() * 0.75_f64.sqrt();
            let spike = if state.rng.random_bool(settings.spikes.clamp(0.0, 1.0)) {
                settings.spike_factor
            } else {
                1.0
            };
            state.clock_ms += self.true_ms * slowdown * spike * (1.0 + settings.noise * normal).max(0.1);
        }
        Ok(Milliseconds(state.clock_ms - start_ms))
    }
}
