//! Latency of networks on devices: runtimes, measurement, latency tables, calibration, prediction.
//!
//! The modules follow the path from a device to a prediction:
//!
//! ```text
//! Device ── runtime, threads, precision                    device
//!   │
//! Runtime ── loads a model, runs it, returns the time      runtime, runtimes; agent for devices behind a pipe
//!   │
//! Measurer ── normalises by an anchor network, repeats     measure
//!   │
//! LatencyTable ── a folder of measured layers              table, filled by profile, verified by check
//!   │
//! Predictor ── sums, calibrates, fills gaps                predict, calibrate, cost_model
//! ```
//!
//! A table contains the latencies of single layers. The prediction for a network is the sum of its layers, calibrated with
//! measured whole networks, because the weights and input of a layer measured alone are in cache. A cost model fitted to
//! the measured layers predicts unmeasured layers, with a wider interval; a missing layer never counts as 0.
//!
//! ```
//! use mnas_latency::{Device, MeasureSettings, Milliseconds, MissingKeys, Predictor, ProfileOptions};
//! use std::sync::atomic::AtomicBool;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let network: mnas_space::Architecture = "in32,conv_k3_s2_c16_nhs,ir_r2_k3_e4_c16_nre,head_o10".parse()?;
//! let folder = tempfile::tempdir()?;
//! let device = Device::open("fake")?; // simulated times; "host" measures this machine
//! let mut runtime = mnas_latency::runtimes::open(&device, &Default::default())?;
//! let mut table =
//!     mnas_latency::open_or_create(folder.path(), &device, runtime.as_mut(), &MeasureSettings::quick())?;
//! let keys = network.layers().map(|layer| layer.key);
//! let options = ProfileOptions::quick();
//! mnas_latency::profile(
//!     runtime.as_mut(), &mut table, keys, &[], &options, &AtomicBool::new(false), &mut |_event| {},
//! )?;
//! let prediction = Predictor::fit(&table)?.predict(&network, MissingKeys::Refuse)?;
//! assert!(prediction.latency < Milliseconds(1.0) && prediction.coverage == 1.0);
//! # Ok(())
//! # }
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod agent;
mod calibrate;
mod check;
mod comparison;
mod cost_model;
mod device;
mod duration;
mod error;
mod machine;
mod measure;
mod model;
pub mod pipe;
mod predict;
mod profile;
mod regression;
mod runtime;
pub mod runtimes;
mod statistics;
mod table;
mod work_model;
pub mod workload;

pub use calibrate::{Calibration, CalibrationReport};
pub use check::{CheckOptions, CheckReport, CheckedRow, check};
pub use comparison::{ComparedNetwork, Comparison};
pub use cost_model::CostModel;
pub use device::{AgentCommand, Device, DeviceFingerprint, Precision, RuntimeKind};
pub use duration::{DurationError, Milliseconds, parse_latency};
pub use error::{LatencyError, RuntimeError};
pub use machine::{Conditions, HostFacts, Processor, Warning};
pub use measure::{ANCHOR, MeasureSettings, Measurement, Measurer, TimedModel};
pub use model::LatencyModel;
pub use predict::{MissingKeys, Prediction, Predictor};
pub use profile::{
    MeasuredNetwork, ProfileEvent, ProfileOptions, ProfilePlan, ProfileReport, StopReason, open_or_create,
    open_or_transfer, profile,
};
pub use runtime::{LoadedModel, Model, ModelContent, ModelForm, Runtime, Step};
pub use statistics::spearman;
pub use table::{LatencyTable, Publication, TableHeader};
