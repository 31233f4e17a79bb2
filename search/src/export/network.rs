//! Networks to write.

use std::path::{Path, PathBuf};

use mnas_engine::training::weights::Weights;
use mnas_engine::training::{DataRequest, Fit, Normalization, Split};
use mnas_engine::worker::{ImagesRequest, ImagesSource};
use mnas_space::{Architecture, Graph};

use super::ExportError;

/// Network to write, with or without trained weights.
#[derive(Debug, Clone)]
pub struct ExportNetwork {
    /// The architecture.
    pub architecture: Architecture,
    /// Lowered architecture.
    pub graph: Graph,
    /// Weights; only an architecture can be written without them.
    pub trained: Option<Trained>,
}

/// Weights with their metadata.
#[derive(Debug, Clone)]
pub struct Trained {
    /// Weights with the names of the architecture.
    pub weights: Weights,
    /// File they were read from, which libtorch reads too.
    pub source: PathBuf,
    /// Normalisation of images, where it is known.
    pub normalization: Option<Normalization>,
    /// Names of the classes in the order of the scores, none where they are not known.
    pub classes: Vec<String>,
}

impl ExportNetwork {
    /// Architecture without weights.
    pub fn untrained(architecture: Architecture) -> Self {
        let graph = architecture.graph();
        Self {
            architecture,
            graph,
            trained: None,
        }
    }

    /// Architecture with the weights read from the file `source`; an error where they do not fit.
    pub fn trained(architecture: Architecture, weights: &Weights, source: &Path) -> Result<Self, ExportError> {
        let graph = architecture.graph();
        let weights = weights.fitted(&graph, source)?.into_owned();
        let info = weights.info.as_ref();
        let trained = Trained {
            normalization: info.map(|info| info.normalization),
            classes: info.map_or_else(Vec::new, |info| info.classes.clone()),
            source: source.to_path_buf(),
            weights,
        };
        Ok(Self {
            architecture,
            graph,
            trained: Some(trained),
        })
    }

    /// Request for images of a split of `data`, in the form that the network takes.
    pub fn images(&self, data: DataRequest, split: Split, fit: Fit) -> ImagesRequest {
        let trained = self.trained.as_ref();
        let info = trained.and_then(|trained| trained.weights.info.as_ref());
        let resolution = self.architecture.resolution;
        ImagesRequest {
            source: ImagesSource::Split {
                data,
                split,
                label_map: None,
                scores: self.architecture.head.classes,
            },
            resolution,
            image_size: info.and_then(|info| info.image_size).unwrap_or(resolution),
            fit,
            normalization: trained.and_then(|trained| trained.normalization),
        }
    }

    /// Weights for a format that needs them.
    pub(super) fn require(&self, format: &'static str) -> Result<&Trained, ExportError> {
        self.trained.as_ref().ok_or(ExportError::NoWeights { format })
    }

    /// Name of the network in files.
    pub(super) fn label(&self) -> String {
        format!("mnas-{}", self.architecture.id())
    }
}
