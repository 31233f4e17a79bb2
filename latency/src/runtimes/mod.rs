//! The runtimes: ONNX Runtime, LiteRT, tract, a recorded table, and a fake one with an invented clock.

mod clock;
mod fake;
pub mod litert;
mod onnx_runtime;
mod published;
mod replay;
#[cfg(feature = "tract")]
mod tract;

pub use clock::Stopwatch;
pub use fake::{FakeRuntime, FakeSettings};
pub use litert::LiteRt;
pub use onnx_runtime::OnnxRuntime;
pub use published::PublishedRuntime;
pub use replay::ReplayRuntime;
#[cfg(feature = "tract")]
pub use tract::TractRuntime;

use std::path::Path;

use crate::agent::{AgentOptions, AgentRuntime};
use crate::device::{Device, RuntimeKind};
use crate::error::RuntimeError;
use crate::machine::Processor;
use crate::runtime::Runtime;

/// Opens the runtime of a device, or its agent.
///
/// `onnx_runtime` is the path of the ONNX Runtime library; other runtimes do not need it. libtorch is not part of this
/// crate, so that an agent for a small board can do without it: [`RuntimeKind::LibTorch`] is an error here, and the
/// program that has libtorch opens it itself.
pub fn open(device: &Device, onnx_runtime: Option<&Path>) -> Result<Box<dyn Runtime>, RuntimeError> {
    if device.agent.is_some() {
        return Ok(Box::new(AgentRuntime::connect(device, AgentOptions::default())?));
    }
    match device.runtime {
        RuntimeKind::OnnxRuntime => {
            let library = onnx_runtime.ok_or_else(|| RuntimeError::LibraryUnknown {
                device: device.name.clone(),
            })?;
            let runtime = OnnxRuntime::new(library, device.threads)?;
            Ok(Box::new(match device.processor {
                Processor::Cpu => runtime,
                Processor::Cuda => runtime.with_cuda()?,
            }))
        }
        RuntimeKind::LibTorch => Err(RuntimeError::NotBuiltIn {
            device: device.name.clone(),
            runtime: "libtorch",
            remedy: "measure it with `mnas` itself",
        }),
        #[cfg(feature = "tract")]
        RuntimeKind::Tract => Ok(Box::new(TractRuntime)),
        #[cfg(not(feature = "tract"))]
        RuntimeKind::Tract => Err(RuntimeError::NotBuiltIn {
            device: device.name.clone(),
            runtime: "tract",
            remedy: "build it with `--features tract`",
        }),
        RuntimeKind::Replay => Ok(Box::new(ReplayRuntime::open(device)?)),
        RuntimeKind::Published => Ok(Box::new(PublishedRuntime::open(device)?)),
        RuntimeKind::Fake => Ok(Box::new(FakeRuntime::new(FakeSettings::default()))),
    }
}
