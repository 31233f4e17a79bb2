//! tract, a runtime in pure Rust, which needs no library on the device.

use std::sync::Arc;

use tract_onnx::prelude::{
    Datum, Framework, InferenceFact, InferenceModelExt, RunOptions, TValue, Tensor, TractResult, TypedRunnableModel,
    tvec,
};

use super::clock::Stopwatch;
use crate::duration::Milliseconds;
use crate::error::RuntimeError;
use crate::runtime::{LoadedModel, Model, Runtime};

const NAME: &str = "tract";

/// Version of tract in `Cargo.lock`, since the crate itself does not export it.
const VERSION: &str = "0.23.9";

/// tract with its graph optimisations, on the calling thread.
#[derive(Debug)]
pub struct TractRuntime;

impl Runtime for TractRuntime {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> &'static str {
        VERSION
    }

    fn pinnable_threads(&self) -> usize {
        1
    }

    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError> {
        let file = model.onnx()?;
        let shape = model.input();
        let shape = [1, shape.channels as usize, shape.height as usize, shape.width as usize];
        let plan = || -> TractResult<TractModel> {
            let plan = tract_onnx::onnx()
                .model_for_read(&mut &*file)?
                .with_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), shape))?
                .into_optimized()?
                .into_runnable_with_options(&RunOptions::default())?;
            // Ordinary numbers of both signs, without denormals.
            let values: Vec<f32> = (0..shape.iter().product())
                .map(|i: usize| (i % 17) as f32 / 8.0 - 1.0)
                .collect();
            Ok(TractModel {
                name: model.name.clone(),
                plan,
                input: Tensor::from_shape(&shape, &values)?.into(),
            })
        };
        match plan() {
            Ok(model) => Ok(Box::new(model)),
            Err(error) => Err(RuntimeError::Refused {
                runtime: NAME.to_owned(),
                model: model.name.clone(),
                reason: format!("{error:#}"),
            }),
        }
    }
}

struct TractModel {
    name: String,
    plan: Arc<TypedRunnableModel>,
    input: TValue,
}

impl LoadedModel for TractModel {
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError> {
        let watch = Stopwatch::start();
        for _ in 0..inferences {
            self.plan
                .run(tvec!(self.input.clone()))
                .map_err(|error| RuntimeError::Failed {
                    runtime: NAME.to_owned(),
                    model: self.name.clone(),
                    reason: format!("{error:#}"),
                })?;
        }
        Ok(watch.stop())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_crate_in_use() {
        let lock = include_str!("../../../Cargo.lock");
        let entry = format!("name = \"tract-onnx\"\nversion = \"{VERSION}\"");
        assert!(
            lock.contains(&entry),
            "Cargo.lock has another version of tract than {VERSION}"
        );
    }
}
