//! One worker, and one request at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use mnas_engine::training::TrainDevice;
use mnas_engine::worker::{FailureKind, FromWorker, PROTOCOL, ToWorker, WorkerFacts};
use mnas_latency::pipe::{CommandLine, Event, Hello, Pipe, PipeError, PipeOptions};

use super::error::{PROGRAM, WorkerError};
use super::program::command;

/// Time between two checks of a cancel flag.
const TICK: Duration = Duration::from_millis(100);

/// A running worker.
#[derive(Debug)]
pub struct WorkerClient {
    pipe: Pipe,
    events: Receiver<Event<FromWorker>>,
    facts: WorkerFacts,
    /// Identifier of the last request.
    last: u64,
}

impl WorkerClient {
    /// Starts the worker of this installation, to train on `device`.
    pub fn start(device: TrainDevice) -> Result<Self, WorkerError> {
        Self::start_command(&command(device)?)
    }

    fn start_command(command: &CommandLine) -> Result<Self, WorkerError> {
        let (sender, events) = channel();
        let pipe = Pipe::start(command, &PipeOptions::new(PROTOCOL), move |event| {
            // A client that was dropped needs no events.
            let _ = sender.send(event);
        })?;
        let version = |found: String| WorkerError::Version {
            command: command.to_string(),
            found,
        };
        let hello: Hello = match events.recv() {
            Ok(Event::Hello(hello)) => *hello,
            Ok(Event::Ended(PipeError::Version { program, found, .. })) => {
                return Err(version(format!("{program} with protocol {found}")));
            }
            Ok(Event::Ended(error)) => return Err(error.into()),
            Ok(_) | Err(_) => unreachable!("hello or the end comes first"),
        };
        if hello.program != concat!("mnas-worker ", env!("CARGO_PKG_VERSION")) {
            return Err(version(hello.program));
        }
        let facts = serde_json::from_value(hello.payload).map_err(|error| version(format!("{PROGRAM} ({error})")))?;
        Ok(Self {
            pipe,
            events,
            facts,
            last: 0,
        })
    }

    /// Facts about the libtorch of the worker.
    pub fn facts(&self) -> &WorkerFacts {
        &self.facts
    }

    /// Sends a request and waits for its reply.
    pub fn request(&mut self, request: &ToWorker) -> Result<FromWorker, WorkerError> {
        self.send(request);
        self.reply()
    }

    /// Sends a request whose reply is read by [`WorkerClient::reply`].
    pub fn send(&mut self, request: &ToWorker) {
        self.last = self.pipe.request(request);
    }

    /// Waits for the reply to the last request.
    pub fn reply(&mut self) -> Result<FromWorker, WorkerError> {
        self.wait(None, &mut |_| ())
    }

    /// Sends a request and waits for its reply; `on_progress` receives its progress. Once `cancel` is set, the request is cancelled, and
    /// the worker replies after a training has saved its checkpoint.
    pub fn request_cancellable(
        &mut self,
        request: &ToWorker,
        cancel: &AtomicBool,
        on_progress: &mut dyn FnMut(FromWorker),
    ) -> Result<FromWorker, WorkerError> {
        self.send(request);
        self.wait(Some(cancel), on_progress)
    }

    fn wait(
        &mut self,
        cancel: Option<&AtomicBool>,
        on_progress: &mut dyn FnMut(FromWorker),
    ) -> Result<FromWorker, WorkerError> {
        let mut cancel = cancel;
        loop {
            if cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
                self.pipe.request(&ToWorker::Cancel);
                cancel = None;
            }
            match self.events.recv_timeout(TICK) {
                Ok(Event::Progress { id, content }) if id == self.last => on_progress(content),
                Ok(Event::Reply { id, content }) if id == self.last => return result_of(content),
                Ok(Event::Rejected { id, reason }) if id.is_none_or(|id| id == self.last) => {
                    return Err(WorkerError::Failed {
                        reason: format!("{PROGRAM} rejects a request: {reason}"),
                        kind: FailureKind::Computation,
                    });
                }
                Ok(Event::Ended(error)) => return Err(error.into()),
                // Lines about an earlier request, such as the reply to a cancellation.
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => unreachable!("the end comes last, and ends the wait"),
            }
        }
    }
}

/// Separates results from failures.
fn result_of(reply: FromWorker) -> Result<FromWorker, WorkerError> {
    match reply {
        FromWorker::Failed { reason, kind } | FromWorker::Refused { reason, kind } => {
            Err(WorkerError::Failed { reason, kind })
        }
        FromWorker::Unsaved { reason } => Err(WorkerError::Unsaved { reason }),
        FromWorker::Interrupted { epoch } => Err(WorkerError::Interrupted { epoch }),
        result => Ok(result),
    }
}
