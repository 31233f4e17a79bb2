//! Header of a table, `device.toml`: device and conditions of the measurements.

use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::device::{Device, DeviceFingerprint, Precision};
use crate::error::LatencyError;
use crate::machine::HostFacts;
use crate::measure::ANCHOR;

const FORMAT_VERSION: u32 = 1;

/// Name of the header's file in a table's folder.
pub(super) const HEADER_FILE: &str = "device.toml";

/// Header of a table: device, machine and date of its measurements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableHeader {
    /// Version of the file format.
    pub format_version: u32,
    /// Name of the device.
    pub device: String,
    /// Name of the runtime.
    pub runtime: String,
    /// Version of the runtime.
    pub runtime_version: String,
    /// Threads per inference.
    pub threads: usize,
    /// Number format of weights and activations.
    pub precision: Precision,
    /// Date and time at which the table was created, in UTC.
    pub created: String,
    /// Architecture string of the anchor network; empty for published figures.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub anchor: String,
    /// Reference time of the anchor in milliseconds, to which all rows are normalised; 0 without an anchor.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub anchor_reference_ms: f64,
    /// Facts about the machine.
    pub host: HostFacts,
    /// Device on which the layers were measured, if only whole networks were measured on this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers_of: Option<String>,
    /// Source of the figures, if they are published ones instead of measurements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Publication>,
}

/// Source of published figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// Description of the figures in one line.
    pub note: String,
    /// Publications with their licences.
    pub sources: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl TableHeader {
    /// Creates the header of a new table, dated now. `reference_ms` is the anchor's reference time, see
    /// [`crate::Measurer::reference`].
    pub fn new(device: &Device, fingerprint: &DeviceFingerprint, host: &HostFacts, reference_ms: f64) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            device: device.name.clone(),
            runtime: fingerprint.runtime.clone(),
            runtime_version: fingerprint.runtime_version.clone(),
            threads: fingerprint.threads,
            precision: fingerprint.precision,
            created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            anchor: ANCHOR.to_owned(),
            anchor_reference_ms: reference_ms,
            host: host.clone(),
            layers_of: None,
            published: None,
        }
    }

    pub(super) fn read(file: &Path) -> Result<Self, LatencyError> {
        let text = std::fs::read_to_string(file).map_err(LatencyError::io("read", file))?;
        Self::parse(&text, file)
    }

    /// Parses a header; `file` is the name in error messages.
    pub(super) fn parse(text: &str, file: &Path) -> Result<Self, LatencyError> {
        let error = |line: usize, problem: String| LatencyError::Table {
            file: file.to_owned(),
            line: line as u64,
            problem,
            remedy: "correct the line, or delete the folder and profile again".to_owned(),
        };
        let line_of = |key: &str| 1 + text.lines().position(|line| line.starts_with(key)).unwrap_or(0);
        // Checks the version first, since another version may have other fields.
        if let Ok(fields) = text.parse::<toml::Table>()
            && let Some(version) = fields.get("format_version").and_then(toml::Value::as_integer)
            && version != i64::from(FORMAT_VERSION)
        {
            let problem = format!("format version {version}, this program reads {FORMAT_VERSION}");
            return Err(error(line_of("format_version"), problem));
        }
        let header: Self = mnas_space::parse_toml(text).map_err(|fault| error(fault.line, fault.problem))?;
        if header.published.is_some() {
            return Ok(header);
        }
        if !(header.anchor_reference_ms.is_finite() && header.anchor_reference_ms > 0.0) {
            let problem = format!(
                "anchor_reference_ms is {}, expected a positive time",
                header.anchor_reference_ms
            );
            return Err(error(line_of("anchor_reference_ms"), problem));
        }
        if header.anchor != ANCHOR {
            return Err(error(
                line_of("anchor"),
                "the anchor network is not this program's".to_owned(),
            ));
        }
        Ok(header)
    }

    pub(super) fn write(&self, file: &Path) -> Result<(), LatencyError> {
        let text = toml::to_string(self).unwrap_or_else(|error| panic!("a header is plain TOML: {error}"));
        let folder = file.parent().unwrap_or(Path::new("."));
        let write = || -> std::io::Result<()> {
            let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
            temporary.write_all(text.as_bytes())?;
            temporary.as_file().sync_all()?;
            temporary.persist(file).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(LatencyError::io("write", file))
    }

    /// Fingerprint of the device on which the table was measured.
    pub fn fingerprint(&self) -> DeviceFingerprint {
        DeviceFingerprint {
            runtime: self.runtime.clone(),
            runtime_version: self.runtime_version.clone(),
            threads: self.threads,
            precision: self.precision,
            cpu: self.host.cpu.clone(),
        }
    }

    pub(super) fn check(&self, expected: &DeviceFingerprint, file: &Path) -> Result<(), LatencyError> {
        let found = self.fingerprint();
        let differences = [
            ("runtime", found.runtime, expected.runtime.clone()),
            (
                "runtime version",
                found.runtime_version,
                expected.runtime_version.clone(),
            ),
            ("thread count", found.threads.to_string(), expected.threads.to_string()),
            (
                "precision",
                found.precision.name().to_owned(),
                expected.precision.name().to_owned(),
            ),
            ("processor", found.cpu, expected.cpu.clone()),
        ];
        let Some((what, found, expected)) = differences.into_iter().find(|(_, found, expected)| found != expected)
        else {
            return Ok(());
        };
        let folder = file.parent().unwrap_or(Path::new("."));
        let remedy = format!(
            "move {} away and run `mnas profile --device {}`, or choose the table of this device",
            folder.display(),
            self.device
        );
        Err(LatencyError::TableMismatch {
            file: file.to_owned(),
            what,
            found,
            expected,
            remedy,
        })
    }
}
