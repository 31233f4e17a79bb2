//! The messages between coordinator and agent, one JSON document a line.

use serde::{Deserialize, Serialize};

use crate::device::{HostFacts, Precision, Processor, RuntimeKind};
use crate::measure::Conditions;

/// Version of the messages; coordinator and agent must have the same.
pub const PROTOCOL: u32 = 1;

/// This program's version, for people.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A line from the coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Question {
    /// Comes back with the answer.
    pub id: u64,
    pub ask: Ask,
}

/// What the coordinator wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ask {
    /// Who are you? Answered by [`Answer::Hello`] in every version.
    Hello { protocol: u32, version: String },
    /// Open a runtime.
    Open {
        runtime: RuntimeKind,
        threads: usize,
        precision: Precision,
        processor: Processor,
    },
    /// Load a model and call it by this number.
    Load {
        model: u64,
        name: String,
        /// Channels, height and width of its input.
        input: [u32; 3],
        /// The ONNX file in base64.
        onnx: String,
    },
    /// Run models one after the other: the number of each and how many inferences are timed together.
    Run { steps: Vec<(u64, u32)> },
    /// Forget a model.
    Unload { model: u64 },
    /// How is the machine set up, and how busy is it?
    Conditions,
}

impl Ask {
    /// What the coordinator says it waited for.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "a greeting",
            Self::Open { .. } => "the opening of a runtime",
            Self::Load { .. } => "the loading of a model",
            Self::Run { .. } => "the running of models",
            Self::Unload { .. } => "the unloading of a model",
            Self::Conditions => "the state of the machine",
        }
    }
}

/// A line from the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Reply {
    /// The question's; absent where the agent could not read one.
    pub id: Option<u64>,
    pub answer: Answer,
}

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Hello {
        protocol: u32,
        version: String,
        host: HostFacts,
    },
    Opened {
        runtime: String,
        version: String,
    },
    Loaded,
    Times {
        /// Of every step, in milliseconds.
        ms: Vec<f64>,
    },
    Unloaded,
    Conditions(Option<Conditions>),
    Error {
        kind: ErrorKind,
        reason: String,
    },
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ErrorKind {
    /// The runtime does not execute the model.
    Refused,
    /// The runtime cannot be opened, or failed.
    Failed,
    /// The question makes no sense.
    Question,
}

/// The agent's protocol, in a reply of whatever version.
pub(super) fn protocol_of(line: &str) -> Option<(u64, String)> {
    let reply: serde_json::Value = serde_json::from_str(line).ok()?;
    let hello = reply.get("answer")?.get("hello")?;
    let version = hello
        .get("version")
        .and_then(serde_json::Value::as_str)
        .unwrap_or("unknown");
    Some((hello.get("protocol")?.as_u64()?, version.to_owned()))
}
