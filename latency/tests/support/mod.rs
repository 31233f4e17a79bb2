//! Common set-up for the tests of agents.

// Each test program uses only a part of this module.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use mnas_latency::agent::AgentOptions;
use mnas_latency::pipe::{CommandLine, ReconnectPolicy};
use mnas_latency::{
    AgentCommand, Device, LatencyError, LatencyTable, ProfileEvent, ProfileOptions, ProfileReport, Runtime,
    open_or_create, profile,
};
use mnas_space::{Architecture, BlockKey};

/// Path of the agent's program.
pub const AGENT: &str = env!("CARGO_BIN_EXE_mnas-agent");

/// Device with simulated times behind a command.
pub fn device(words: &[&str], timeout: Duration) -> Device {
    let agent = AgentCommand {
        command: CommandLine::new(words.iter().copied()).unwrap(),
        timeout,
    };
    Device {
        agent: Some(agent),
        ..Device::open("fake").unwrap()
    }
}

/// Options without pauses between attempts.
pub fn hurried() -> AgentOptions {
    AgentOptions {
        reconnect: ReconnectPolicy {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(10),
            attempts: 3,
        },
        attempts_per_model: 3,
        reconnections: 200,
    }
}

/// Two small networks.
pub fn networks() -> Vec<Architecture> {
    let texts = [
        "in32,conv_k3_s2_c16_nhs,ir_k3_s2_e4_c24_nre,ir_r2_k3_e3_c24_nre,head_o10",
        "in32,conv_k3_s2_c16_nre,ds_k3_s2_c32_nre,ir_k5_s2_e4_c24_se0.25_nre,head_o10",
    ];
    texts.map(|text| text.parse().unwrap()).to_vec()
}

/// Distinct layers of [`networks`].
pub fn keys() -> Vec<BlockKey> {
    let networks = networks();
    let layers = networks
        .iter()
        .flat_map(|network| network.layers().map(|layer| layer.key).collect::<Vec<_>>());
    let mut keys: Vec<BlockKey> = layers.filter(|key| !key.is_nothing()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Folder with a table for tests.
pub struct Bed {
    folder: tempfile::TempDir,
}

impl Bed {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Fills the table with all layers and networks, or continues filling it.
    pub fn profile(
        &self,
        runtime: &mut dyn Runtime,
        observer: &mut dyn FnMut(ProfileEvent<'_>),
    ) -> Result<ProfileReport, LatencyError> {
        let mut options = ProfileOptions::quick();
        options.measure.reference_ms = 5.0;
        let device = Device::open("fake").unwrap();
        let mut table = open_or_create(self.folder.path(), &device, runtime, &options.measure)?;
        profile(
            runtime,
            &mut table,
            keys(),
            &networks(),
            &options,
            &AtomicBool::new(false),
            observer,
        )
    }

    /// Number of layers and number of networks in the table on disk.
    pub fn rows(&self) -> (usize, usize) {
        let table = LatencyTable::load(self.folder.path()).unwrap();
        (table.len(), table.networks().len())
    }
}
