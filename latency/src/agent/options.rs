//! Bounds on a coordinator's attempts.

use crate::pipe::ReconnectPolicy;

/// Bounds on the attempts to go on after a connection was lost.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// Pauses and attempts in a row for one request.
    pub reconnect: ReconnectPolicy,
    /// Attempts after which a model that ended the agent each time is refused.
    pub attempts_per_model: u32,
    /// Connections that are made anew in all.
    pub reconnections: u32,
}

impl Default for AgentOptions {
    fn default() -> Self {
        Self {
            reconnect: ReconnectPolicy::default(),
            attempts_per_model: 3,
            reconnections: 30,
        }
    }
}
