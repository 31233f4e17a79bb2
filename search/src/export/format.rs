//! The contract of a file format.

use std::path::Path;

use super::check::{Check, Verifier};
use super::error::ExportError;
use super::network::ExportNetwork;

/// File format of networks.
pub trait Format {
    /// Name on the command line.
    fn name(&self) -> &'static str;

    /// Writes the network to `path`, which lies in a folder of its own; a file that belongs to it may be written beside it. The
    /// verifier has the worker, which a format may need.
    fn write(&self, network: &ExportNetwork, path: &Path, verifier: &Verifier) -> Result<(), ExportError>;

    /// Reads the file back and compares it with the network.
    fn check(&self, network: &ExportNetwork, path: &Path, verifier: &Verifier) -> Result<Check, ExportError>;
}

/// File that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// Size in bytes, with that of files beside it.
    pub bytes: u64,
    /// Comparison with the network.
    pub check: Check,
}
