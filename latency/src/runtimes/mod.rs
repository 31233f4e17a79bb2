//! Runtimes: ONNX Runtime, LiteRT, tract, replay of a recorded table, and a fake one with a simulated clock.

mod clock;
mod fake;
pub mod litert;
mod onnx_runtime;
mod onnx_session;
mod published;
mod replay;
#[cfg(feature = "tract")]
mod tract;

pub use clock::Stopwatch;
pub use fake::{FakeRuntime, FakeSettings};
pub use litert::LiteRt;
pub use onnx_runtime::OnnxRuntime;
pub use onnx_session::OnnxSession;
pub use published::PublishedRuntime;
pub use replay::ReplayRuntime;
#[cfg(feature = "tract")]
pub use tract::TractRuntime;

use std::path::{Path, PathBuf};

use crate::agent::{AgentOptions, AgentRuntime};
use crate::device::{Device, Precision, RuntimeKind};
use crate::error::RuntimeError;
use crate::machine::Processor;
use crate::runtime::Runtime;

/// Paths of runtime libraries, which are loaded when a device needs them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Libraries {
    /// Path of the ONNX Runtime library; `None` if unknown.
    pub onnx_runtime: Option<PathBuf>,
    /// Path of the LiteRT library; `None` if unknown.
    pub litert: Option<PathBuf>,
}

/// Opens the runtime of a device, or connects to its agent.
///
/// Only the library of the device's runtime is needed. This crate does not contain libtorch, so that an agent for a small board
/// does not need it: [`RuntimeKind::LibTorch`] is an error here, and a program with libtorch opens that runtime itself.
pub fn open(device: &Device, libraries: &Libraries) -> Result<Box<dyn Runtime>, RuntimeError> {
    if device.agent.is_some() {
        return Ok(Box::new(AgentRuntime::connect(device, AgentOptions::default())?));
    }
    match device.runtime {
        RuntimeKind::OnnxRuntime => {
            let library = known(libraries.onnx_runtime.as_deref(), device, "ONNX Runtime")?;
            let runtime = OnnxRuntime::new(library, device.threads)?;
            Ok(Box::new(match device.processor {
                Processor::Cpu => runtime,
                Processor::Cuda => runtime.with_cuda()?,
            }))
        }
        RuntimeKind::LiteRt => {
            let library = known(libraries.litert.as_deref(), device, "LiteRT")?;
            let runtime = LiteRt::new(library, device.threads)?;
            Ok(Box::new(match device.precision {
                Precision::Float32 => runtime,
                Precision::Int8 => runtime.with_int8(),
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

/// Returns the path of the library that a device needs, or an error if it is unknown.
fn known<'p>(path: Option<&'p Path>, device: &Device, runtime: &'static str) -> Result<&'p Path, RuntimeError> {
    path.ok_or_else(|| RuntimeError::LibraryUnknown {
        device: device.name.clone(),
        runtime,
    })
}
