//! Connection to one process, with one request at a time.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::command::CommandLine;
use super::coordinator::Pipe;
use super::error::PipeError;
use super::event::Event;
use super::message::Hello;
use super::options::PipeOptions;

/// Assumed minimum transfer rate, that of a slow radio link; it extends the time-out of long requests.
const BYTES_PER_SECOND: u64 = 200_000;

/// Connection to a running process, which sends a request and waits for its reply.
#[derive(Debug)]
pub struct Connection<A> {
    pipe: Pipe,
    events: Receiver<Event<A>>,
    hello: Hello,
    ended: Option<PipeError>,
}

impl<A: DeserializeOwned + Send + 'static> Connection<A> {
    /// Starts a process and waits for its hello.
    pub fn open(command: &CommandLine, options: &PipeOptions) -> Result<Self, PipeError> {
        let (sender, events) = channel();
        let pipe = Pipe::start(command, options, move |event| {
            // Sending fails only after the connection was dropped.
            let _ = sender.send(event);
        })?;
        let hello = match events.recv() {
            Ok(Event::Hello(hello)) => *hello,
            Ok(Event::Ended(error)) => return Err(error),
            Ok(_) | Err(_) => unreachable!("hello or the end comes first"),
        };
        Ok(Self {
            pipe,
            events,
            hello,
            ended: None,
        })
    }

    /// Hello of the process.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Sends a request and waits for its reply.
    ///
    /// `expected` is the name of the reply in errors. `timeout` is the longest time without progress or a reply, in addition to the
    /// transfer time of a long request; a process that exceeds it is killed.
    pub fn request<Q: Serialize>(
        &mut self,
        request: &Q,
        expected: &'static str,
        timeout: Duration,
        progress: &mut dyn FnMut(A),
    ) -> Result<A, PipeError> {
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        let (wanted, length) = self.pipe.sized_request(request);
        let timeout = timeout + Duration::from_millis(1000 * length as u64 / BYTES_PER_SECOND);
        let mut deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(Event::Reply { id, content }) if id == wanted => return Ok(content),
                Ok(Event::Progress { id, content }) if id == wanted => {
                    deadline = Instant::now() + timeout;
                    progress(content);
                }
                // An error without an identifier can only concern this request.
                Ok(Event::Rejected { id, reason }) if id.is_none_or(|id| id == wanted) => {
                    let shared = self.pipe.shared();
                    return Err(PipeError::Rejected {
                        name: shared.name,
                        command: shared.command.clone(),
                        reason,
                    });
                }
                Ok(Event::Ended(error)) => return Err(self.end(error)),
                Ok(_) => tracing::debug!("a line about an earlier request"),
                Err(RecvTimeoutError::Timeout) => {
                    let error = self.pipe.shared().timed_out(expected, timeout);
                    self.pipe.kill();
                    return Err(self.end(error));
                }
                Err(RecvTimeoutError::Disconnected) => unreachable!("the end comes last, and is kept"),
            }
        }
    }

    fn end(&mut self, error: PipeError) -> PipeError {
        self.ended = Some(error.clone());
        error
    }

    /// Creates an error for a reply that does not match its request.
    pub fn unexpected(&self, reply: &impl std::fmt::Debug) -> PipeError {
        self.pipe.shared().stray(&format!("{reply:?}"))
    }
}
