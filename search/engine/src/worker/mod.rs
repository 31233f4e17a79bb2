//! Requests to worker processes and their replies.
//!
//! Workers hold libtorch and the images. They are started with a command (`mnas worker`, `ssh host mnas worker`,
//! `srun mnas worker`) and answer requests over a [pipe](mnas_latency::pipe).

mod protocol;

pub use protocol::{FromWorker, PROTOCOL, Ready, ToWorker, TrainRequest, TrainResult};
