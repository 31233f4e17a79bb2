//! Requests to worker processes and their replies.
//!
//! Workers hold libtorch and the images. They are started with a command (`mnas-worker serve`, `ssh host mnas-worker serve`,
//! `srun mnas-worker serve`) and answer requests over a [pipe](mnas_latency::pipe).

mod floats;
mod protocol;
mod signals;

pub use floats::{Floats, FloatsError};
pub use protocol::{
    CheckpointRequest, DataThroughput, DataThroughputRequest, EvaluateRequest, Evaluated, FailureKind, FromWorker,
    ImagesRequest, ImagesSource, InheritedWeights, Inspected, LIBTORCH_VERSION, PROTOCOL, Ready, ScoresRequest,
    Throughput, ThroughputRequest, ToWorker, TorchScriptRequest, TorchScriptScoresRequest, TrainRequest, TrainResult,
    WorkerFacts,
};
pub use signals::SignalsRequest;
