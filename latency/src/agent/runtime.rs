//! Runtime that measures on a device behind a pipe.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::AgentError;
use super::options::AgentOptions;
use super::session::{Identity, Session};
use crate::device::Device;
use crate::duration::Milliseconds;
use crate::error::RuntimeError;
use crate::machine::{Conditions, HostFacts};
use crate::runtime::{LoadedModel, Model, ModelForm, Runtime, Step};

/// Runtime that measures on a remote device, through the pipe of a command.
///
/// Sends requests to load, run and time models; a burst is one request. Lost connections are restored, see the [module](super).
pub struct AgentRuntime {
    session: Arc<Mutex<Session>>,
    identity: Identity,
}

impl AgentRuntime {
    /// Starts the agent of `device` and opens its runtime there.
    ///
    /// The first connection is tried only once, so that a wrong command is reported without delay.
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

    /// False for ONNX files, which are large to send; true for block keys and architectures, which are short texts.
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

/// Model loaded in the agent.
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
