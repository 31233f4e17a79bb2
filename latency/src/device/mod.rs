//! Devices: where networks run, and the facts that make a measurement comparable.
//!
//! A device is a TOML file: see the files in `configs/devices` for every kind of them.
//!
//! | field | meaning |
//! |---|---|
//! | `name` | what people call it; its table's folder has this name |
//! | `runtime` | `onnxruntime`, `litert`, `libtorch`, `tract`, `replay` (answers from a recorded table), `published` (predicts from published figures, cannot be measured), `fake` (invented times) |
//! | `threads` | threads of one inference, 1 by default |
//! | `precision` | `fp32`, the default, or `int8` (litert) |
//! | `processor` | `cpu`, the default, or `cuda` (onnxruntime and libtorch) |
//! | `command` | starts `mnas-agent` where the device is: `ssh pi@host mnas-agent`; without it, this machine measures itself |
//! | `timeout` | how long the agent may take for one answer, `60s` by default |
//! | `table` | of `replay` and `published`: the folder of the table, relative to the device file |
//!
//! `ssh:user@host` stands for a device with ONNX Runtime on one thread behind `ssh user@host mnas-agent`.

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
