//! The coordinator's side: starts workers, hands out trainings, notices deaths.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use mnas_latency::pipe::{CommandLine, Event, Pipe, PipeError, PipeOptions, Tagged};

use super::protocol::{FromWorker, PROTOCOL, Ready, ToWorker, TrainRequest};
use crate::files::FileError;

/// How a worker is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand(pub CommandLine);

/// What happened in the pool.
#[derive(Debug)]
pub enum PoolEvent {
    /// A worker loaded the images and is free.
    Ready {
        /// Which worker.
        worker: usize,
        /// What it loaded.
        ready: Box<Ready>,
    },
    /// Images are being decoded.
    Loading {
        /// Images done.
        done: usize,
        /// Images in all.
        total: usize,
    },
    /// A worker cannot load the images.
    Refused {
        /// Why.
        reason: String,
    },
    /// A training answered: progress, done or failed.
    Trial {
        /// Which training.
        trial: u64,
        /// Its answer.
        message: FromWorker,
    },
    /// A worker died; its training, if it had one, has to be given to another.
    Died {
        /// Which worker.
        worker: usize,
        /// The training it had.
        trial: Option<u64>,
        /// Exit status and the last line it wrote to stderr.
        reason: String,
    },
}

/// Why the pool cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The worker's program does not start.
    #[error(transparent)]
    Start(#[from] PipeError),
    /// The worker's log cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A set of worker processes.
#[derive(Debug)]
pub struct Pool {
    command: WorkerCommand,
    prepare: ToWorker,
    logs: PathBuf,
    workers: Vec<Worker>,
    sender: Sender<Tagged<FromWorker>>,
    events: Receiver<Tagged<FromWorker>>,
}

#[derive(Debug)]
struct Worker {
    pipe: Pipe,
    /// Counts starts of this slot, so that lines of a dead predecessor are told apart.
    generation: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Loading,
    Free,
    Busy { trial: u64, request: u64 },
    Gone,
}

impl Pool {
    /// A pool without workers; every worker that is started will be told `prepare` first, and writes its log to a file
    /// in `logs`.
    pub fn new(command: WorkerCommand, prepare: ToWorker, logs: &Path) -> Self {
        let (sender, events) = channel();
        Self {
            command,
            prepare,
            logs: logs.to_path_buf(),
            workers: Vec::new(),
            sender,
            events,
        }
    }

    /// Workers started and not dead.
    pub fn alive(&self) -> usize {
        self.workers.iter().filter(|worker| worker.state != State::Gone).count()
    }

    /// Starts workers until `count` have been started; each says `Ready` when it has loaded the images.
    pub fn grow(&mut self, count: usize) -> Result<(), PoolError> {
        while self.workers.len() < count {
            let index = self.workers.len();
            let worker = self.start(index, 0)?;
            self.workers.push(worker);
        }
        Ok(())
    }

    /// Starts a dead worker again.
    pub fn restart(&mut self, index: usize) -> Result<(), PoolError> {
        let generation = self.workers[index].generation + 1;
        self.workers[index] = self.start(index, generation)?;
        Ok(())
    }

    fn start(&self, index: usize, generation: u64) -> Result<Worker, PoolError> {
        crate::files::create_folder(&self.logs)?;
        let options = PipeOptions {
            log: Some(self.logs.join(format!("worker-{index}.log"))),
            hello: None,
            ..PipeOptions::new(PROTOCOL)
        };
        let sink = Tagged::sink(self.sender.clone(), index, generation);
        let mut pipe = Pipe::start::<FromWorker>(&self.command.0, &options, sink)?;
        pipe.request(&self.prepare);
        Ok(Worker {
            pipe,
            generation,
            state: State::Loading,
        })
    }

    /// Whether some worker is free.
    pub fn has_free(&self) -> bool {
        self.workers.iter().any(|worker| worker.state == State::Free)
    }

    /// Whether no worker has a training.
    pub fn is_idle(&self) -> bool {
        !self
            .workers
            .iter()
            .any(|worker| matches!(worker.state, State::Busy { .. }))
    }

    /// Gives a training to a free worker; false where none is free.
    pub fn assign(&mut self, trial: u64, request: TrainRequest) -> bool {
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.state == State::Free) else {
            return false;
        };
        let request = worker.pipe.request(&ToWorker::Train(Box::new(request)));
        worker.state = State::Busy { trial, request };
        true
    }

    /// The next event; `None` when nothing happened for `timeout`.
    pub fn next(&mut self, timeout: Duration) -> Option<PoolEvent> {
        loop {
            let Tagged {
                index,
                generation,
                event,
            } = self.events.recv_timeout(timeout).ok()?;
            if self.workers[index].generation != generation {
                continue;
            }
            let state = &mut self.workers[index].state;
            let event = match event {
                Event::Ended(error) => Some(self.end(index, &error)),
                Event::Rejected { reason, .. }
                | Event::Reply {
                    content: FromWorker::Refused { reason, .. },
                    ..
                } => Some(PoolEvent::Refused { reason }),
                Event::Progress {
                    content: FromWorker::Loading { done, total },
                    ..
                } => Some(PoolEvent::Loading { done, total }),
                Event::Progress { id, content } => match *state {
                    State::Busy { trial, request } if request == id => Some(PoolEvent::Trial {
                        trial,
                        message: content,
                    }),
                    _ => None,
                },
                Event::Reply {
                    content: FromWorker::Ready(ready),
                    ..
                } => {
                    *state = State::Free;
                    Some(PoolEvent::Ready { worker: index, ready })
                }
                Event::Reply { id, content } => match *state {
                    State::Busy { trial, request } if request == id => {
                        *state = State::Free;
                        Some(PoolEvent::Trial {
                            trial,
                            message: content,
                        })
                    }
                    _ => None,
                },
                Event::Hello(_) => None,
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// Takes note of a worker whose process ended.
    fn end(&mut self, index: usize, error: &PipeError) -> PoolEvent {
        let worker = &mut self.workers[index];
        let trial = match worker.state {
            State::Busy { trial, .. } => Some(trial),
            _ => None,
        };
        worker.state = State::Gone;
        worker.pipe.kill();
        PoolEvent::Died {
            worker: index,
            trial,
            reason: error.to_string(),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            // Whatever it is doing is abandoned; results that were reported are in the journal.
            worker.pipe.kill();
        }
    }
}
