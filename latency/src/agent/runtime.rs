//! A device behind a pipe, as a runtime like any other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::AgentError;
use super::options::AgentOptions;
use super::session::{Identity, Session};
use crate::device::Device;
use crate::duration::Milliseconds;
use crate::error::RuntimeError;
use crate::machine::{Conditions, HostFacts};
use crate::runtime::{LoadedModel, Model, ModelForm, Runtime, Step};

/// Measures on the device behind a command's pipe.
///
/// Loads, runs and times by request and reply; a burst is one request. A connection that is lost is made anew, see the [module](super).
pub struct AgentRuntime {
    session: Arc<Mutex<Session>>,
    identity: Identity,
}

impl AgentRuntime {
    /// Starts the agent of `device` and opens its runtime there.
    ///
    /// The first connection has to succeed at once: a wrong command is reported without delay.
    pub fn connect(device: &Device, options: AgentOptions) -> Result<Self, AgentError> {
        let (session, identity) = Session::open(device, options)?;
        Ok(Self {
            session: Arc::new(Mutex::new(session)),
            identity,
        })
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runtime for AgentRuntime {
    fn name(&self) -> &str {
        &self.identity.name
    }

    fn version(&self) -> &str {
        &self.identity.version
    }

    fn host(&self) -> HostFacts {
        self.identity.host.clone()
    }

    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError> {
        let number = self.session().load(model)?;
        Ok(Box::new(AgentModel {
            session: Arc::clone(&self.session),
            number,
        }))
    }

    /// An ONNX file has to travel to the device; a block key or an architecture is a short text.
    fn loads_cheaply(&self) -> bool {
        self.session().form() == ModelForm::Blocks
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
        self.session().conditions()
    }
}

/// A model that the agent holds.
struct AgentModel {
    session: Arc<Mutex<Session>>,
    number: u64,
}

impl AgentModel {
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoadedModel for AgentModel {
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError> {
        let times = self.session().run(&[(self.number, inferences)])?;
        Ok(times[0])
    }

    fn handle(&self) -> u64 {
        self.number
    }
}

impl Drop for AgentModel {
    fn drop(&mut self) {
        self.session().unload(self.number);
    }
}
