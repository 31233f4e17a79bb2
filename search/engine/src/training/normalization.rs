//! Normalisation of pixels.

use serde::{Deserialize, Serialize};

/// Mean and standard deviation of each channel, on the scale where 255 is 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// Mean of red, green, blue.
    pub mean: [f32; 3],
    /// Standard deviation of red, green, blue; never 0.
    pub std: [f32; 3],
}

impl Normalization {
    /// Values of `ImageNet`, which published networks are trained with.
    pub const IMAGENET: Self = Self {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };
}
