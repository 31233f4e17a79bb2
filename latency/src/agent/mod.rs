//! Measuring a device that is not this machine: a small program there, a pipe in between.
//!
//! `mnas-agent` runs on the device and holds a runtime, nothing else: it loads models, runs them as it is told and
//! answers with times. Everything that makes times into measurements (the anchor, repetition, statistics, the table)
//! stays with the coordinator, which starts the agent through any command that gives a pipe to its stdin and stdout.
//!
//! # The protocol
//! One JSON document a line, both ways. The coordinator asks, the agent answers each question once and in order; the
//! answer carries the question's `id`. ONNX files travel as base64 in the question: a third longer than they are, but
//! they pass through every terminal and shell on the way.
//!
//! ```text
//! {"id":1,"ask":{"hello":{"protocol":1,"version":"0.1.0"}}}
//! {"id":1,"answer":{"hello":{"protocol":1,"version":"0.1.0","host":{"cpu":"Cortex-A76","cores":4,...}}}}
//! {"id":2,"ask":{"open":{"runtime":"onnxruntime","threads":1,"precision":"fp32","processor":"cpu"}}}
//! {"id":2,"answer":{"opened":{"runtime":"onnxruntime","version":"1.32.0"}}}
//! {"id":3,"ask":{"load":{"model":1,"name":"conv_k1_c8@3x8x8","input":[3,8,8],"onnx":"CAk6..."}}}
//! {"id":3,"answer":"loaded"}
//! {"id":4,"ask":{"run":{"steps":[[1,1],[1,4]]}}}
//! {"id":4,"answer":{"times":{"ms":[0.011,0.043]}}}
//! {"id":5,"ask":{"load":{"model":2,"name":"x","input":[3,8,8],"onnx":"bm8="}}}
//! {"id":5,"answer":{"error":{"kind":"refused","reason":"..."}}}
//! ```
//!
//! `unload` (`{"unload":{"model":1}}`, answered `"unloaded"`) and `"conditions"` (answered with load, governor and so
//! on) complete it. A step is a model's number and how many inferences are timed together. A line that is no question
//! is answered by an error without an `id`, and the agent goes on; it ends with its stdin.
//!
//! # When the pipe breaks
//! [`AgentRuntime`] starts the agent anew, a bounded number of times, loads the models that are in use and repeats the
//! question; whoever measures through it notices nothing. A model that ends the agent every time is refused, like one
//! that its runtime cannot execute. What comes of a question is on disk before the next is asked, so that nothing that
//! was measured is ever lost.

mod connection;
mod error;
mod protocol;
mod runtime;
mod serve;

pub use error::AgentError;
pub use protocol::PROTOCOL;
pub use runtime::{AgentOptions, AgentRuntime};
pub use serve::serve;
