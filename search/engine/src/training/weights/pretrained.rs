//! Pretrained networks: weights under the names of their architecture, and facts about their training.

use std::path::Path;

use mnas_space::{Architecture, Reference};

use super::{Matching, Naming, Weights, WeightsError};
use crate::training::Normalization;

/// Network with pretrained weights, from which others can be fine-tuned or inherit.
#[derive(Debug, Clone)]
pub struct Pretrained {
    /// Architecture, with as many classes as the weights score.
    pub architecture: Architecture,
    /// Weights under the architecture's names.
    pub weights: Weights,
    /// Tensors of the file by parameter.
    pub matching: Matching,
    /// Normalisation of images that the weights expect; `None` where it is not known.
    pub normalization: Option<Normalization>,
    /// Names of the weights' classes in the order of the scores; `None` where they are not known.
    pub classes: Option<Vec<String>>,
}

impl Pretrained {
    /// Reads the weights of `path` as those of `architecture`, by default the one that the file names. The number of classes is that of
    /// the weights.
    pub fn read(path: &Path, architecture: Option<&Architecture>) -> Result<Self, WeightsError> {
        Self::of(&Weights::read(path)?, path, architecture)
    }

    /// Like [`Pretrained::read`], for weights that were read from `path`.
    pub fn of(weights: &Weights, path: &Path, architecture: Option<&Architecture>) -> Result<Self, WeightsError> {
        let architecture = match architecture {
            Some(architecture) => architecture.clone(),
            None => named(weights, path)?,
        };
        let matching = weights.matching(&architecture.graph(), path)?;
        let classes = matching.classes.unwrap_or(architecture.head.classes);
        let architecture = architecture.with_classes(classes);
        let info = weights.info.as_ref();
        Ok(Self {
            normalization: info
                .map(|info| info.normalization)
                .or_else(|| normalization(matching.naming, &architecture)),
            classes: info.map(|info| info.classes.clone()),
            weights: weights.fitted(&architecture.graph(), path)?.into_owned(),
            matching,
            architecture,
        })
    }
}

/// The architecture that the file names, at the resolution of its training.
fn named(weights: &Weights, path: &Path) -> Result<Architecture, WeightsError> {
    let Some(info) = &weights.info else {
        return Err(WeightsError::NoArchitecture {
            path: path.to_path_buf(),
        });
    };
    let parsed: Result<Architecture, _> = info.architecture.parse();
    let architecture = parsed.map_err(|error| WeightsError::Architecture {
        path: path.to_path_buf(),
        error,
    })?;
    Ok(architecture
        .with_resolution(info.train_resolution)
        .without_early_strides(info.early_strides_removed))
}

/// The normalisation with which the published weights of a package were trained.
///
/// torchvision: `ImageNet`'s mean and deviation. Keras's and TF-Slim's `MobileNets`: -1 to 1. `EfficientNet-Lite`, whoever converted it:
/// (pixel - 127) / 128, as in its authors' code.
fn normalization(naming: Naming, architecture: &Architecture) -> Option<Normalization> {
    if is_efficientnet_lite(architecture) {
        return Some(Normalization {
            mean: [127.0 / 255.0; 3],
            std: [128.0 / 255.0; 3],
        });
    }
    match naming {
        Naming::Torchvision => Some(Normalization::IMAGENET),
        Naming::TensorFlow => Some(Normalization {
            mean: [0.5; 3],
            std: [0.5; 3],
        }),
        // timm and efficientnet_pytorch hold networks of both origins; others are unknown.
        Naming::Timm | Naming::EfficientNetPytorch | Naming::Own | Naming::Proxyless | Naming::Order => None,
    }
}

fn is_efficientnet_lite(architecture: &Architecture) -> bool {
    let lite = Reference::all()
        .iter()
        .filter(|reference| reference.name().starts_with("efficientnet-lite"));
    lite.into_iter().any(|reference| {
        let other = reference.architecture(1.0, architecture.resolution, architecture.head.classes);
        other.is_ok_and(|other| other.blocks == architecture.blocks)
    })
}
