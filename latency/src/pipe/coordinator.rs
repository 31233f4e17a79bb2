//! Coordinator side: starts a process, writes requests to it, and ends it.

use std::io::{BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::command::CommandLine;
use super::error::PipeError;
use super::event::Event;
use super::lines::{Line, read_line};
use super::message::{Content, HELLO_ID, Hello, VERSION, encode};
use super::options::PipeOptions;
use super::process::{Process, Started};
use super::reader::Reader;
use super::state::Shared;
use super::stderr::StderrTarget;
use crate::machine::HostFacts;

/// Maximum length of a line in bytes.
const LONGEST_LINE: usize = 16 << 20;

/// Capacity, in lines, of the queue between the thread that reads lines and the one that interprets them.
const LINES_AHEAD: usize = 256;

/// Running process behind a pipe.
#[derive(Debug)]
pub struct Pipe {
    shared: Arc<Shared>,
    /// Channel to the writing thread; dropping it closes the process's stdin.
    requests: Option<Sender<Vec<u8>>>,
    next_id: u64,
    grace: Duration,
}

impl Pipe {
    /// Starts a process and sends the hello. A thread of the pipe calls `sink` with each event of the process.
    pub fn start<A: DeserializeOwned + Send + 'static>(
        command: &CommandLine,
        options: &PipeOptions,
        sink: impl FnMut(Event<A>) + Send + 'static,
    ) -> Result<Self, PipeError> {
        let name = options.protocol.name;
        let target = match &options.log {
            Some(path) => StderrTarget::file(path, command).map_err(|error| PipeError::Log {
                name,
                file: path.display().to_string(),
                reason: error.to_string(),
            })?,
            None => StderrTarget::Tracing { name },
        };
        let Started {
            process,
            input,
            output,
            errors,
        } = Process::start(command, target).map_err(|error| PipeError::Start {
            name,
            command: command.to_string(),
            reason: error.to_string(),
        })?;
        let shared = Arc::new(Shared {
            name,
            command: command.to_string(),
            process,
            errors,
            last_stray: Mutex::new(None),
            stray_lines: AtomicU64::new(0),
        });
        let reader = Reader::new(Arc::clone(&shared), options, lines_of(output), sink);
        thread::spawn(move || reader.run());
        let pipe = Self {
            shared,
            requests: Some(writer_of(input)),
            next_id: HELLO_ID + 1,
            grace: options.grace,
        };
        pipe.write(HELLO_ID, Content::Hello::<Value>(&hello(options)));
        Ok(pipe)
    }

    /// Sends a request and returns its identifier. If the process has ended, [`Event::Ended`] reports it, not this method.
    pub fn request<Q: Serialize>(&mut self, request: &Q) -> u64 {
        self.sized_request(request).0
    }

    /// Sends a request; returns its identifier and the length of its line in bytes.
    pub(super) fn sized_request<Q: Serialize>(&mut self, request: &Q) -> (u64, usize) {
        let id = self.next_id;
        self.next_id += 1;
        (id, self.write(id, Content::Request(request)))
    }

    fn write<T: Serialize>(&self, id: u64, content: Content<'_, T>) -> usize {
        let line = encode(Some(id), content).unwrap_or_else(|error| panic!("requests are plain JSON: {error}"));
        let length = line.len();
        if let Some(requests) = &self.requests {
            // Sending fails only after the writing thread, and therefore the process, has ended.
            let _ = requests.send(line);
        }
        length
    }

    /// Closes the process's stdin, which requests the process to end. To end many processes in parallel, close all of them before
    /// dropping any.
    pub fn close(&mut self) {
        self.requests = None;
    }

    /// Kills the process and its group immediately.
    pub fn kill(&mut self) {
        self.close();
        self.shared.process.end(Duration::ZERO);
    }

    /// Identifier of the process and of its process group.
    pub fn process_id(&self) -> u32 {
        self.shared.process.id()
    }

    /// Number of lines so far that were not messages.
    pub fn stray_lines(&self) -> u64 {
        self.shared.stray_lines.load(Ordering::Relaxed)
    }

    /// Last line of the process on stderr, or else its last line on stdout that was not a message; shortened.
    pub fn last_line(&self) -> Option<String> {
        self.shared.last_line()
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.close();
        self.shared.process.end(self.grace);
    }
}

fn hello(options: &PipeOptions) -> Hello {
    Hello {
        protocol: options.protocol.name.to_owned(),
        version: options.protocol.version,
        program: format!("mnas {VERSION}"),
        host: HostFacts::gather(),
        heartbeat_ms: options
            .heartbeat
            .map(|heartbeat| u64::try_from(heartbeat.every.as_millis()).unwrap_or(u64::MAX)),
        payload: Value::Null,
    }
}

/// Starts a thread that writes lines to a process.
fn writer_of(input: Option<ChildStdin>) -> Sender<Vec<u8>> {
    let (sender, lines) = channel::<Vec<u8>>();
    if let Some(mut input) = input {
        thread::spawn(move || {
            // Writing fails only after the process has ended, which the end of its output reports.
            lines
                .iter()
                .all(|line| input.write_all(&line).and_then(|()| input.flush()).is_ok());
        });
    }
    sender
}

/// Starts a thread that reads the lines of a process.
fn lines_of(output: Option<ChildStdout>) -> Receiver<Line> {
    let (sender, lines) = sync_channel(LINES_AHEAD);
    if let Some(output) = output {
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Ok(Some(line)) = read_line(&mut output, LONGEST_LINE) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    lines
}
