//! Limits on a coordinator's reconnection attempts.

use crate::pipe::ReconnectPolicy;

/// Limits on the attempts to continue after a lost connection.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// Pauses between, and maximum number of, consecutive attempts for one request.
    pub reconnect: ReconnectPolicy,
    /// Number of attempts after which a model that crashes the agent every time is refused.
    pub attempts_per_model: u32,
    /// Maximum total number of reconnections.
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
