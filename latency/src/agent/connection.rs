//! One life of an agent: a process, questions and answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::AgentError;
use super::protocol::{Answer, Ask, PROTOCOL, Question, Reply, VERSION, protocol_of};
use crate::device::{AgentCommand, HostFacts};

/// Lines that are no answers, such as a login's greeting, which are passed over before an answer.
const STRAY_LINES: u32 = 50;

/// No answer is longer; what is, is no answer.
const LONGEST_LINE: u64 = 16 << 20;

/// A question gets more time to travel, as over a slow radio link.
const BYTES_PER_SECOND: u64 = 200_000;

/// How long an agent that was told to end may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// A running agent.
#[derive(Debug)]
pub(super) struct Connection {
    command: String,
    timeout: Duration,
    child: Child,
    /// To the thread that writes; dropping it closes the agent's stdin.
    questions: Option<Sender<Vec<u8>>>,
    /// From the thread that reads; closed when the agent's stdout is.
    lines: Receiver<String>,
    /// The last line on stderr.
    complaint: Arc<Mutex<Option<String>>>,
    /// The last line on stdout that was no answer.
    stray: Option<String>,
    next_id: u64,
    /// How long the agent may take to end when told so.
    patience: Duration,
}

impl Connection {
    /// Starts the agent and greets it.
    pub fn open(command: &AgentCommand) -> Result<(Self, HostFacts), AgentError> {
        let mut connection = Self::start(command)?;
        let hello = Ask::Hello {
            protocol: PROTOCOL,
            version: VERSION.to_owned(),
        };
        match connection.ask(hello)? {
            Answer::Hello { host, .. } => Ok((connection, host)),
            other => Err(connection.out_of_turn(&other)),
        }
    }

    fn start(command: &AgentCommand) -> Result<Self, AgentError> {
        let failed = |reason: String| AgentError::Start {
            command: command.to_string(),
            reason,
        };
        let (program, arguments) = command
            .words
            .split_first()
            .ok_or_else(|| failed("it is empty".to_owned()))?;
        let mut process = Command::new(program);
        process
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C is for the coordinator, which finishes what it measures.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut process, 0);
        let mut child = process.spawn().map_err(|error| failed(error.to_string()))?;
        let (sender, lines) = channel();
        let complaint = Arc::new(Mutex::new(None));
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || read_lines(output, |line| sender.send(line).is_ok()));
        }
        if let Some(errors) = child.stderr.take() {
            let complaint = Arc::clone(&complaint);
            thread::spawn(move || {
                read_lines(errors, |line| {
                    tracing::debug!("agent: {line}");
                    if !line.trim().is_empty() {
                        *complaint.lock().unwrap_or_else(PoisonError::into_inner) = Some(shortened(&line));
                    }
                    true
                });
            });
        }
        let (questions, to_write) = channel::<Vec<u8>>();
        if let Some(mut input) = child.stdin.take() {
            thread::spawn(move || {
                // An agent that cannot be written to is gone; its closed output says so.
                to_write
                    .iter()
                    .all(|line| input.write_all(&line).and_then(|()| input.flush()).is_ok());
            });
        }
        Ok(Self {
            command: command.to_string(),
            timeout: command.timeout,
            child,
            questions: Some(questions),
            lines,
            complaint,
            stray: None,
            next_id: 1,
            patience: FAREWELL,
        })
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, ask: Ask) -> Result<Answer, AgentError> {
        let (id, waited_for) = (self.next_id, ask.what());
        self.next_id += 1;
        let mut line = serde_json::to_vec(&Question { id, ask })
            .unwrap_or_else(|error| panic!("questions are plain JSON: {error}"));
        line.push(b'\n');
        let timeout = self.timeout + Duration::from_millis(1000 * line.len() as u64 / BYTES_PER_SECOND);
        if let Some(questions) = &self.questions {
            // Fails only where the writer is gone, and with it the agent.
            let _ = questions.send(line);
        }
        let deadline = Instant::now() + timeout;
        let mut strays = 0;
        loop {
            let line = match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => line,
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
                Err(RecvTimeoutError::Timeout) => {
                    self.patience = Duration::ZERO;
                    return Err(AgentError::Silent {
                        command: self.command.clone(),
                        waited_for,
                        timeout,
                        last_words: self.last_words(),
                    });
                }
            };
            if let Some(version) = self.foreign_version(&line) {
                return Err(version);
            }
            match serde_json::from_str::<Reply>(&line) {
                Ok(reply) if reply.id == Some(id) => return Ok(reply.answer),
                // Of an error without a number, only this question can be meant.
                Ok(Reply {
                    id: None,
                    answer: answer @ Answer::Error { .. },
                }) => return Ok(answer),
                _ => {
                    tracing::debug!("not an answer: {line}");
                    strays += 1;
                    self.stray = Some(shortened(&line));
                    if strays > STRAY_LINES {
                        return Err(self.garbage(&line));
                    }
                }
            }
        }
    }

    /// An error where the line is the greeting of an agent of another version, whose other words mean nothing here.
    fn foreign_version(&self, line: &str) -> Option<AgentError> {
        let (protocol, agent) = protocol_of(line)?;
        (protocol != u64::from(PROTOCOL)).then(|| AgentError::Version {
            command: self.command.clone(),
            agent,
            protocol,
        })
    }

    /// An answer to another question than was asked.
    pub fn out_of_turn(&self, answer: &Answer) -> AgentError {
        self.garbage(&format!("{answer:?}"))
    }

    fn garbage(&self, line: &str) -> AgentError {
        AgentError::Garbage {
            command: self.command.clone(),
            line: shortened(line),
        }
    }

    fn last_words(&self) -> Option<String> {
        let complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        complaint.clone().or_else(|| self.stray.clone())
    }

    fn ended(&mut self) -> AgentError {
        self.questions = None;
        let status = match wait(&mut self.child, FAREWELL) {
            Some(status) => status,
            None => {
                kill(&mut self.child);
                "it closed its output".to_owned()
            }
        };
        // What it said last may still be on its way from the thread that reads it.
        for _ in 0..10 {
            if self.last_words().is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        AgentError::Ended {
            command: self.command.clone(),
            status,
            last_words: self.last_words(),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The end of its input is the agent's order to end.
        self.questions = None;
        if wait(&mut self.child, self.patience).is_none() {
            kill(&mut self.child);
            let _ = self.child.wait();
        }
    }
}

/// Ends a process and all that it started.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
}

/// The exit status of a process that ends in time.
fn wait(child: &mut Child, patience: Duration) -> Option<String> {
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.to_string()),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            Ok(None) => return None,
            Err(error) => return Some(error.to_string()),
        }
    }
}

/// Hands on every line until the end, or until `take` wants no more. What is not text is handed on as far as it is.
fn read_lines(source: impl Read, mut take: impl FnMut(String) -> bool) {
    let mut source = BufReader::new(source);
    loop {
        let mut line = Vec::new();
        match source.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if !take(String::from_utf8_lossy(&line).trim_end().to_owned()) => return,
            Ok(_) => {}
        }
    }
}

/// The beginning of a line, without what would confuse a terminal.
fn shortened(line: &str) -> String {
    let mut plain = line.trim_end().chars().filter(|c| !c.is_control());
    let mut text: String = plain.by_ref().take(120).collect();
    if plain.next().is_some() {
        text.push('…');
    }
    text
}
