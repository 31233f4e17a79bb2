//! Parent of a study: the pretrained network from which all others inherit.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::folder::StudyFolder;
use crate::training::{Distillation, ParentWeights, Recipe};

/// Pretrained network and its fine-tuning on the images of a study. The fine-tuned weights, in
/// [`StudyFolder::parent_weights`], are those that the other networks inherit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ParentConfig {
    /// Architecture as a string, with the classes of the pretrained weights.
    pub architecture: String,
    /// The pretrained weights.
    pub weights: PathBuf,
    /// Recipe of the fine-tuning.
    pub recipe: Recipe,
}

/// Temperature and weight of the distillation from a fine-tuned parent.
const TEMPERATURE: f64 = 4.0;
const WEIGHT: f64 = 0.5;

impl ParentConfig {
    /// The parent before its fine-tuning.
    pub fn original(&self) -> ParentWeights {
        ParentWeights {
            architecture: self.architecture.clone(),
            weights: self.weights.clone(),
        }
    }

    /// The fine-tuned parent of the study in `folder`.
    pub fn fine_tuned(&self, folder: &StudyFolder) -> ParentWeights {
        let weights = folder.parent_weights();
        ParentWeights {
            architecture: self.architecture.clone(),
            weights: std::path::absolute(&weights).unwrap_or(weights),
        }
    }

    /// `recipe` with the fine-tuned parent as the teacher, unless it names one.
    pub fn taught(&self, folder: &StudyFolder, mut recipe: Recipe) -> Recipe {
        recipe.distillation.get_or_insert_with(|| Distillation {
            weights: self.fine_tuned(folder).weights,
            architecture: None,
            temperature: TEMPERATURE,
            weight: WEIGHT,
        });
        recipe
    }
}
