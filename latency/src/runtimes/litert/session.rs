//! Execution of TFLite files in LiteRT for their results, without timing.

use super::ffi::{Buffer, CompiledModel, Fault};
use super::library::{Library, NAME};
use crate::error::RuntimeError;

/// Element type of 32-bit floats.
const FLOAT32: i32 = 1;

/// Loaded TFLite file, ready to run.
pub struct LiteRtSession {
    pub(super) model: CompiledModel,
    name: String,
}

/// Output of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct LiteRtOutput {
    /// Name in the file's signature.
    pub name: String,
    /// Sizes of the dimensions, `[1, height, width, channels]` for a feature map.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub values: Vec<f32>,
}

impl LiteRtSession {
    pub(super) fn new(library: &Library, file: &[u8], threads: usize, name: &str) -> Result<Self, RuntimeError> {
        let model = CompiledModel::new(library.functions, file, threads).map_err(|fault| RuntimeError::Refused {
            runtime: NAME.to_owned(),
            model: name.to_owned(),
            reason: fault.to_string(),
        })?;
        Ok(Self {
            model,
            name: name.to_owned(),
        })
    }

    /// Checks whether XNNPACK executes the whole graph; otherwise parts of it run in slow reference operators.
    pub fn is_fully_accelerated(&self) -> Result<bool, RuntimeError> {
        self.model.is_fully_accelerated().map_err(|fault| self.failed(&fault))
    }

    /// Shape of the only input; `None` if there are several inputs or the input is not of 32-bit floats.
    pub fn input_shape(&self) -> Option<&[usize]> {
        match &self.model.inputs[..] {
            [input] if input.element == FLOAT32 => Some(&input.shape),
            _ => None,
        }
    }

    /// Computes all outputs for `image`, the values of the only input as `[height, width, channels]`. The input and the outputs
    /// must be of 32-bit floats.
    pub fn infer(&mut self, image: &[f32]) -> Result<Vec<LiteRtOutput>, RuntimeError> {
        let bytes: Vec<u8> = image.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.run_once(&bytes).map_err(|fault| self.failed(&fault))
    }

    fn run_once(&mut self, image: &[u8]) -> Result<Vec<LiteRtOutput>, Fault> {
        for input in &mut self.model.inputs {
            require_floats(input)?;
            input.write(image)?;
        }
        self.model.run()?;
        self.model.outputs.iter().map(read).collect()
    }

    /// Fills the inputs with ordinary numbers of both signs, without denormals.
    pub(super) fn fill(&mut self) -> Result<(), RuntimeError> {
        let fill = |input: &mut Buffer| {
            let bytes: Vec<u8> = if input.element == FLOAT32 {
                let values = (0..input.bytes / 4).map(|place| (place % 17) as f32 / 8.0 - 1.0);
                values.flat_map(f32::to_le_bytes).collect()
            } else {
                (0..input.bytes).map(|place| (place % 127) as u8).collect()
            };
            input.write(&bytes)
        };
        let filled: Result<(), Fault> = self.model.inputs.iter_mut().try_for_each(fill);
        filled.map_err(|fault| self.failed(&fault))
    }

    pub(super) fn failed(&self, fault: &Fault) -> RuntimeError {
        RuntimeError::Failed {
            runtime: NAME.to_owned(),
            model: self.name.clone(),
            reason: fault.to_string(),
        }
    }
}

fn require_floats(buffer: &Buffer) -> Result<(), Fault> {
    if buffer.element == FLOAT32 {
        return Ok(());
    }
    Err(Fault::NotFloats {
        name: buffer.name.clone(),
        element: buffer.element,
    })
}

fn read(output: &Buffer) -> Result<LiteRtOutput, Fault> {
    require_floats(output)?;
    let bytes = output.read()?;
    let values = bytes
        .chunks_exact(4)
        .map(|value| f32::from_le_bytes([value[0], value[1], value[2], value[3]]));
    Ok(LiteRtOutput {
        name: output.name.clone(),
        shape: output.shape.clone(),
        values: values.collect(),
    })
}
