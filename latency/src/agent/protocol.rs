//! The requests and replies of a device agent.

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
    /// Opens a runtime; models of an earlier one are dropped.
    Open {
        runtime: RuntimeKind,
        threads: usize,
        precision: Precision,
        processor: Processor,
    },
    /// Loads a model under a number.
    Load { model: u64, name: String, content: Content },
    /// Runs models one after the other: the number of each, and the inferences that are timed together.
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
    /// An ONNX file in base64, and channels, height and width of its input.
    Onnx { input: [u32; 3], file: String },
    /// A layer alone: its block key.
    Block(String),
    /// A whole network: its architecture.
    Network(String),
}

impl Request {
    /// The reply, for error messages.
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
        /// The machine, its processor being the one that computes.
        host: HostFacts,
        /// The form in which the runtime needs models.
        models: ModelForm,
    },
    Loaded,
    Times {
        /// Of every step, in milliseconds.
        ms: Vec<f64>,
    },
    Unloaded,
    Conditions(Option<Conditions>),
    Error(Fault),
}

/// The failure of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Fault {
    pub kind: FaultKind,
    pub reason: String,
}

/// The origin of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FaultKind {
    /// The runtime does not execute the model.
    Refused,
    /// The runtime cannot be opened, or failed.
    Failed,
    /// The request is wrong: no such model, no runtime open.
    Request,
}
