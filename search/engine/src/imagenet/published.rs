//! Published networks with their ImageNet accuracy and the class of recipes that they were trained with.

use mnas_space::{Architecture, PublishedPoint, Reference};
use serde::{Deserialize, Serialize};

/// Class of recipes. Within a class the published accuracies of one network differ by up to a point; between classes by more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// `MobileNetV1`'s and V2's: weight decay, crops and flips, without label smoothing or averaged weights in most cases.
    Plain,
    /// `MnasNet`'s, `MobileNetV3`'s and `EfficientNet`'s without `AutoAugment`: several hundred epochs with label smoothing,
    /// dropout and mostly averaged weights. Predictions of new networks refer to it.
    #[default]
    Regularised,
    /// The same with `AutoAugment`.
    AutoAugment,
    /// `MobileNetV4`'s: longer, with stronger augmentation.
    MobileNetV4,
}

impl Recipe {
    /// All classes.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Regularised, Self::AutoAugment, Self::MobileNetV4];

    /// Description for tables and plots, to follow "predicted".
    pub fn description(self) -> &'static str {
        match self {
            Self::Plain => "as MobileNetV1 and V2 were trained",
            Self::Regularised => "as MnasNet, MobileNetV3 and EfficientNet were trained, without AutoAugment",
            Self::AutoAugment => "as EfficientNet was trained, with AutoAugment",
            Self::MobileNetV4 => "as MobileNetV4 was trained",
        }
    }

    /// Class of the recipe behind a published accuracy; `None` for accuracies that are left out of the fit: training with other
    /// images (noisy student), adversarial examples (`AdvProp`), and packages' conversions of the authors' weights.
    fn of(reference: &str, point: &PublishedPoint) -> Option<Self> {
        let source = point.source.as_str();
        let is_package = source.contains("imgclsmob");
        if source.contains("noisy student") || source.contains("AdvProp") {
            return None;
        }
        if reference.starts_with("efficientnet-b") {
            // The paper's table states the same accuracies as the row with AutoAugment.
            return match source {
                _ if source.contains("(baseline)") => Some(Self::Regularised),
                _ if source.contains("(AutoAugment)") => Some(Self::AutoAugment),
                _ => None,
            };
        }
        if reference.starts_with("mobilenet-v4") {
            return Some(Self::MobileNetV4);
        }
        if matches!(reference, "mobilenet-v1" | "mobilenet-v2") {
            return Some(Self::Plain);
        }
        // EfficientNet-Edge is known by conversions only.
        (!is_package || reference.starts_with("efficientnet-edge")).then_some(Self::Regularised)
    }
}

/// Published network with its accuracy.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedNetwork {
    /// Name of the reference.
    pub reference: String,
    /// Family of references that share authors and blocks, left out together in validation.
    pub family: &'static str,
    /// Width multiplier.
    pub width: f64,
    /// Class of recipes.
    pub recipe: Recipe,
    /// ImageNet top-1 in percent, the mean of the sources with this class of recipes.
    pub top1: f64,
    /// Number of these sources.
    pub sources: usize,
    /// Network.
    pub architecture: Architecture,
}

/// Families by the beginning of their references' names.
const FAMILIES: [&str; 9] = [
    "mobilenet-v1",
    "mobilenet-v2",
    "mobilenet-v3",
    "mobilenet-v4",
    "mnasnet",
    "efficientnet",
    "fbnet",
    "proxyless",
    "single-path-nas",
];

/// Every published network once for each class of recipes, in the order of the references.
pub fn published_networks() -> Vec<PublishedNetwork> {
    let mut networks: Vec<PublishedNetwork> = Vec::new();
    for reference in Reference::all() {
        let name = reference.name();
        let family = FAMILIES.into_iter().find(|family| name.starts_with(family));
        for point in &reference.published {
            let (Some(top1), Some(recipe), Some(family)) = (point.top1, Recipe::of(name, point), family) else {
                continue;
            };
            let Ok(architecture) = reference.architecture(point.width, point.resolution, 1000) else {
                continue;
            };
            let known = networks.iter_mut().find(|network| {
                network.recipe == recipe && network.reference == name && network.architecture == architecture
            });
            if let Some(network) = known {
                let sum = network.top1 * network.sources as f64 + top1;
                network.sources += 1;
                network.top1 = sum / network.sources as f64;
            } else {
                networks.push(PublishedNetwork {
                    reference: name.to_owned(),
                    family,
                    width: point.width,
                    recipe,
                    top1,
                    sources: 1,
                    architecture,
                });
            }
        }
    }
    networks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_network_has_a_family_and_appears_once_per_recipe() {
        for reference in Reference::all() {
            assert!(
                FAMILIES.iter().any(|family| reference.name().starts_with(family)),
                "{}",
                reference.name()
            );
        }
        let networks = published_networks();
        let count = |family: &str, recipe: Recipe| {
            let of_family = networks
                .iter()
                .filter(|network| network.family == family && network.recipe == recipe);
            of_family.count()
        };
        assert_eq!(count("mobilenet-v1", Recipe::Plain), 16);
        assert_eq!(count("efficientnet", Recipe::AutoAugment), 8);
        assert_eq!(count("mobilenet-v1", Recipe::Regularised), 0);
        for (index, network) in networks.iter().enumerate() {
            let twice = networks[..index]
                .iter()
                .any(|other| other.recipe == network.recipe && other.architecture == network.architecture);
            assert!(!twice, "{} {}", network.reference, network.width);
        }
    }

    #[test]
    fn other_images_and_conversions_are_left_out() {
        let networks = published_networks();
        let b0: Vec<f64> = networks
            .iter()
            .filter(|network| network.reference == "efficientnet-b0")
            .map(|network| network.top1)
            .collect();
        assert_eq!(b0, [77.1, 76.7]);
    }
}
