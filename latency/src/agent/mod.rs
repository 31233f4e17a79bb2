//! Devices that are not this machine: a small program there, a [pipe](crate::pipe) in between.
//!
//! An agent runs on the device and holds a runtime, nothing else: it loads models, runs them on request and replies with times.
//! Everything that makes times into measurements (the anchor, repetition, statistics, the table) stays with the coordinator, which starts
//! the agent through any command that gives a pipe to its stdin and stdout. `mnas-agent` is the agent for the runtimes of this crate;
//! [`serve`] makes one of any program that opens a [`crate::Runtime`], such as one that links libtorch.
//!
//! # The protocol
//! Lines, hello and identifiers are those of [`crate::pipe`]; heartbeats are off, because a thread that sends them would disturb what is
//! measured. Requests are `open`, `load`, `run`, `unload` and `conditions`; each has one reply:
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
//! The reply to `open` names the form that the runtime needs models in. `"models":"onnx"` stands for ONNX files, which travel as base64: a
//! third longer than they are, but they pass through every terminal and shell on the way. For `"models":"blocks"` the content of a model is
//! `{"block":"conv_k1_c8@3x8x8"}` or `{"network":"in32,conv_k3_s2_c16_nhs,...,head_o10"}`, and the agent lowers it itself. A step of a
//! run is the number of a model and the inferences that are timed together.
//!
//! # Lost connections
//! [`AgentRuntime`] starts the agent again by a [`crate::pipe::ReconnectPolicy`], loads the models that are in use and repeats the request;
//! its users notice nothing but the time. A model that ends the agent every time is refused, like one that its runtime cannot execute.
//! The result of a request is on disk before the next request, so that no measurement is lost.

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
