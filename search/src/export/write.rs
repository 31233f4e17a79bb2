//! Writing of networks, each file checked by reading it back.

use std::path::Path;

use mnas_space::Architecture;

use super::check::Verifier;
use super::error::ExportError;
use super::format::{Exported, Format};
use super::network::ExportNetwork;
use super::place::place;
use super::toml::Toml;

/// Writes a network to `path`; an error where the file that is read back disagrees with the network.
pub fn export(
    network: &ExportNetwork,
    format: &dyn Format,
    path: &Path,
    verifier: &Verifier,
) -> Result<Exported, ExportError> {
    place(path, |draft| {
        format.write(network, draft, verifier)?;
        format.check(network, draft, verifier)
    })
}

/// Writes an architecture as TOML.
pub fn export_architecture(architecture: &Architecture, path: &Path) -> Result<Exported, ExportError> {
    let network = ExportNetwork::untrained(architecture.clone());
    export(&network, &Toml, path, &Verifier::new(architecture, None, None))
}
