//! Thread that interprets the lines of a process.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::PipeError;
use super::event::Event;
use super::lines::Line;
use super::message::{FromServer, HELLO_ID, Hello, Protocol};
use super::options::{Heartbeat, PipeOptions};
use super::state::Shared;

/// Converter of lines to events, until the process ends.
pub(super) struct Reader<F> {
    shared: Arc<Shared>,
    protocol: Protocol,
    lines: Receiver<Line>,
    sink: F,
    /// Time limit for the hello, and its deadline.
    hello: Option<(Duration, Instant)>,
    heartbeat: Option<Heartbeat>,
    is_greeted: bool,
    strays: u32,
    most_strays: u32,
    grace: Duration,
}

impl<F> Reader<F> {
    pub fn new(shared: Arc<Shared>, options: &PipeOptions, lines: Receiver<Line>, sink: F) -> Self {
        Self {
            shared,
            protocol: options.protocol,
            lines,
            sink,
            hello: options.hello.map(|within| (within, Instant::now() + within)),
            heartbeat: options.heartbeat,
            is_greeted: false,
            strays: 0,
            most_strays: options.stray_lines,
            grace: options.grace,
        }
    }

    /// Passes events to the sink; the last one is [`Event::Ended`].
    pub fn run<A: DeserializeOwned>(mut self)
    where
        F: FnMut(Event<A>),
    {
        loop {
            let read = self.next_line().and_then(|line| self.event(&line));
            match read {
                Ok(Some(event)) => (self.sink)(event),
                Ok(None) => {}
                Err(error) => {
                    // Kills a lost process immediately; a process that ended has already been waited for.
                    self.shared.process.end(Duration::ZERO);
                    (self.sink)(Event::Ended(error));
                    return;
                }
            }
        }
    }

    fn next_line(&self) -> Result<Line, PipeError> {
        let ended = || self.shared.ended(self.grace);
        let (left, expected, waited) = match (self.is_greeted, self.hello, self.heartbeat) {
            (false, Some((within, end)), _) => (end.saturating_duration_since(Instant::now()), "hello", within),
            (true, _, Some(Heartbeat { silence, .. })) => (silence, "a heartbeat", silence),
            (false, None, _) | (true, _, None) => return self.lines.recv().map_err(|_| ended()),
        };
        self.lines.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => self.shared.timed_out(expected, waited),
            RecvTimeoutError::Disconnected => ended(),
        })
    }

    /// Converts a line to an event; `None` for heartbeats and stray lines.
    fn event<A: DeserializeOwned>(&mut self, line: &Line) -> Result<Option<Event<A>>, PipeError> {
        let (Line::Complete(text) | Line::Cut(text) | Line::TooLong(text)) = line;
        let is_whole = !matches!(line, Line::TooLong(_));
        if is_whole && !self.is_greeted {
            if let Some(hello) = self.hello_of(text)? {
                self.is_greeted = true;
                self.strays = 0;
                return Ok(Some(Event::Hello(Box::new(hello))));
            }
        } else if is_whole && let Ok(message) = serde_json::from_slice::<FromServer<A>>(text) {
            let is_heartbeat = message.heartbeat.is_some();
            let event = event_of(message);
            if event.is_some() || is_heartbeat {
                self.strays = 0;
                return Ok(event);
            }
        }
        let text = String::from_utf8_lossy(text);
        self.shared.count_stray(&text);
        self.strays += 1;
        if self.strays > self.most_strays {
            return Err(self.shared.stray(&text));
        }
        Ok(None)
    }

    /// Parses the process's hello; `None` if the line is not a reply to the coordinator's hello, an error if the protocols differ.
    fn hello_of(&self, line: &[u8]) -> Result<Option<Hello>, PipeError> {
        let Ok(line) = serde_json::from_slice::<Value>(line) else {
            return Ok(None);
        };
        if line.get("id").and_then(Value::as_u64) != Some(HELLO_ID) {
            return Ok(None);
        }
        let expected = format!("{} {}", self.protocol.name, self.protocol.version);
        let text = |key: &str| line["hello"][key].as_str().map(str::to_owned);
        let found = text("protocol").zip(line["hello"]["version"].as_u64());
        let found = found.map(|(name, version)| format!("{name} {version}"));
        if found.as_ref() != Some(&expected) {
            return Err(PipeError::Version {
                command: self.shared.command.clone(),
                program: text("program").unwrap_or_else(|| "another program".to_owned()),
                found: found.unwrap_or_else(|| "of another kind".to_owned()),
                expected,
            });
        }
        serde_json::from_value(line["hello"].clone())
            .map(Some)
            .map_err(|_| self.shared.stray(&line.to_string()))
    }
}

fn event_of<A>(message: FromServer<A>) -> Option<Event<A>> {
    let FromServer {
        id,
        progress,
        reply,
        error,
        ..
    } = message;
    match (id, progress, reply, error) {
        (Some(id), Some(content), None, None) => Some(Event::Progress { id, content }),
        (Some(id), None, Some(content), None) => Some(Event::Reply { id, content }),
        (id, None, None, Some(reason)) => Some(Event::Rejected { id, reason }),
        _ => None,
    }
}
