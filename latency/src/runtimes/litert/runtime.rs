//! LiteRT as a runtime for measuring latency.

use std::path::Path;

use mnas_space::quantisation::{Range, Ranges};
use mnas_space::tflite::{self, Interface, TfliteOptions};
use mnas_space::{Graph, RandomWeights};

use super::super::clock::Stopwatch;
use super::library::{Library, NAME};
use super::session::LiteRtSession;
use crate::duration::Milliseconds;
use crate::error::RuntimeError;
use crate::runtime::{LoadedModel, Model, ModelForm, Runtime};

/// Range assumed for all activations of models with random weights: a few standard deviations.
const RANDOM_RANGE: (f32, f32) = (-4.0, 4.0);

/// LiteRT on the CPU with a fixed number of threads.
pub struct LiteRt {
    library: Library,
    threads: usize,
    is_int8: bool,
}

impl LiteRt {
    /// Loads the library at `library` and runs every model on `threads` threads, in 32-bit floats.
    ///
    /// A process can use only one library; loading another one later is an error.
    pub fn new(library: &Path, threads: usize) -> Result<Self, RuntimeError> {
        Ok(Self {
            library: Library::load(library)?,
            threads: threads.max(1),
            is_int8: false,
        })
    }

    /// Runs models in 8-bit integers, with one scale per channel for weights and one per tensor for activations.
    #[must_use]
    pub fn with_int8(mut self) -> Self {
        self.is_int8 = true;
        self
    }

    /// Loads a TFLite file for computing results; `name` is for messages.
    pub fn session(&self, file: &[u8], name: &str) -> Result<LiteRtSession, RuntimeError> {
        LiteRtSession::new(&self.library, file, self.threads, name)
    }

    /// Encodes a graph with random weights as a TFLite file, for measuring latency.
    fn file(&self, graph: &Graph, name: &str) -> Result<Vec<u8>, RuntimeError> {
        let precision = if self.is_int8 {
            let (low, high) = RANDOM_RANGE;
            tflite::Precision::Int8 {
                ranges: Ranges::uniform(Range::new(low, high).expect("the bounds are finite")),
                interface: Interface::Int8,
            }
        } else {
            tflite::Precision::Float32
        };
        let options = TfliteOptions {
            precision,
            ..TfliteOptions::default()
        };
        tflite::encode(graph, &RandomWeights { seed: 0 }, &options).map_err(|error| refused(name, &error))
    }
}

fn refused(model: &str, reason: &dyn std::fmt::Display) -> RuntimeError {
    RuntimeError::Refused {
        runtime: NAME.to_owned(),
        model: model.to_owned(),
        reason: reason.to_string(),
    }
}

impl Runtime for LiteRt {
    fn name(&self) -> &str {
        NAME
    }

    fn version(&self) -> &str {
        &self.library.version
    }

    fn model_form(&self) -> ModelForm {
        ModelForm::Blocks
    }

    /// All threads: the calling one, and the others, which loading a model starts.
    fn pinnable_threads(&self) -> usize {
        self.threads
    }

    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError> {
        let Some(graph) = model.graph() else {
            return Err(refused(&model.name, &"it is an ONNX file, and LiteRT reads TFLite"));
        };
        let mut session = self.session(&self.file(&graph, &model.name)?, &model.name)?;
        if !session.is_fully_accelerated()? {
            tracing::warn!(
                model = model.name,
                "XNNPACK does not compute the whole model; parts of it run in slow reference operators"
            );
        }
        session.fill()?;
        Ok(Box::new(LiteRtModel { session }))
    }
}

struct LiteRtModel {
    session: LiteRtSession,
}

impl LoadedModel for LiteRtModel {
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError> {
        let watch = Stopwatch::start();
        for _ in 0..inferences {
            self.session.model.run().map_err(|fault| self.session.failed(&fault))?;
        }
        Ok(watch.stop())
    }
}
