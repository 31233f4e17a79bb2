//! A network that the model may choose.

use mnas_space::{ArchitectureId, Genotype};

use crate::problem::Costs;
use crate::regression::Sample;

/// An unknown network that may be tried.
#[derive(Debug, Clone)]
pub(super) struct PooledCandidate {
    pub genotype: Genotype,
    pub id: ArchitectureId,
    pub costs: Costs,
    pub sample: Sample,
}
