//! Serving side: reads requests and writes replies until the input ends.

use std::io::{self, BufRead, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::lines::{Line, excerpt, read_line};
use super::message::{Content, Hello, Protocol, ToServer, encode, id_of};
use crate::machine::HostFacts;

/// Maximum length of a request in bytes: ten times that of a large network as a base64 file.
const LONGEST_LINE: usize = 256 << 20;

/// Facts about the serving side for its hello.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Protocol to serve.
    pub protocol: Protocol,
    /// Name and version of the program, for messages.
    pub program: String,
    /// Facts that coordinators need before the first request; null if there are none.
    pub payload: Value,
}

/// Reporter of progress on the current request, usable from any thread.
pub struct Progress<'a> {
    output: &'a Mutex<dyn Write + Send + 'a>,
    id: u64,
}

impl Progress<'_> {
    /// Sends a progress line. It is an error if the output is closed, which the end of the input also signals.
    pub fn report<A: Serialize>(&self, content: &A) -> io::Result<()> {
        write_line(self.output, Some(self.id), Content::Progress(content))
    }
}

/// Replies to every line of `input` with a line on `output`: to requests with the result of `handle`.
///
/// Returns at the end of the input, after replying to the preceding requests, or with an error if the output cannot be written. A last
/// line without a line ending is truncated and is dropped.
///
/// At the end of the input, which requests the program to end, the reading thread calls `on_end`, even while `handle` runs. A program
/// whose requests take long exits there, so that no work continues without a coordinator.
pub fn serve<Q: DeserializeOwned + Send + 'static, A: Serialize>(
    input: impl BufRead + Send + 'static,
    output: impl Write + Send,
    identity: &Identity,
    on_end: impl FnOnce() + Send + 'static,
    handle: impl FnMut(Q, &Progress<'_>) -> A,
) -> io::Result<()> {
    serve_interruptible(input, output, identity, |_| (), on_end, handle)
}

/// Like [`serve`], but also calls `on_arrival` with every request as soon as it is read, even while `handle` runs on an earlier one. A
/// request can thereby interrupt earlier ones; it is still handled in its turn.
pub fn serve_interruptible<Q: DeserializeOwned + Send + 'static, A: Serialize>(
    input: impl BufRead + Send + 'static,
    output: impl Write + Send,
    identity: &Identity,
    on_arrival: impl Fn(&Q) + Send + 'static,
    on_end: impl FnOnce() + Send + 'static,
    mut handle: impl FnMut(Q, &Progress<'_>) -> A,
) -> io::Result<()> {
    let requests = requests_of(input, on_arrival, on_end);
    let output = Mutex::new(output);
    let output: &Mutex<dyn Write + Send> = &output;
    thread::scope(|scope| {
        // Dropping the sender stops the heartbeats.
        let mut heartbeats: Option<Sender<()>> = None;
        for request in requests {
            let request = match request {
                Ok(request) => request,
                Err((id, reason)) => {
                    write_line(output, id, Content::Error::<Value>(&reason))?;
                    continue;
                }
            };
            let id = request.id;
            if let Some(hello) = request.hello {
                write_line(output, Some(id), Content::Hello::<Value>(&hello_of(identity)))?;
                if let Some(every) = hello["heartbeat-ms"].as_u64().filter(|every| *every > 0) {
                    let (sender, stop) = channel();
                    heartbeats = Some(sender);
                    scope.spawn(move || beat(output, Duration::from_millis(every), &stop));
                }
            }
            if let Some(request) = request.request {
                let reply = handle(request, &Progress { output, id });
                write_line(output, Some(id), Content::Reply(&reply))?;
            }
        }
        drop(heartbeats);
        Ok(())
    })
}

/// Parsed request or hello, or the line's identifier, if any, and the error.
type Read<Q> = Result<ToServer<Q>, (Option<u64>, String)>;

/// Starts the thread that reads requests.
fn requests_of<Q: DeserializeOwned + Send + 'static>(
    mut input: impl BufRead + Send + 'static,
    on_arrival: impl Fn(&Q) + Send + 'static,
    on_end: impl FnOnce() + Send + 'static,
) -> Receiver<Read<Q>> {
    let (sender, requests) = channel();
    thread::spawn(move || {
        loop {
            match read_line(&mut input, LONGEST_LINE) {
                Ok(Some(Line::Complete(line))) if line.trim_ascii().is_empty() => {}
                Ok(Some(line @ (Line::Complete(_) | Line::TooLong(_)))) => {
                    let read = read::<Q>(&line);
                    if let Ok(ToServer {
                        request: Some(request), ..
                    }) = &read
                    {
                        on_arrival(request);
                    }
                    if sender.send(read).is_err() {
                        return;
                    }
                }
                Ok(Some(Line::Cut(_)) | None) => break,
                Err(error) => {
                    tracing::warn!("cannot read requests: {error}");
                    break;
                }
            }
        }
        drop(sender);
        on_end();
    });
    requests
}

fn read<Q: DeserializeOwned>(line: &Line) -> Read<Q> {
    let text = match line {
        Line::Complete(text) => text,
        Line::TooLong(beginning) | Line::Cut(beginning) => {
            let beginning = excerpt(&String::from_utf8_lossy(beginning));
            return Err((
                None,
                format!("a request is longer than {LONGEST_LINE} bytes: {beginning}"),
            ));
        }
    };
    match serde_json::from_slice::<ToServer<Q>>(text) {
        Ok(ToServer {
            id,
            hello: None,
            request: None,
        }) => Err((
            Some(id),
            "this is not a request: it has neither `request` nor `hello`".to_owned(),
        )),
        Ok(request) => Ok(request),
        Err(error) => Err((id_of(text), format!("this is not a request: {error}"))),
    }
}

fn hello_of(identity: &Identity) -> Hello {
    Hello {
        protocol: identity.protocol.name.to_owned(),
        version: identity.protocol.version,
        program: identity.program.clone(),
        host: HostFacts::gather(),
        heartbeat_ms: None,
        payload: identity.payload.clone(),
    }
}

/// Sends heartbeats until `stop` or the output is closed.
fn beat(output: &Mutex<dyn Write + Send + '_>, every: Duration, stop: &Receiver<()>) {
    let mut count = 0;
    while stop.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        count += 1;
        if write_line(output, None, Content::Heartbeat::<Value>(count)).is_err() {
            return;
        }
    }
}

fn write_line<T: Serialize>(
    output: &Mutex<dyn Write + Send + '_>,
    id: Option<u64>,
    content: Content<'_, T>,
) -> io::Result<()> {
    let line = encode(id, content)?;
    let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
    output.write_all(&line)?;
    output.flush()
}
