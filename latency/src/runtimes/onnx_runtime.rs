//! ONNX Runtime on the CPU or a GPU; the library is loaded at run time.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::{Environment, GlobalThreadPoolOptions};
use ort::ep::{CUDA, ExecutionProvider};
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{IoBinding, Session};
use ort::value::Tensor;

use super::clock::Stopwatch;
use crate::duration::Milliseconds;
use crate::error::RuntimeError;
use crate::machine::{HostFacts, Processor};
use crate::runtime::{LoadedModel, Model, Runtime};

pub(super) const NAME: &str = "onnxruntime";
/// Name of the library in messages.
const LIBRARY: &str = "ONNX Runtime";

/// First library that was loaded successfully; a process has only one library and environment.
static LOADED: Mutex<Option<Library>> = Mutex::new(None);

#[derive(Clone)]
struct Library {
    path: PathBuf,
    version: String,
    environment: Environment,
    /// Number of threads of the pool, which sessions with this number of threads share; see [`Library::load`].
    pool: usize,
}

/// ONNX Runtime with its CPU or CUDA provider, all graph optimisations, and a fixed number of threads.
pub struct OnnxRuntime {
    library: Library,
    threads: usize,
    processor: Processor,
}

impl OnnxRuntime {
    /// Loads the library at `library` and runs every model on `threads` threads.
    ///
    /// A process can use only one library; loading another one later is an error.
    pub fn new(library: &Path, threads: usize) -> Result<Self, RuntimeError> {
        Ok(Self {
            library: Library::load(library, threads.max(1))?,
            threads: threads.max(1),
            processor: Processor::Cpu,
        })
    }

    /// Runs models on the first NVIDIA GPU; it is an error if the library has no CUDA provider. The latency includes copying the
    /// input to the GPU and the output back.
    pub fn with_cuda(mut self) -> Result<Self, RuntimeError> {
        if !CUDA::is_available().unwrap_or(false) {
            return Err(RuntimeError::NoCuda {
                reason: format!(
                    "the ONNX Runtime library {} has no CUDA provider; set ORT_DYLIB_PATH to the library of onnxruntime-gpu",
                    self.library.path.display()
                ),
            });
        }
        self.processor = Processor::Cuda;
        Ok(self)
    }

    pub(super) fn session(&self, onnx: &[u8]) -> Result<Session, ort::Error> {
        let builder = Session::builder(&self.library.environment)?;
        let builder = match self.processor {
            Processor::Cpu => builder,
            Processor::Cuda => builder.with_execution_providers([CUDA::default().build().error_on_failure()])?,
        };
        let builder = if self.library.pool == self.threads {
            builder
        } else {
            builder.with_independent_thread_pool()?
        };
        builder
            .with_intra_threads(self.threads)?
            .with_inter_threads(1)?
            .with_parallel_execution(false)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .commit_from_memory(onnx)
    }

    /// Computes the values of the first output of a file for `values`, the values of its only input, `[1, channels, height, width]`.
    /// For checking exported files, not for measurement.
    pub fn infer(&self, onnx: &[u8], input: mnas_space::Shape, values: Vec<f32>) -> Result<Vec<f32>, RuntimeError> {
        let shape = [1, input.channels as usize, input.height as usize, input.width as usize];
        self.open(onnx, "exported file")?.infer(&shape, values)
    }

    fn bind(session: &Session, input: mnas_space::Shape) -> Result<IoBinding, ort::Error> {
        let shape = [1, input.channels as usize, input.height as usize, input.width as usize];
        // Ordinary numbers of both signs, without denormals.
        let values = (0..input.elements())
            .map(|i| (i % 17) as f32 / 8.0 - 1.0)
            .collect::<Vec<_>>();
        let mut binding = session.create_binding()?;
        for outlet in session.inputs() {
            binding.bind_input(outlet.name(), &Tensor::from_array((shape, values.clone()))?)?;
        }
        for outlet in session.outputs() {
            binding.bind_output_to_device(outlet.name(), &session.allocator().memory_info().to_owned())?;
        }
        Ok(binding)
    }
}

impl Library {
    /// Loads the library, or returns it if it is already loaded. It is an error if another one is loaded.
    ///
    /// Models on several threads share a thread pool, whose size is the number of threads of the first call. By default, every
    /// model would have its own threads, which keep spinning for a while after each inference on processors that the next
    /// model needs.
    fn load(path: &Path, threads: usize) -> Result<Self, RuntimeError> {
        let path = path.canonicalize().map_err(|_| RuntimeError::LibraryMissing {
            runtime: LIBRARY,
            path: path.to_owned(),
        })?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = loaded.as_ref() {
            return if library.path == path {
                Ok(library.clone())
            } else {
                Err(RuntimeError::AnotherLibrary {
                    path,
                    loaded: library.path.clone(),
                })
            };
        }
        let unusable = |reason: String| RuntimeError::LibraryUnusable {
            runtime: LIBRARY,
            path: path.clone(),
            reason,
            oldest: format!("1.{}", ort::MINOR_VERSION),
        };
        let builder = ort::init_from(&path).map_err(|error| unusable(error.to_string()))?;
        let mut builder = builder.with_name("mnas").with_telemetry(false);
        if threads > 1 {
            let pool = GlobalThreadPoolOptions::default()
                .with_intra_threads(threads)
                .and_then(|pool| pool.with_inter_threads(1));
            builder = builder.with_global_thread_pool(pool.map_err(|error| unusable(error.to_string()))?);
        }
        let environment = builder.build().map_err(|error| unusable(error.to_string()))?;
        let version = library_version(&path).unwrap_or_else(|| build_info().to_owned());
        let library = Self {
            path,
            version,
            environment,
            pool: threads,
        };
        *loaded = Some(library.clone());
        Ok(library)
    }
}

fn build_info() -> &'static str {
    ort::info().trim_start_matches("ORT Build Info: ")
}

/// Version that the library's file states in its symbol table (Linux) or install name (macOS).
///
/// The bindings have no safe function for it.
fn library_version(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    [b"VERS_1.".as_slice(), b"libonnxruntime.1."].iter().find_map(|marker| {
        let start = bytes.windows(marker.len()).position(|window| window == *marker)? + marker.len() - 2;
        let rest = &bytes[start..bytes.len().min(start + 24)];
        let end = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit() && *byte != b'.')
            .unwrap_or(rest.len());
        let version = std::str::from_utf8(&rest[..end]).ok()?.trim_end_matches('.');
        (version.split('.').count() == 3).then(|| version.to_owned())
    })
}

impl Runtime for OnnxRuntime {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> &str {
        &self.library.version
    }

    /// One thread for single-threaded models; 0 for others, since their shared pool exists before a model is loaded.
    fn pinnable_threads(&self) -> usize {
        usize::from(self.processor == Processor::Cpu && self.threads == 1)
    }

    fn host(&self) -> HostFacts {
        HostFacts::of_processor(self.processor)
    }

    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError> {
        let refused = |error: ort::Error| RuntimeError::Refused {
            runtime: NAME.to_owned(),
            model: model.name.clone(),
            reason: error.to_string(),
        };
        let session = self.session(&model.onnx()?).map_err(refused)?;
        let binding = Self::bind(&session, model.input()).map_err(refused)?;
        Ok(Box::new(OnnxModel {
            name: model.name.clone(),
            session,
            binding,
        }))
    }
}

struct OnnxModel {
    name: String,
    session: Session,
    binding: IoBinding,
}

impl LoadedModel for OnnxModel {
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError> {
        let watch = Stopwatch::start();
        for _ in 0..inferences {
            self.session
                .run_binding(&self.binding)
                .map_err(|error| RuntimeError::Failed {
                    runtime: NAME.to_owned(),
                    model: self.name.clone(),
                    reason: error.to_string(),
                })?;
        }
        Ok(watch.stop())
    }
}
