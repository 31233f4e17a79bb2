//! A device behind a pipe, as a runtime like any other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::AgentError;
use super::connection::Connection;
use super::protocol::{Answer, Ask, ErrorKind, Fault};
use crate::device::{AgentCommand, Device, HostFacts};
use crate::duration::Milliseconds;
use crate::error::RuntimeError;
use crate::measure::Conditions;
use crate::runtime::{LoadedModel, Model, Runtime, Step};

/// How stubborn a coordinator is.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// How often a question is asked before the coordinator gives up, or refuses the model that it is about.
    pub attempts: u32,
    /// How often a lost connection is made anew in all.
    pub reconnections: u32,
    /// The pause before a connection is made anew; it doubles with every further attempt.
    pub pause: Duration,
}

impl Default for AgentOptions {
    fn default() -> Self {
        Self {
            attempts: 3,
            reconnections: 30,
            pause: Duration::from_secs(1),
        }
    }
}

/// Measures on the device behind a command's pipe.
///
/// Loads, runs and times by question and answer; a burst is one question. A connection that is lost is made anew, see
/// the [module](super).
pub struct AgentRuntime {
    session: Arc<Mutex<Session>>,
    name: String,
    version: String,
    host: HostFacts,
}

impl AgentRuntime {
    /// Starts the agent of `device` and opens its runtime there.
    ///
    /// The first connection has to succeed at once: a command that is wrong is told about without delay.
    pub fn connect(device: &Device, options: AgentOptions) -> Result<Self, AgentError> {
        let command = device.agent.clone().ok_or_else(|| AgentError::Start {
            command: String::new(),
            reason: format!("device `{}` has none", device.name),
        })?;
        let mut session = Session {
            command,
            device: device.clone(),
            options,
            connection: None,
            identity: None,
            models: BTreeMap::new(),
            next_model: 1,
            reconnections: 0,
        };
        let Identity { name, version, host } = session.connect()?;
        Ok(Self {
            session: Arc::new(Mutex::new(session)),
            name,
            version,
            host,
        })
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runtime for AgentRuntime {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn host(&self) -> HostFacts {
        self.host.clone()
    }

    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError> {
        let number = self.session().load(model)?;
        Ok(Box::new(AgentModel {
            session: Arc::clone(&self.session),
            number,
        }))
    }

    /// Every model has to travel to the device.
    fn loads_cheaply(&self) -> bool {
        false
    }

    fn burst(
        &mut self,
        models: &mut [&mut dyn LoadedModel],
        steps: &[Step],
    ) -> Result<Vec<Milliseconds>, RuntimeError> {
        let steps: Vec<(u64, u32)> = steps
            .iter()
            .map(|step| (models[step.model].handle(), step.inferences))
            .collect();
        self.session().run(&steps)
    }

    fn conditions(&mut self) -> Result<Option<Conditions>, RuntimeError> {
        let what = "the state of the machine";
        self.session()
            .persistently(what, |session| match session.ask(what, Ask::Conditions)? {
                Answer::Conditions(conditions) => Ok(conditions),
                other => session.out_of_turn(&other),
            })
    }
}

/// A model that the agent holds.
struct AgentModel {
    session: Arc<Mutex<Session>>,
    number: u64,
}

impl LoadedModel for AgentModel {
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let times = session.run(&[(self.number, inferences)])?;
        Ok(times[0])
    }

    fn handle(&self) -> u64 {
        self.number
    }
}

impl Drop for AgentModel {
    fn drop(&mut self) {
        self.session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .unload(self.number);
    }
}

/// What a device must still be after the connection was lost.
#[derive(Debug, Clone, PartialEq)]
struct Identity {
    name: String,
    version: String,
    host: HostFacts,
}

/// All lives of an agent, and what it has to know in each.
struct Session {
    command: AgentCommand,
    device: Device,
    options: AgentOptions,
    connection: Option<Connection>,
    identity: Option<Identity>,
    /// Models in use; in a new life the agent is given those that it needs.
    models: BTreeMap<u64, Kept>,
    next_model: u64,
    reconnections: u32,
}

struct Kept {
    model: Model,
    /// Whether the agent of the current connection has it.
    is_there: bool,
}

impl Session {
    /// Starts the agent and opens the runtime in it.
    fn connect(&mut self) -> Result<Identity, AgentError> {
        self.connection = None;
        for kept in self.models.values_mut() {
            kept.is_there = false;
        }
        let mut connection = Connection::open(&self.command)?;
        let open = Ask::Open {
            runtime: self.device.runtime,
            threads: self.device.threads,
            precision: self.device.precision,
            processor: self.device.processor,
        };
        let identity = match connection.ask(open)? {
            Answer::Opened { runtime, version, host } => Identity {
                name: runtime,
                version,
                host,
            },
            Answer::Error(Fault { reason, .. }) => {
                return Err(AgentError::NoRuntime {
                    command: self.command.to_string(),
                    runtime: self.device.runtime.name(),
                    reason,
                });
            }
            other => return Err(connection.out_of_turn(&other)),
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
                command: self.command.to_string(),
                what,
                before: before.clone(),
                now: now.clone(),
            }),
        }
    }

    /// Does `work`, which asks the agent, and does it again in a new connection where one is lost.
    ///
    /// `model` is what the work is about: should it end the agent every time, it is refused, and the next one has its
    /// turn.
    fn persistently<T>(
        &mut self,
        model: &str,
        work: impl Fn(&mut Self) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let mut killed_by_work = true;
        for attempt in 1.. {
            let lost = match self.connected(attempt) {
                Ok(()) => match work(self) {
                    Err(RuntimeError::Agent(error)) if error.is_transient() => {
                        killed_by_work &= matches!(error, AgentError::Ended { .. });
                        error
                    }
                    done => return done,
                },
                Err(error) if error.is_transient() => {
                    killed_by_work = false;
                    error
                }
                Err(error) => return Err(error.into()),
            };
            // Whatever state the agent is in, it is the wrong one. The old agent ends before a new one starts: two would
            // disturb each other.
            self.connection = None;
            tracing::warn!("{lost}");
            if attempt >= self.options.attempts && killed_by_work {
                return Err(RuntimeError::Refused {
                    runtime: self.device.runtime.name().to_owned(),
                    model: model.to_owned(),
                    reason: format!("it ended the agent {attempt} times; {lost}"),
                });
            }
            if attempt >= self.options.attempts || self.reconnections >= self.options.reconnections {
                return Err(RuntimeError::Agent(AgentError::Lost {
                    attempts: attempt.max(self.reconnections),
                    last: Box::new(lost),
                }));
            }
        }
        unreachable!("attempts are counted above")
    }

    /// Makes a connection where there is none.
    fn connected(&mut self, attempt: u32) -> Result<(), AgentError> {
        if self.connection.is_none() {
            self.reconnections += 1;
            std::thread::sleep(self.options.pause * 2_u32.saturating_pow(attempt.saturating_sub(1)).min(64));
            self.connect()?;
        }
        Ok(())
    }

    /// One question in the connection there is; `model` is what it is about.
    fn ask(&mut self, model: &str, ask: Ask) -> Result<Answer, RuntimeError> {
        let Some(connection) = &mut self.connection else {
            unreachable!("questions are asked in a connection");
        };
        let runtime = || self.device.runtime.name().to_owned();
        let model = model.to_owned();
        match connection.ask(ask)? {
            Answer::Error(Fault { kind, reason }) => Err(match kind {
                ErrorKind::Refused => RuntimeError::Refused {
                    runtime: runtime(),
                    model,
                    reason,
                },
                ErrorKind::Failed | ErrorKind::Question => RuntimeError::Failed {
                    runtime: runtime(),
                    model,
                    reason,
                },
            }),
            answer => Ok(answer),
        }
    }

    fn out_of_turn<T>(&self, answer: &Answer) -> Result<T, RuntimeError> {
        let Some(connection) = &self.connection else {
            unreachable!("answers come through a connection");
        };
        Err(connection.out_of_turn(answer).into())
    }

    fn load(&mut self, model: &Model) -> Result<u64, RuntimeError> {
        let number = self.next_model;
        self.next_model += 1;
        let kept = Kept {
            model: model.clone(),
            is_there: false,
        };
        self.models.insert(number, kept);
        let loaded = self.persistently(&model.name, |session| session.provide(number));
        if loaded.is_err() {
            self.models.remove(&number);
        }
        loaded.map(|()| number)
    }

    /// Gives a model to the agent that does not have it.
    fn provide(&mut self, number: u64) -> Result<(), RuntimeError> {
        let Some(kept) = self.models.get(&number).filter(|kept| !kept.is_there) else {
            return Ok(());
        };
        let input = kept.model.input();
        let name = kept.model.name.clone();
        let ask = Ask::Load {
            model: number,
            name: name.clone(),
            input: [input.channels, input.height, input.width],
            onnx: BASE64.encode(kept.model.onnx()?),
        };
        match self.ask(&name, ask)? {
            Answer::Loaded => {
                if let Some(kept) = self.models.get_mut(&number) {
                    kept.is_there = true;
                }
                Ok(())
            }
            other => self.out_of_turn(&other),
        }
    }

    fn run(&mut self, steps: &[(u64, u32)]) -> Result<Vec<Milliseconds>, RuntimeError> {
        let mut numbers: Vec<u64> = steps.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        // The anchor comes first; what it runs beside is what an error is about.
        let newest = numbers.last().and_then(|number| self.models.get(number));
        let name = newest.map(|kept| kept.model.name.clone()).unwrap_or_default();
        self.persistently(&name, |session| {
            for number in &numbers {
                session.provide(*number)?;
            }
            let ask = Ask::Run { steps: steps.to_vec() };
            match session.ask(&name, ask)? {
                Answer::Times { ms } if ms.len() == steps.len() && ms.iter().all(|ms| ms.is_finite() && *ms > 0.0) => {
                    Ok(ms.into_iter().map(Milliseconds).collect())
                }
                other => session.out_of_turn(&other),
            }
        })
    }

    /// Tells the agent to forget a model. An agent that cannot be told has lost it anyway.
    fn unload(&mut self, number: u64) {
        let is_there = self.models.remove(&number).is_some_and(|kept| kept.is_there);
        let Some(connection) = self.connection.as_mut().filter(|_| is_there) else {
            return;
        };
        if connection.ask(Ask::Unload { model: number }).is_err() {
            self.connection = None;
        }
    }
}
