//! Interface between measurement and execution: a runtime loads models and times their inferences.

use std::borrow::Cow;

use mnas_space::{Architecture, BlockKey, Graph, Shape};
use serde::{Deserialize, Serialize};

use crate::duration::Milliseconds;
use crate::error::RuntimeError;
use crate::machine::{Conditions, HostFacts};

/// Runtime that executes networks on a device and measures the time of inferences.
///
/// Implementations: [`crate::runtimes::OnnxRuntime`] and others on this machine, [`crate::agent::AgentRuntime`] for a
/// device behind a pipe, and [`crate::runtimes::FakeRuntime`] with a simulated clock.
pub trait Runtime: Send {
    /// Name stored in tables, such as `onnxruntime`.
    fn name(&self) -> &str;

    /// Version of the runtime; latencies differ between versions.
    fn version(&self) -> &str;

    /// Loads a model and prepares it for inference with batch size 1.
    ///
    /// A model that the runtime cannot execute is an error for which [`RuntimeError::is_refusal`] is true.
    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError>;

    /// Returns true if loading a model takes about as long as running it a few times.
    ///
    /// The samples of a whole network are then spread over time, and it is loaded again for each part of them: on common
    /// processors, the placement in memory alone changes a network's latency by up to a tenth for as long as it is loaded.
    fn loads_cheaply(&self) -> bool {
        true
    }

    /// Form in which an agent that serves this runtime receives models.
    fn model_form(&self) -> ModelForm {
        ModelForm::Onnx
    }

    /// Runs models in sequence and returns the time of each step.
    ///
    /// Remote runtimes run all steps on the device without communication in between: nothing else runs between two steps, and
    /// the times do not include communication.
    fn burst(
        &mut self,
        models: &mut [&mut dyn LoadedModel],
        steps: &[Step],
    ) -> Result<Vec<Milliseconds>, RuntimeError> {
        steps
            .iter()
            .map(|step| models[step.model].run(step.inferences))
            .collect()
    }

    /// Facts about the machine that executes models.
    fn host(&self) -> HostFacts {
        HostFacts::gather()
    }

    /// Reads the conditions of the machine that executes models; `None` if they are not applicable.
    fn conditions(&mut self) -> Result<Option<Conditions>, RuntimeError> {
        Ok(Some(Conditions::gather()))
    }

    /// Number of threads of one inference, if they consist of the calling thread and threads that loading a model starts, so that
    /// pinning the calling thread pins them all; 0 for other runtimes, which are not pinned.
    fn pinnable_threads(&self) -> usize {
        0
    }
}

/// Step of a burst: a model, and the number of inferences timed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Index of the model in the burst.
    pub model: usize,
    /// Number of inferences.
    pub inferences: u32,
}

/// Model that is ready to run.
pub trait LoadedModel: Send {
    /// Runs `inferences` inferences in sequence and returns their total time, by the runtime's clock.
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError>;

    /// Number that identifies the model in a runtime with its own implementation of bursts.
    fn handle(&self) -> u64 {
        0
    }
}

/// Model to load in a runtime: a name for messages, and its content.
///
/// Weights are random: latency does not depend on their values, provided that no denormal numbers occur.
#[derive(Debug, Clone)]
pub struct Model {
    /// Name in error messages: a block key, or a network's id.
    pub name: String,
    /// Operations of the model.
    pub content: ModelContent,
}

/// Operations of a model.
#[derive(Debug, Clone)]
pub enum ModelContent {
    /// Single layer.
    Block(BlockKey),
    /// Whole network.
    Network(Architecture),
    /// ONNX file, as received by agents.
    Onnx {
        /// Content of the file.
        file: Vec<u8>,
        /// Shape of its only input, without the batch dimension.
        input: Shape,
    },
}

/// Form in which an agent's runtime receives models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelForm {
    /// ONNX files.
    #[default]
    Onnx,
    /// Block keys and architectures, which the runtime lowers itself.
    Blocks,
}

impl Model {
    /// Creates the model of a single layer.
    pub fn block(key: &BlockKey) -> Self {
        Self {
            name: key.to_string(),
            content: ModelContent::Block(*key),
        }
    }

    /// Creates the model of a whole network.
    pub fn network(architecture: &Architecture) -> Self {
        Self {
            name: format!("network {}", architecture.id()),
            content: ModelContent::Network(architecture.clone()),
        }
    }

    /// Shape of the input, without the batch dimension.
    pub fn input(&self) -> Shape {
        match &self.content {
            ModelContent::Block(key) => key.input,
            ModelContent::Network(architecture) => architecture.input(),
            ModelContent::Onnx { input, .. } => *input,
        }
    }

    /// Graph of primitive operations; `None` for an ONNX file.
    pub fn graph(&self) -> Option<Graph> {
        match &self.content {
            ModelContent::Block(key) => Some(key.graph()),
            ModelContent::Network(architecture) => Some(architecture.graph()),
            ModelContent::Onnx { .. } => None,
        }
    }

    /// Encodes the model as an ONNX file, with batch-norm folded as in deployment and random weights from a fixed seed.
    pub fn onnx(&self) -> Result<Cow<'_, [u8]>, RuntimeError> {
        let graph = match &self.content {
            ModelContent::Onnx { file, .. } => return Ok(Cow::Borrowed(file)),
            ModelContent::Block(key) => key.graph(),
            ModelContent::Network(architecture) => architecture.graph(),
        };
        let weights = mnas_space::onnx::RandomWeights { seed: 0 };
        mnas_space::onnx::encode(&graph, &weights, &mnas_space::onnx::OnnxOptions::default())
            .map(Cow::Owned)
            .map_err(|error| RuntimeError::Refused {
                runtime: "the ONNX writer".to_owned(),
                model: self.name.clone(),
                reason: error.to_string(),
            })
    }
}
