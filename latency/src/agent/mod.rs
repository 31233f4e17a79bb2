//! Remote devices: a small agent program on the device, connected by a [pipe](crate::pipe).
//!
//! An agent runs on the device and only drives a runtime: it loads models, runs them on request and replies with times. Everything that
//! turns times into measurements (the anchor, repetition, statistics, the table) stays in the coordinator, which starts the agent through
//! any command that connects a pipe to the agent's stdin and stdout. `mnas-agent` is the agent for the runtimes of this crate; with
//! [`serve`], any program that opens a [`crate::Runtime`], such as one that links libtorch, can act as an agent.
//!
//! # The protocol
//! Lines, hello and identifiers are those of [`crate::pipe`]. Heartbeats are disabled, because the thread that sends them would disturb
//! the measurement. Requests are `open`, `load`, `run`, `unload` and `conditions`; each has one reply:
//!
//! ```text
//! {"id":1,"hello":{"protocol":"mnas-agent","version":2,"program":"mnas 0.1.0","host":{...}}}
//! {"id":1,"hello":{"protocol":"mnas-agent","version":2,"program":"mnas-agent 0.1.0","host":{"cpu":"Cortex-A76","cores":4,...}}}
//! {"id":2,"request":{"open":{"runtime":"onnxruntime","threads":1,"precision":"fp32","processor":"cpu"}}}
//! {"id":2,"reply":{"opened":{"runtime":"onnxruntime","version":"1.32.0","host":{...},"models":"onnx"}}}
//! {"id":3,"request":{"load":{"model":1,"name":"conv_k1_c8@3x8x8","content":{"onnx":{"input":[3,8,8],"file":"CAk6..."}}}}}
//! {"id":3,"reply":"loaded"}
//! {"id":4,"request":{"run":{"steps":[[1,1],[1,4]]}}}
//! {"id":4,"reply":{"times":{"ms":[0.011,0.043]}}}
//! {"id":5,"request":{"load":{"model":2,"name":"x","content":{"onnx":{"input":[3,8,8],"file":"bm8="}}}}}
//! {"id":5,"reply":{"error":{"kind":"refused","reason":"..."}}}
//! {"id":6,"request":{"unload":{"model":1}}}
//! {"id":6,"reply":"unloaded"}
//! {"id":7,"request":"conditions"}
//! {"id":7,"reply":{"conditions":{"cores":4,"load":0.1,...}}}
//! ```
//!
//! The reply to `open` states the form in which the runtime needs models. `"models":"onnx"` means ONNX files, sent as base64: a third
//! larger, but safe to pass through terminals and shells. With `"models":"blocks"`, the content of a model is
//! `{"block":"conv_k1_c8@3x8x8"}` or `{"network":"in32,conv_k3_s2_c16_nhs,...,head_o10"}`, and the agent lowers it itself. A step of a
//! run consists of the number of a model and the number of inferences that are timed together.
//!
//! # Lost connections
//! [`AgentRuntime`] restarts the agent according to a [`crate::pipe::ReconnectPolicy`], reloads the models in use and repeats the request;
//! for its callers, the request only takes longer. A model that crashes the agent every time is refused, like one that the runtime cannot
//! execute. Callers write the result of each measurement to disk before the next one, so that a lost connection loses no measurement.

pub(crate) mod error;
mod options;
mod protocol;
mod runtime;
mod serve;
mod session;

pub use error::AgentError;
pub use options::AgentOptions;
pub use protocol::PROTOCOL;
pub use runtime::AgentRuntime;
pub use serve::{OpenRuntime, serve};
