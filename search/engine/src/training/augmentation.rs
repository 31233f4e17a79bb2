//! Settings of the augmentation of training images; the operations are in the worker.

use serde::{Deserialize, Serialize};

use super::OptionError;

/// Choice of the part of a training image in each epoch.
///
/// Data sets whose classes change when mirrored (digits) are not flipped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Augmentation {
    /// The whole image, unchanged.
    None,
    /// Random shift by up to `padding` in each direction, the border filled by reflection, and a random horizontal flip: the usual
    /// augmentation of small images (He et al. 2016, section 4.2).
    CropFlip {
        /// Largest shift as a share of the side: 0.125, the default, is 4 pixels of 32.
        #[serde(default = "default_padding")]
        padding: f32,
    },
    /// Random part of the image scaled to the whole, and a random horizontal flip: the usual augmentation of large images (Szegedy et
    /// al. 2015). The aspect ratio is drawn between 3/4 and 4/3.
    ResizedCropFlip {
        /// Smallest part as a share of the area: 0.08 for `ImageNet` as published, 0.35 (the default) for short trainings of small
        /// networks.
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
    pub fn check(&self) -> Result<(), OptionError> {
        match *self {
            Self::CropFlip { padding } if !(0.0..=0.5).contains(&padding) => Err(OptionError::new(
                "padding",
                padding,
                "a share of the side from 0 to 0.5 (0.125 is 4 pixels of 32)",
            )),
            Self::ResizedCropFlip { min_area } if !(min_area > 0.0 && min_area <= 1.0) => Err(OptionError::new(
                "min-area",
                min_area,
                "a share of the area above 0 and up to 1",
            )),
            _ => Ok(()),
        }
    }
}

/// Augmentation of a training image beyond the choice of its part; none by default.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ExtraAugmentation {
    /// Colour jitter: brightness, contrast and saturation are scaled in this order, each by a factor from `1 - x` to `1 + x`.
    pub color_jitter: f32,
    /// Random operations on colour and geometry.
    pub rand_augment: Option<RandAugment>,
    /// Probability that a rectangle is set to the mean colour, 0 after normalisation.
    pub random_erasing: f32,
}

impl ExtraAugmentation {
    /// Refuses values outside their range.
    pub fn check(&self) -> Result<(), OptionError> {
        if !(0.0..=1.0).contains(&self.color_jitter) {
            return Err(OptionError::new("color-jitter", self.color_jitter, "from 0 to 1"));
        }
        if !(0.0..=1.0).contains(&self.random_erasing) {
            return Err(OptionError::new(
                "random-erasing",
                self.random_erasing,
                "a probability, 0 to 1",
            ));
        }
        self.rand_augment.map_or(Ok(()), |one| one.check())
    }
}

/// `RandAugment` (Cubuk et al., arXiv:1909.13719): a sequence of operations, each drawn from fourteen with equal probability, all of one
/// strength.
///
/// Operations and strengths are those of torchvision's `RandAugment`: identity, shears, shifts, rotation, brightness,
/// saturation, contrast, sharpness, posterize, solarize, autocontrast, equalize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RandAugment {
    /// Number of operations, 1 to 8 (N of the paper).
    pub operations: u32,
    /// Strength of the operations, 0 to 30 (M of the paper).
    pub magnitude: u32,
}

impl RandAugment {
    /// Largest magnitude.
    pub const STRONGEST: u32 = 30;

    /// Refuses values outside their range.
    pub fn check(&self) -> Result<(), OptionError> {
        if !(1..=8).contains(&self.operations) {
            return Err(OptionError::new(
                "rand-augment.operations",
                self.operations,
                "from 1 to 8",
            ));
        }
        if self.magnitude > Self::STRONGEST {
            return Err(OptionError::new(
                "rand-augment.magnitude",
                self.magnitude,
                "from 0 to 30",
            ));
        }
        Ok(())
    }
}
