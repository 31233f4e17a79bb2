//! Devices: the places where networks run, and the facts that make measurements comparable.
//!
//! A TOML file describes a device; `configs/devices` has examples of every kind.
//!
//! | field | meaning |
//! |---|---|
//! | `name` | name of the device and of its table's folder |
//! | `runtime` | `onnxruntime`, `litert`, `libtorch`, `tract`, `replay` (times from a recorded table), `published` (predictions from published figures; cannot be measured), `fake` (simulated times) |
//! | `threads` | threads per inference, 1 by default |
//! | `precision` | `fp32`, the default, or `int8` (litert) |
//! | `processor` | `cpu`, the default, or `cuda` (onnxruntime and libtorch) |
//! | `command` | command that starts `mnas-agent` on the device: `ssh pi@host mnas-agent`; without it, the device is this machine |
//! | `timeout` | time limit for one reply of the agent, `60s` by default |
//! | `table` | for `replay` and `published` only: folder of the table, relative to the device file |
//!
//! `ssh:user@host` is short for a device with ONNX Runtime on one thread and the command `ssh user@host mnas-agent`.

mod description;
mod fingerprint;
mod kinds;
mod open;
mod parse;
mod ssh;
#[cfg(test)]
mod tests;

pub use description::{AgentCommand, Device};
pub use fingerprint::DeviceFingerprint;
pub use kinds::{Precision, RuntimeKind};
