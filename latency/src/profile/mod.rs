//! Profiling: measurement of the layers and networks of a latency table, which can be interrupted at any layer.

mod event;
mod open;
mod options;
mod plan;
mod report;
mod rounds;
mod run;
#[cfg(test)]
mod tests;

pub use event::ProfileEvent;
pub use open::{open_or_create, open_or_transfer};
pub use options::ProfileOptions;
pub use plan::ProfilePlan;
pub use report::{MeasuredNetwork, ProfileReport, StopReason};
pub use run::profile;
