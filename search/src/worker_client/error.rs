//! Failures of requests to a worker.

use std::path::PathBuf;

use mnas_engine::worker::{FailureKind, FromWorker};
use mnas_latency::pipe::{CommandLineError, PipeError};

/// Name of the program that trains and measures with libtorch.
pub(super) const PROGRAM: &str = "mnas-worker";

/// Environment variable with its path, for a program that is found in no other way.
pub(super) const VARIABLE: &str = "MNAS_WORKER";

/// A failed request to a worker.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The program is not installed.
    #[error(
        "cannot find {PROGRAM}, the program that trains and measures with libtorch: it is neither in {} nor on the PATH; install both programs \
         with `cargo mnas install`, or set {VARIABLE} to its path", folder.display()
    )]
    NotFound {
        /// Folder of the running program.
        folder: PathBuf,
    },
    /// The program is of another version.
    #[error(
        "`{command}` is {found}, this is mnas {}; install both programs of one version with `cargo mnas install`",
        env!("CARGO_PKG_VERSION")
    )]
    Version {
        /// The command that started it.
        command: String,
        /// Name and version of the program.
        found: String,
    },
    /// The command line is invalid.
    #[error(transparent)]
    Command(#[from] CommandLineError),
    /// The process cannot be started, or has ended.
    #[error(transparent)]
    Pipe(#[from] PipeError),
    /// The worker reports a failure.
    #[error("{reason}")]
    Failed {
        /// Message of the worker.
        reason: String,
        /// Cause of the failure.
        kind: FailureKind,
    },
    /// A file of a training cannot be written.
    #[error("{reason}")]
    Unsaved {
        /// The file, the reason, and the remedy.
        reason: String,
    },
    /// The request was cancelled.
    #[error("interrupted")]
    Interrupted {
        /// Epoch of a training, from 1; 0 before the first.
        epoch: u32,
    },
    /// The reply belongs to another kind of request.
    #[error("{PROGRAM} sent an unexpected reply: {reply}")]
    Unexpected {
        /// The reply, shortened.
        reply: String,
    },
}

impl WorkerError {
    /// The error for a reply that does not fit its request.
    pub fn unexpected(reply: &FromWorker) -> Self {
        let mut reply = format!("{reply:?}");
        if let Some((at, _)) = reply.char_indices().nth(120) {
            reply.truncate(at);
        }
        Self::Unexpected { reply }
    }
}
