//! The seam between measuring and what executes: a runtime loads models and times them.

use mnas_space::{Architecture, BlockKey, Graph};

use crate::duration::Milliseconds;
use crate::error::RuntimeError;

/// Something that executes networks on a device and tells how long it took.
///
/// Implementations: [`crate::runtimes::OnnxRuntime`], and [`crate::runtimes::FakeRuntime`] with an invented clock.
pub trait Runtime: Send {
    /// The name that tables carry, such as `onnxruntime`.
    fn name(&self) -> &str;

    /// The version of what executes; other versions have other latencies.
    fn version(&self) -> &str;

    /// Prepares a model for running with a batch of one.
    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError>;
}

/// A model that is ready to run.
pub trait LoadedModel: Send {
    /// Runs `inferences` inferences one after the other and returns the time of all of them, by the runtime's clock.
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError>;
}

/// What a runtime is given: a graph, its name for messages, and its ONNX form when asked for.
///
/// Weights are drawn from a seed: latency does not depend on their values, as long as no denormal numbers arise.
#[derive(Debug, Clone)]
pub struct Model {
    /// For error messages: a block key, or a network's name or id.
    pub name: String,
    /// What is computed.
    pub graph: Graph,
}

impl Model {
    /// A layer alone.
    pub fn block(key: &BlockKey) -> Self {
        Self {
            name: key.to_string(),
            graph: key.graph(),
        }
    }

    /// A whole network.
    pub fn network(architecture: &Architecture) -> Self {
        Self {
            name: format!("network {}", architecture.id()),
            graph: architecture.graph(),
        }
    }

    /// The model as an ONNX file, batch-norm folded as in a deployed network, with weights drawn from a fixed seed.
    pub fn onnx(&self) -> Result<Vec<u8>, RuntimeError> {
        let weights = mnas_space::onnx::RandomWeights { seed: 0 };
        mnas_space::onnx::encode(&self.graph, &weights, &mnas_space::onnx::OnnxOptions::default()).map_err(|error| {
            RuntimeError::Refused {
                runtime: "the ONNX writer".to_owned(),
                model: self.name.clone(),
                reason: error.to_string(),
            }
        })
    }
}
