//! The coordinator's side: starts workers, hands out trainings, notices deaths.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::protocol::{FromWorker, Ready, ToWorker, TrainRequest};
use crate::files::FileError;

/// How a worker is started: a program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

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
    Trial(FromWorker),
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
    #[error("cannot start worker `{}`: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
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
    sender: Sender<(usize, u64, Option<String>)>,
    events: Receiver<(usize, u64, Option<String>)>,
}

#[derive(Debug)]
struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    /// Counts starts of this slot, so that lines of a dead predecessor are told apart.
    generation: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Loading,
    Free,
    Busy(u64),
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
        let path = self.log_path(index);
        let log = std::fs::File::create(&path).map_err(|source| FileError::write(&path, source))?;
        let mut child = Command::new(&self.command.program)
            .args(&self.command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|source| PoolError::Start {
                program: self.command.program.clone(),
                source,
            })?;
        let input = child.stdin.take();
        let output = child.stdout.take();
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            for line in output
                .into_iter()
                .flat_map(|output| BufReader::new(output).split(b'\n'))
            {
                let Ok(line) = line else { break };
                // What is not text is no message, but no reason to lose the worker either.
                let line = String::from_utf8_lossy(&line).into_owned();
                if sender.send((index, generation, Some(line))).is_err() {
                    return;
                }
            }
            // The pool may be gone already.
            let _ = sender.send((index, generation, None));
        });
        let mut worker = Worker {
            child,
            input,
            generation,
            state: State::Loading,
        };
        worker.say(&self.prepare);
        Ok(worker)
    }

    fn log_path(&self, index: usize) -> PathBuf {
        self.logs.join(format!("worker-{index}.log"))
    }

    /// Whether some worker is free.
    pub fn has_free(&self) -> bool {
        self.workers.iter().any(|worker| worker.state == State::Free)
    }

    /// Whether no worker has a training.
    pub fn is_idle(&self) -> bool {
        !self.workers.iter().any(|worker| matches!(worker.state, State::Busy(_)))
    }

    /// Gives a training to a free worker; false where none is free.
    pub fn assign(&mut self, request: TrainRequest) -> bool {
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.state == State::Free) else {
            return false;
        };
        worker.state = State::Busy(request.trial);
        worker.say(&ToWorker::Train(Box::new(request)));
        true
    }

    /// The next event; `None` when nothing happened for `timeout`.
    pub fn next(&mut self, timeout: Duration) -> Option<PoolEvent> {
        loop {
            let (index, generation, line) = match self.events.recv_timeout(timeout) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            };
            if self.workers[index].generation != generation {
                continue;
            }
            let Some(line) = line else {
                return Some(self.bury(index));
            };
            match serde_json::from_str::<FromWorker>(&line) {
                Ok(message) => {
                    if let Some(event) = self.heard(index, message) {
                        return Some(event);
                    }
                    tracing::warn!("worker {index} says something out of turn: {line}");
                }
                Err(error) => tracing::warn!("worker {index} says something unknown ({error}): {line}"),
            }
        }
    }

    /// What a message means; `None` for answers to what the worker was not asked, which must not reach a journal.
    fn heard(&mut self, index: usize, message: FromWorker) -> Option<PoolEvent> {
        let state = &mut self.workers[index].state;
        match message {
            FromWorker::Ready(ready) => {
                (*state == State::Loading).then(|| *state = State::Free)?;
                Some(PoolEvent::Ready { worker: index, ready })
            }
            FromWorker::Loading { done, total } => Some(PoolEvent::Loading { done, total }),
            FromWorker::Refused { reason } => Some(PoolEvent::Refused { reason }),
            FromWorker::Done { trial, .. } | FromWorker::Failed { trial, .. } | FromWorker::Unsaved { trial, .. } => {
                (*state == State::Busy(trial)).then(|| *state = State::Free)?;
                Some(PoolEvent::Trial(message))
            }
            FromWorker::Progress { trial, .. } => (*state == State::Busy(trial)).then_some(PoolEvent::Trial(message)),
        }
    }

    /// Takes note of a worker whose output ended.
    fn bury(&mut self, index: usize) -> PoolEvent {
        let last_words = std::fs::read(self.log_path(index)).unwrap_or_default();
        let last_line = String::from_utf8_lossy(&last_words)
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .map(str::to_owned);
        let worker = &mut self.workers[index];
        let trial = match worker.state {
            State::Busy(trial) => Some(trial),
            _ => None,
        };
        worker.state = State::Gone;
        worker.input = None;
        // It may have closed its output and live on; it is of no use either way.
        let _ = worker.child.kill();
        let status = worker
            .child
            .wait()
            .map_or_else(|error| error.to_string(), |status| status.to_string());
        let reason = last_line.map_or_else(|| status.clone(), |line| format!("{status}: {line}"));
        PoolEvent::Died {
            worker: index,
            trial,
            reason,
        }
    }
}

impl Worker {
    fn say(&mut self, message: &ToWorker) {
        // A worker that cannot be written to is dead; its closed output says so to the pool.
        if let (Some(input), Ok(mut line)) = (&mut self.input, serde_json::to_vec(message)) {
            line.push(b'\n');
            let _ = input.write_all(&line).and_then(|()| input.flush());
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.input = None;
            // Whatever it is doing is abandoned; results that were reported are in the journal.
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
