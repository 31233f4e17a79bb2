//! Coordinator's state for an agent, which survives lost connections.

use std::collections::BTreeMap;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::error::AgentError;
use super::options::AgentOptions;
use super::protocol::{Content, Fault, FaultKind, PROTOCOL, Reply, Request};
use crate::device::{AgentCommand, Device};
use crate::duration::Milliseconds;
use crate::error::RuntimeError;
use crate::machine::{Conditions, HostFacts};
use crate::pipe::{Connection, PipeError, PipeOptions, Reconnection};
use crate::runtime::{Model, ModelContent, ModelForm};

/// Maximum number of consecutive lines that are not messages, such as a login banner, before the connection fails.
const STRAY_LINES: u32 = 50;

/// Facts that identify a device; they must not change after a reconnection.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Identity {
    pub name: String,
    pub version: String,
    pub host: HostFacts,
}

/// Sequence of connections to an agent, with the state that every new connection restores.
pub(super) struct Session {
    command: AgentCommand,
    device: Device,
    options: AgentOptions,
    connection: Option<Connection<Reply>>,
    identity: Option<Identity>,
    form: ModelForm,
    /// Models in use; after a reconnection, they are sent again when needed.
    models: BTreeMap<u64, HeldModel>,
    next_model: u64,
    reconnections: u32,
}

struct HeldModel {
    model: Model,
    /// True if the agent of the current connection has loaded the model.
    is_loaded: bool,
}

impl Session {
    /// Establishes the first connection.
    pub fn open(device: &Device, options: AgentOptions) -> Result<(Self, Identity), AgentError> {
        let command = device.agent.clone().ok_or_else(|| AgentError::NoCommand {
            device: device.name.clone(),
        })?;
        let mut session = Self {
            command,
            device: device.clone(),
            options,
            connection: None,
            identity: None,
            form: ModelForm::Onnx,
            models: BTreeMap::new(),
            next_model: 1,
            reconnections: 0,
        };
        let identity = session.connect()?;
        Ok((session, identity))
    }

    /// Form in which models are sent to the agent.
    pub fn form(&self) -> ModelForm {
        self.form
    }

    /// Starts the agent and opens the runtime in it.
    fn connect(&mut self) -> Result<Identity, AgentError> {
        self.connection = None;
        for held in self.models.values_mut() {
            held.is_loaded = false;
        }
        let options = PipeOptions {
            hello: Some(self.command.timeout),
            heartbeat: None,
            stray_lines: STRAY_LINES,
            ..PipeOptions::new(PROTOCOL)
        };
        let mut connection = Connection::open(&self.command.command, &options)?;
        let open = Request::Open {
            runtime: self.device.runtime,
            threads: self.device.threads,
            precision: self.device.precision,
            processor: self.device.processor,
        };
        let reply = connection.request(&open, open.expected(), self.command.timeout, &mut |_| ());
        let identity = match reply {
            Ok(Reply::Opened {
                runtime,
                version,
                host,
                models,
            }) => {
                self.form = models;
                Identity {
                    name: runtime,
                    version,
                    host,
                }
            }
            Ok(Reply::Error(Fault { reason, .. })) | Err(PipeError::Rejected { reason, .. }) => {
                return Err(AgentError::NoRuntime {
                    command: self.command.command.to_string(),
                    runtime: self.device.runtime.name(),
                    reason,
                });
            }
            Ok(other) => return Err(connection.unexpected(&other).into()),
            Err(error) => return Err(error.into()),
        };
        self.check_identity(&identity)?;
        self.identity = Some(identity.clone());
        self.connection = Some(connection);
        Ok(identity)
    }

    fn check_identity(&self, now: &Identity) -> Result<(), AgentError> {
        let Some(before) = &self.identity else { return Ok(()) };
        let pairs = [
            ("the runtime", &before.name, &now.name),
            ("the runtime's version", &before.version, &now.version),
            ("the processor", &before.host.cpu, &now.host.cpu),
        ];
        match pairs.into_iter().find(|(_, before, now)| before != now) {
            None => Ok(()),
            Some((what, before, now)) => Err(AgentError::Changed {
                command: self.command.command.to_string(),
                what,
                before: before.clone(),
                now: now.clone(),
            }),
        }
    }

    /// Calls `work`, which sends requests, and repeats it in a new connection after a lost one.
    ///
    /// `model` is the name of the model that `work` uses: if the agent crashes every time, the model is refused.
    fn retry<T>(
        &mut self,
        model: &str,
        work: impl Fn(&mut Self) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let mut attempts = Reconnection::new(self.options.reconnect);
        let mut is_ended_by_work = true;
        loop {
            let lost = match self.attempt(&work)? {
                Ok(done) => return Ok(done),
                Err((error, is_connected)) => {
                    is_ended_by_work &= is_connected && matches!(error, PipeError::Ended { .. });
                    error
                }
            };
            // Ends the old agent before starting a new one, since two agents would disturb each other.
            self.connection = None;
            tracing::warn!("{lost}");
            let pause = attempts.fail();
            let failures = attempts.failures();
            if is_ended_by_work && failures >= self.options.attempts_per_model {
                return Err(RuntimeError::Refused {
                    runtime: self.device.runtime.name().to_owned(),
                    model: model.to_owned(),
                    reason: format!("it ended the agent {failures} times; {lost}"),
                });
            }
            match pause {
                Some(pause) if self.reconnections < self.options.reconnections => thread::sleep(pause),
                _ => {
                    return Err(RuntimeError::Agent(AgentError::Lost {
                        attempts: failures.max(self.reconnections),
                        last: lost,
                    }));
                }
            }
        }
    }

    /// Calls `work` once, after reconnecting if there is no connection. The inner error is a failure that a new connection may
    /// resolve, with a flag that is true if a connection existed; the outer error is final.
    fn attempt<T>(
        &mut self,
        work: impl Fn(&mut Self) -> Result<T, RuntimeError>,
    ) -> Result<Result<T, (PipeError, bool)>, RuntimeError> {
        if self.connection.is_none() {
            self.reconnections += 1;
            match self.connect() {
                Ok(_) => {}
                Err(AgentError::Pipe(error)) if error.is_transient() => return Ok(Err((error, false))),
                Err(error) => return Err(error.into()),
            }
        }
        match work(self) {
            Err(RuntimeError::Agent(AgentError::Pipe(error))) if error.is_transient() => Ok(Err((error, true))),
            done => done.map(Ok),
        }
    }

    /// Sends one request about `model` in the current connection.
    fn request(&mut self, model: &str, request: &Request) -> Result<Reply, RuntimeError> {
        let Some(connection) = &mut self.connection else {
            unreachable!("requests are sent in a connection");
        };
        let reply = connection.request(request, request.expected(), self.command.timeout, &mut |_| ());
        let Fault { kind, reason } = match reply {
            Ok(Reply::Error(fault)) => fault,
            Err(PipeError::Rejected { reason, .. }) => Fault {
                kind: FaultKind::Request,
                reason,
            },
            Ok(reply) => return Ok(reply),
            Err(error) => return Err(AgentError::from(error).into()),
        };
        let (runtime, model) = (self.device.runtime.name().to_owned(), model.to_owned());
        Err(match kind {
            FaultKind::Refused => RuntimeError::Refused { runtime, model, reason },
            FaultKind::Failed | FaultKind::Request => RuntimeError::Failed { runtime, model, reason },
        })
    }

    fn unexpected<T>(&self, reply: &Reply) -> Result<T, RuntimeError> {
        let Some(connection) = &self.connection else {
            unreachable!("replies come through a connection");
        };
        Err(AgentError::from(connection.unexpected(reply)).into())
    }

    /// Loads a model and returns its number.
    pub fn load(&mut self, model: &Model) -> Result<u64, RuntimeError> {
        let number = self.next_model;
        self.next_model += 1;
        let held = HeldModel {
            model: model.clone(),
            is_loaded: false,
        };
        self.models.insert(number, held);
        let loaded = self.retry(&model.name, |session| session.provide(number));
        if loaded.is_err() {
            self.models.remove(&number);
        }
        loaded.map(|()| number)
    }

    /// Sends a model to the agent unless it is already loaded.
    fn provide(&mut self, number: u64) -> Result<(), RuntimeError> {
        let Some(held) = self.models.get(&number).filter(|held| !held.is_loaded) else {
            return Ok(());
        };
        let name = held.model.name.clone();
        let load = Request::Load {
            model: number,
            name: name.clone(),
            content: content_of(&held.model, self.form)?,
        };
        match self.request(&name, &load)? {
            Reply::Loaded => {
                if let Some(held) = self.models.get_mut(&number) {
                    held.is_loaded = true;
                }
                Ok(())
            }
            other => self.unexpected(&other),
        }
    }

    /// Runs models in sequence; returns the time of each step.
    pub fn run(&mut self, steps: &[(u64, u32)]) -> Result<Vec<Milliseconds>, RuntimeError> {
        let mut numbers: Vec<u64> = steps.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        // The anchor has the lowest number; errors are attributed to the other model.
        let newest = numbers.last().and_then(|number| self.models.get(number));
        let name = newest.map(|held| held.model.name.clone()).unwrap_or_default();
        self.retry(&name, |session| {
            for number in &numbers {
                session.provide(*number)?;
            }
            let run = Request::Run { steps: steps.to_vec() };
            match session.request(&name, &run)? {
                Reply::Times { ms } if ms.len() == steps.len() && ms.iter().all(|ms| ms.is_finite() && *ms > 0.0) => {
                    Ok(ms.into_iter().map(Milliseconds).collect())
                }
                other => session.unexpected(&other),
            }
        })
    }

    /// Drops a model. Errors are ignored, since an unreachable agent has lost the model anyway.
    pub fn unload(&mut self, number: u64) {
        let is_loaded = self.models.remove(&number).is_some_and(|held| held.is_loaded);
        if !is_loaded || self.connection.is_none() {
            return;
        }
        if self.request("", &Request::Unload { model: number }).is_err() {
            self.connection = None;
        }
    }

    /// Reads the conditions of the device's machine.
    pub fn conditions(&mut self) -> Result<Option<Conditions>, RuntimeError> {
        let subject = Request::Conditions.expected();
        self.retry(subject, |session| {
            match session.request(subject, &Request::Conditions)? {
                Reply::Conditions(conditions) => Ok(conditions),
                other => session.unexpected(&other),
            }
        })
    }
}

/// Converts a model to the form that the agent's runtime needs.
fn content_of(model: &Model, form: ModelForm) -> Result<Content, RuntimeError> {
    Ok(match (form, &model.content) {
        (ModelForm::Blocks, ModelContent::Block(key)) => Content::Block(key.to_string()),
        (ModelForm::Blocks, ModelContent::Network(architecture)) => Content::Network(architecture.to_string()),
        (ModelForm::Onnx, _) | (_, ModelContent::Onnx { .. }) => {
            let input = model.input();
            Content::Onnx {
                input: [input.channels, input.height, input.width],
                file: BASE64.encode(model.onnx()?),
            }
        }
    })
}
