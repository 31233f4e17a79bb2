//! Augmentation of training images.
//!
//! [`Augmentation`] chooses the part of an image that is seen, [`ExtraAugmentation`] changes what is seen there. Every
//! draw for an image comes from one stream of its own, in a fixed order.

mod color;
mod erase;
mod geometry;
mod rand_augment;

use serde::{Deserialize, Serialize};

use super::DataError;

pub(super) use erase::erase;
pub(super) use geometry::Augmenter;
pub use rand_augment::RandAugment;

/// How the part of a training image that is seen is chosen each time.
///
/// The flips are left out for sets whose classes are not the same mirrored (digits); see
/// [`ImageSet::may_flip`](super::ImageSet::may_flip).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Augmentation {
    /// The image as it is.
    None,
    /// A random shift by up to `padding` in each direction, the border filled by reflection, and a random
    /// horizontal flip: the usual augmentation of small images (He et al. 2016, section 4.2).
    CropFlip {
        /// The largest shift as a share of the side: 0.125, the default, is 4 pixels of 32.
        #[serde(default = "default_padding")]
        padding: f32,
    },
    /// A random part of the image scaled to the whole, and a random horizontal flip: the usual augmentation
    /// of large images (Szegedy et al. 2015). The aspect ratio is drawn between 3/4 and 4/3.
    ResizedCropFlip {
        /// The smallest part, as a share of the area: 0.08 for `ImageNet` as published, 0.35 (the default)
        /// for short trainings of small networks.
        #[serde(default = "default_min_area")]
        min_area: f32,
    },
}

fn default_padding() -> f32 {
    0.125
}

fn default_min_area() -> f32 {
    0.35
}

impl Augmentation {
    /// Shift and flip with the usual padding.
    pub fn crop_flip() -> Self {
        Self::CropFlip {
            padding: default_padding(),
        }
    }

    /// Random part and flip with the default smallest part.
    pub fn resized_crop_flip() -> Self {
        Self::ResizedCropFlip {
            min_area: default_min_area(),
        }
    }

    /// Refuses values outside their range.
    pub fn check(&self) -> Result<(), DataError> {
        match *self {
            Self::CropFlip { padding } if !(0.0..=0.5).contains(&padding) => Err(DataError::InvalidOption {
                option: "padding",
                value: padding.to_string(),
                expected: "a share of the side from 0 to 0.5 (0.125 is 4 pixels of 32)",
            }),
            Self::ResizedCropFlip { min_area } if !(min_area > 0.0 && min_area <= 1.0) => {
                Err(DataError::InvalidOption {
                    option: "min-area",
                    value: min_area.to_string(),
                    expected: "a share of the area above 0 and up to 1",
                })
            }
            _ => Ok(()),
        }
    }
}

/// What is done to a training image besides choosing its part; nothing by default.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ExtraAugmentation {
    /// Brightness, contrast and saturation are each scaled by a factor from `1 - x` to `1 + x`, in this order.
    pub color_jitter: f32,
    /// Random operations on colour and geometry.
    pub rand_augment: Option<RandAugment>,
    /// Probability that a rectangle is blanked: set to the mean colour, 0 after normalisation.
    pub random_erasing: f32,
}

impl ExtraAugmentation {
    /// Refuses values outside their range.
    pub fn check(&self) -> Result<(), DataError> {
        let invalid = |option, value: f32, expected| {
            Err(DataError::InvalidOption {
                option,
                value: value.to_string(),
                expected,
            })
        };
        if !(0.0..=1.0).contains(&self.color_jitter) {
            return invalid("color-jitter", self.color_jitter, "from 0 to 1");
        }
        if !(0.0..=1.0).contains(&self.random_erasing) {
            return invalid("random-erasing", self.random_erasing, "a probability, 0 to 1");
        }
        self.rand_augment.map_or(Ok(()), |one| one.check())
    }
}

#[cfg(test)]
mod tests;
