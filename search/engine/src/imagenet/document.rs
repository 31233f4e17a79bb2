//! Coefficients as a TOML document.

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::interactions::Interactions;
use super::range::Range;
use super::structure::StructureWeights;

/// Compiled-in coefficients.
const EMBEDDED: &str = include_str!("../../../../configs/imagenet/predictor.toml");

/// Coefficients of the predictor, with a description of the data that they were fitted to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Coefficients {
    /// Meaning of a prediction.
    pub description: String,
    /// Published networks behind the calibration, each once for each class of recipes.
    pub published_networks: usize,
    /// Networks of Accel-NASBench behind the effects of structure.
    pub accel_networks: usize,
    /// Effects of structure in Accel-NASBench.
    pub structure: StructureWeights,
    /// Model of published accuracies.
    pub calibration: Calibration,
    /// Range in which there are predictions.
    pub range: Range,
    /// Model of accuracies with Accel-NASBench's recipe.
    pub interactions: Interactions,
}

/// Error of reading coefficients.
#[derive(Debug, thiserror::Error)]
pub enum CoefficientsError {
    /// The document is not valid TOML of coefficients.
    #[error("coefficients of the ImageNet predictor: {0}")]
    Document(#[from] toml::de::Error),
    /// A list has a wrong length.
    #[error("coefficients of the ImageNet predictor: a list in [{table}] has a wrong length; fit them again")]
    Incomplete {
        /// Table with the list.
        table: &'static str,
    },
}

impl Coefficients {
    pub(super) fn new(
        (published_networks, accel_networks): (usize, usize),
        calibration: Calibration,
        structure: StructureWeights,
        range: Range,
        interactions: Interactions,
    ) -> Self {
        Self {
            description: "ImageNet top-1 predicted for a network trained as MnasNet, MobileNetV3 and EfficientNet were, without \
                          AutoAugment; fitted to space/references/published.csv and to Accel-NASBench (arXiv:2404.08005)"
                .to_owned(),
            published_networks,
            accel_networks,
            structure,
            calibration,
            range,
            interactions,
        }
    }

    /// Reads coefficients from TOML.
    pub fn from_toml(text: &str) -> Result<Self, CoefficientsError> {
        let coefficients: Self = toml::from_str(text)?;
        let structure = &coefficients.structure;
        let complete = [
            (
                "structure",
                (structure.width.len(), structure.depth.len()) == (super::LEVELS, super::LEVELS),
            ),
            ("calibration", coefficients.calibration.is_complete()),
            ("range", coefficients.range.is_complete()),
            ("interactions", coefficients.interactions.is_complete()),
        ];
        match complete.into_iter().find(|(_, complete)| !complete) {
            Some((table, _)) => Err(CoefficientsError::Incomplete { table }),
            None => Ok(coefficients),
        }
    }

    /// Compiled-in coefficients.
    ///
    /// # Panics
    ///
    /// Panics if the compiled-in file is invalid, which a test excludes.
    pub fn embedded() -> Self {
        Self::from_toml(EMBEDDED).unwrap_or_else(|error| panic!("configs/imagenet/predictor.toml: {error}"))
    }

    /// Text of the document.
    ///
    /// # Panics
    ///
    /// Never: every number and list of coefficients has a form in TOML.
    pub fn to_toml(&self) -> String {
        let body = toml::to_string(self).expect("coefficients have a form in TOML");
        // A row of a matrix on each line.
        let body = body
            .replace("[[", "[\n  [")
            .replace("], [", "],\n  [")
            .replace("]]", "],\n]");
        format!("# Coefficients of the ImageNet predictor, written by its fit; see README.md beside this file.\n{body}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_read_and_written() {
        let coefficients = Coefficients::embedded();
        assert_eq!(coefficients.to_toml(), EMBEDDED);
        let broken = EMBEDDED.replace("published-networks", "published");
        assert!(
            Coefficients::from_toml(&broken)
                .unwrap_err()
                .to_string()
                .contains("published")
        );
        let mut short = coefficients;
        short.structure.width.pop();
        let error = Coefficients::from_toml(&short.to_toml()).unwrap_err().to_string();
        assert!(error.contains("[structure]"), "{error}");
    }
}
