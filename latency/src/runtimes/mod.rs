//! The runtimes: ONNX Runtime, and a fake one with an invented clock.

mod clock;
mod fake;
mod onnx_runtime;

pub use fake::{FakeRuntime, FakeSettings};
pub use onnx_runtime::OnnxRuntime;

use std::path::Path;

use crate::device::{Device, RuntimeKind};
use crate::error::RuntimeError;
use crate::runtime::Runtime;

/// Opens the runtime of a device.
///
/// `onnx_runtime` is the path of the ONNX Runtime library; other runtimes do not need it.
pub fn open(device: &Device, onnx_runtime: Option<&Path>) -> Result<Box<dyn Runtime>, RuntimeError> {
    match device.runtime {
        RuntimeKind::OnnxRuntime => {
            let library = onnx_runtime.ok_or_else(|| RuntimeError::LibraryUnknown {
                device: device.name.clone(),
            })?;
            Ok(Box::new(OnnxRuntime::new(library, device.threads)?))
        }
        RuntimeKind::Fake => Ok(Box::new(FakeRuntime::new(FakeSettings::default()))),
    }
}
