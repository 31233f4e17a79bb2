//! Machine that executes networks: facts, conditions, and warnings about them.

mod conditions;
mod host;
mod pin;
mod warning;

pub use conditions::Conditions;
pub use host::{HostFacts, Processor};
pub(crate) use pin::Pin;
pub use warning::Warning;
