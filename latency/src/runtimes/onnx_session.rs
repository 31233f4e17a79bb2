//! Execution of ONNX files in ONNX Runtime for their results, without timing.

use ort::session::Session;
use ort::value::{Tensor, TensorElementType};

use super::onnx_runtime::{NAME, OnnxRuntime};
use crate::error::RuntimeError;

/// Loaded ONNX file, ready to run.
pub struct OnnxSession {
    session: Session,
    name: String,
}

impl OnnxRuntime {
    /// Loads an ONNX file for computing results; `name` is for messages.
    pub fn open(&self, onnx: &[u8], name: &str) -> Result<OnnxSession, RuntimeError> {
        let session = self.session(onnx).map_err(|error| RuntimeError::Refused {
            runtime: NAME.to_owned(),
            model: name.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(OnnxSession {
            session,
            name: name.to_owned(),
        })
    }
}

impl OnnxSession {
    /// Shape of the only input, with -1 for a dimension given at run time; `None` if there are several inputs or the input is not of
    /// 32-bit floats.
    pub fn input_shape(&self) -> Option<Vec<i64>> {
        let [input] = self.session.inputs() else { return None };
        let is_float = input.dtype().tensor_type() == Some(TensorElementType::Float32);
        let shape = input.dtype().tensor_shape().filter(|_| is_float)?;
        Some(shape.to_vec())
    }

    /// Entry of the file's metadata; `None` if there is none.
    pub fn metadata(&self, key: &str) -> Option<String> {
        self.session.metadata().ok()?.custom(key)
    }

    /// Computes the values of the first output for `values`, the values of the only input in row-major order.
    pub fn infer(&mut self, shape: &[usize], values: Vec<f32>) -> Result<Vec<f32>, RuntimeError> {
        let run = || {
            let outputs = self
                .session
                .run(ort::inputs![Tensor::from_array((shape.to_vec(), values))?])?;
            let (_, scores) = outputs[0].try_extract_tensor::<f32>()?;
            Ok(scores.to_vec())
        };
        run().map_err(|error: ort::Error| RuntimeError::Failed {
            runtime: NAME.to_owned(),
            model: self.name.clone(),
            reason: error.to_string(),
        })
    }
}
