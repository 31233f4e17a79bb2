//! The machine that executes: its facts, its state, and the warnings that follow from it.

mod conditions;
mod host;
mod pin;
mod warning;

pub use conditions::Conditions;
pub use host::{HostFacts, Processor};
pub(crate) use pin::Pin;
pub use warning::Warning;
