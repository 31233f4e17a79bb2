//! Worker processes: they hold libtorch and the data set, train one candidate at a time, and may die.
//!
//! The coordinator starts a worker with a command (`mnas worker` by default; `ssh host mnas worker` or
//! `srun mnas worker` work the same) and exchanges JSON lines over its pipes. `protocol` says what is exchanged, `serve`
//! is the worker's side, `pool` the coordinator's.

mod pool;
mod protocol;
#[cfg(all(test, unix))]
pub(crate) mod testing;

pub use pool::{Pool, PoolError, PoolEvent, WorkerCommand};
pub use protocol::{FromWorker, Ready, ToWorker, TrainRequest, TrainResult};
