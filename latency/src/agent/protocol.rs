//! Requests and replies of a device agent.

use serde::{Deserialize, Serialize};

use crate::device::{Precision, RuntimeKind};
use crate::machine::{Conditions, HostFacts, Processor};
use crate::pipe::Protocol;
use crate::runtime::ModelForm;

/// Name and version of the messages.
pub const PROTOCOL: Protocol = Protocol {
    name: "mnas-agent",
    version: 2,
};

/// A request of the coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Request {
    /// Opens a runtime; drops the models of an earlier one.
    Open {
        runtime: RuntimeKind,
        threads: usize,
        precision: Precision,
        processor: Processor,
    },
    /// Loads a model and assigns it the number `model`.
    Load { model: u64, name: String, content: Content },
    /// Runs models in sequence: for each step, the number of the model and the number of inferences timed together.
    Run { steps: Vec<(u64, u32)> },
    /// Drops a model.
    Unload { model: u64 },
    /// Reads the state of the machine.
    Conditions,
}

/// The content of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Content {
    /// ONNX file in base64, with the channels, height and width of its input.
    Onnx { input: [u32; 3], file: String },
    /// Single layer, as a block key.
    Block(String),
    /// Whole network, as an architecture string.
    Network(String),
}

impl Request {
    /// Name of the expected reply, for error messages.
    pub fn expected(&self) -> &'static str {
        match self {
            Self::Open { .. } => "the opening of a runtime",
            Self::Load { .. } => "the loading of a model",
            Self::Run { .. } => "the times of a run",
            Self::Unload { .. } => "the unloading of a model",
            Self::Conditions => "the state of the machine",
        }
    }
}

/// A reply of the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reply {
    Opened {
        runtime: String,
        version: String,
        /// Facts about the machine; `cpu` is the processor that executes models.
        host: HostFacts,
        /// Form in which the runtime needs models.
        models: ModelForm,
    },
    Loaded,
    Times {
        /// Time of every step in milliseconds.
        ms: Vec<f64>,
    },
    Unloaded,
    Conditions(Option<Conditions>),
    Error(Fault),
}

/// Error of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Fault {
    pub kind: FaultKind,
    pub reason: String,
}

/// Cause of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FaultKind {
    /// The runtime cannot execute the model.
    Refused,
    /// The runtime cannot be opened, or failed while running.
    Failed,
    /// The request is invalid: unknown model, or no open runtime.
    Request,
}
