//! The seam between measuring and what executes: a runtime loads models and times them.

use std::borrow::Cow;

use mnas_space::{Architecture, BlockKey, Graph, Shape};
use serde::{Deserialize, Serialize};

use crate::duration::Milliseconds;
use crate::error::RuntimeError;
use crate::machine::{Conditions, HostFacts};

/// Something that executes networks on a device and tells how long it took.
///
/// Implementations: [`crate::runtimes::OnnxRuntime`] and others on this machine, [`crate::agent::AgentRuntime`] for a
/// device behind a pipe, and [`crate::runtimes::FakeRuntime`] with an invented clock.
pub trait Runtime: Send {
    /// The name that tables carry, such as `onnxruntime`.
    fn name(&self) -> &str;

    /// The version of what executes; other versions have other latencies.
    fn version(&self) -> &str;

    /// Prepares a model for running with a batch of one.
    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError>;

    /// Returns true if loading a model takes about as long as running it a few times.
    ///
    /// Then the samples of a whole network are spread over time, and it is loaded anew for each part of them: on common
    /// processors the place in memory alone changes a network's latency by up to a tenth, for as long as it is loaded.
    fn loads_cheaply(&self) -> bool {
        true
    }

    /// The form in which an agent that serves this runtime receives models.
    fn model_form(&self) -> ModelForm {
        ModelForm::Onnx
    }

    /// Runs models one after the other and returns the time of each step.
    ///
    /// Runtimes that execute elsewhere do all steps there without a word in between: nothing but the models runs
    /// between two steps, and the way to the device costs nothing.
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

    /// The machine that executes.
    fn host(&self) -> HostFacts {
        HostFacts::gather()
    }

    /// Conditions of the machine that executes; `None` where they mean nothing.
    fn conditions(&mut self) -> Result<Option<Conditions>, RuntimeError> {
        Ok(Some(Conditions::gather()))
    }

    /// Number of this machine's processors that one inference keeps busy, if the threads that it runs on are the calling
    /// one and those that loading a model starts; they are pinned while measuring. 0 for all others.
    fn pinnable_threads(&self) -> usize {
        0
    }
}

/// One step of a burst: a model, and how many inferences are timed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Index of the model in the burst.
    pub model: usize,
    /// Inferences.
    pub inferences: u32,
}

/// A model that is ready to run.
pub trait LoadedModel: Send {
    /// Runs `inferences` inferences one after the other and returns the time of all of them, by the runtime's clock.
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError>;

    /// The number that a runtime with bursts of its own knows the model by.
    fn handle(&self) -> u64 {
        0
    }
}

/// A model for a runtime: a name for messages, and its content.
///
/// Weights are drawn from a seed: latency does not depend on their values, as long as no denormal numbers arise.
#[derive(Debug, Clone)]
pub struct Model {
    /// The name in error messages: a block key, or a network's id.
    pub name: String,
    /// The operations.
    pub content: ModelContent,
}

/// The operations of a model.
#[derive(Debug, Clone)]
pub enum ModelContent {
    /// A layer alone.
    Block(BlockKey),
    /// A whole network.
    Network(Architecture),
    /// A finished ONNX file, as agents receive it.
    Onnx {
        /// The file.
        file: Vec<u8>,
        /// Its one input, without the batch.
        input: Shape,
    },
}

/// The form in which a runtime behind an agent receives models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelForm {
    /// Finished ONNX files.
    #[default]
    Onnx,
    /// Block keys and architectures, which the runtime lowers itself.
    Blocks,
}

impl Model {
    /// A layer alone.
    pub fn block(key: &BlockKey) -> Self {
        Self {
            name: key.to_string(),
            content: ModelContent::Block(*key),
        }
    }

    /// A whole network.
    pub fn network(architecture: &Architecture) -> Self {
        Self {
            name: format!("network {}", architecture.id()),
            content: ModelContent::Network(architecture.clone()),
        }
    }

    /// The shape of its input, without the batch.
    pub fn input(&self) -> Shape {
        match &self.content {
            ModelContent::Block(key) => key.input,
            ModelContent::Network(architecture) => architecture.input(),
            ModelContent::Onnx { input, .. } => *input,
        }
    }

    /// Its operations one by one; `None` for an ONNX file.
    pub fn graph(&self) -> Option<Graph> {
        match &self.content {
            ModelContent::Block(key) => Some(key.graph()),
            ModelContent::Network(architecture) => Some(architecture.graph()),
            ModelContent::Onnx { .. } => None,
        }
    }

    /// The model as an ONNX file, batch-norm folded as in a deployed network, with weights drawn from a fixed seed.
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
