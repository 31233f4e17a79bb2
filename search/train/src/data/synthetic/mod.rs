//! Synthetic demo set: textured shapes in clutter, drawn from a seed.
//!
//! A class is a shape with a texture; everything else in an image is random ([`scene`]). Difficulty: five epochs over 4000 images
//! of 32 px take networks of 18, 128 and 289 thousand parameters to about 45, 63 and 70 %, a linear classifier to 17 %.

mod scene;

use std::path::Path;
use std::sync::Arc;

use mnas_engine::training::{OnCorrupt, OptionError, Split};
use mnas_space::random::stream;
use serde::{Deserialize, Serialize};

use super::decode::Rgb;
use super::error::{DataError, ImagePlace};
use super::format::Format;
use super::index::{Content, ImageRef, ImageSource, Index, Sample};
use scene::{SHAPES, Scene, TEXTURES};

/// Synthetic set of a given size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Synthetic {
    /// Classes, from 2 to 20. Default 10: five shapes, striped and spotted.
    pub classes: usize,
    /// Training images. Default 4000.
    pub train: usize,
    /// Validation images. Default 1000.
    pub val: usize,
    /// Test images. Default 1000.
    pub test: usize,
    /// Seed of every image. Default 0.
    pub seed: u64,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self {
            classes: 10,
            train: 4000,
            val: 1000,
            test: 1000,
            seed: 0,
        }
    }
}

impl Synthetic {
    /// Refuses sizes that cannot be drawn.
    pub fn check(&self) -> Result<(), DataError> {
        if !(2..=SHAPES.len() * TEXTURES.len()).contains(&self.classes) {
            return Err(DataError::from(OptionError {
                option: "classes",
                value: self.classes.to_string(),
                expected: "from 2 to 20 for the synthetic set",
            }));
        }
        if self.train < self.classes || self.val < self.classes {
            return Err(DataError::from(OptionError {
                option: "train, val",
                value: format!("{}, {}", self.train, self.val),
                expected: "at least one image of each class",
            }));
        }
        Ok(())
    }

    /// Names of the classes, such as `striped star`.
    pub fn class_names(&self) -> Vec<String> {
        (0..self.classes)
            .map(|class| format!("{} {}", TEXTURES[class / SHAPES.len()], SHAPES[class % SHAPES.len()]))
            .collect()
    }

    /// Draws image `number` of a split at `side` pixels: `[side, side, 3]`.
    fn draw(&self, purpose: &str, number: u64, side: u32) -> Vec<u8> {
        let class = (number % self.classes as u64) as usize;
        let mut rng = stream(self.seed, purpose, number, 0);
        let scene = Scene::random(&mut rng, class % SHAPES.len(), class / SHAPES.len());
        scene.render(&mut rng, side)
    }
}

impl Format for Synthetic {
    /// Recognises the word `demo` in place of a path.
    fn recognise(path: &Path) -> Result<Option<Self>, DataError> {
        Ok((path == Path::new("demo")).then(Self::default))
    }

    fn name(&self) -> &'static str {
        "synthetic demo"
    }

    fn has(&self, _split: Split) -> bool {
        true
    }

    fn index(&self, split: Split, _on_corrupt: OnCorrupt) -> Result<Index, DataError> {
        let (count, purpose) = match split {
            Split::Val => (self.val, "demo-val"),
            Split::Test => (self.test, "demo-test"),
            Split::Train | Split::All => (self.train, "demo-train"),
        };
        let images = Arc::new(Drawn { set: *self, purpose });
        let samples = (0..count).map(|number| Sample {
            label: (number % self.classes) as u32,
            image: ImageRef::new(&images, number),
        });
        Ok(Index {
            classes: self.class_names(),
            samples: samples.collect(),
            skipped: Vec::new(),
        })
    }

    fn is_synthetic(&self) -> bool {
        true
    }
}

/// Images of one split.
#[derive(Debug)]
struct Drawn {
    set: Synthetic,
    /// Name of the random stream.
    purpose: &'static str,
}

impl ImageSource for Drawn {
    fn place(&self, number: usize) -> ImagePlace {
        ImagePlace {
            path: "demo".into(),
            row: Some(number),
        }
    }

    fn read(&self, number: usize, side: u32) -> Result<Content<'_>, String> {
        Ok(Content::Pixels(Rgb {
            bytes: self.set.draw(self.purpose, number as u64, side),
            width: side,
            height: side,
        }))
    }

    /// Images are drawn at any side.
    fn known_side(&self) -> Option<u32> {
        Some(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::scale::square_bytes;

    #[test]
    fn drawing_is_reproducible_and_splits_differ() {
        let set = Synthetic::default();
        assert_eq!(set.draw("demo-train", 5, 48), set.draw("demo-train", 5, 48));
        assert_ne!(set.draw("demo-train", 5, 48), set.draw("demo-val", 5, 48));
        assert_ne!(set.draw("demo-train", 5, 48), set.draw("demo-train", 15, 48));
        let other = Synthetic { seed: 1, ..set };
        assert_ne!(set.draw("demo-train", 5, 48), other.draw("demo-train", 5, 48));
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        assert!(
            Synthetic {
                classes: 1,
                ..Synthetic::default()
            }
            .check()
            .is_err()
        );
        assert!(
            Synthetic {
                classes: 21,
                ..Synthetic::default()
            }
            .check()
            .is_err()
        );
        assert!(
            Synthetic {
                val: 3,
                ..Synthetic::default()
            }
            .check()
            .is_err()
        );
        let all = Synthetic {
            classes: 20,
            ..Synthetic::default()
        };
        assert!(all.check().is_ok());
        assert_eq!(all.class_names()[19], "ringed cross");
    }

    /// Neither mean colours nor mean pixels reveal the class.
    #[test]
    fn the_nearest_class_mean_fails() {
        const SIZE: u32 = 24;
        let set = Synthetic {
            seed: 3,
            ..Synthetic::default()
        };
        let length = square_bytes(SIZE);
        let mut means = vec![vec![0.0_f64; length]; 10];
        for number in 0..2_000 {
            for (sum, value) in means[number as usize % 10]
                .iter_mut()
                .zip(set.draw("demo-train", number, SIZE))
            {
                *sum += f64::from(value) / 200.0;
            }
        }
        let right = (0..1_000)
            .filter(|&number| {
                let image = set.draw("demo-val", number, SIZE);
                let distance = |mean: &Vec<f64>| -> f64 {
                    mean.iter()
                        .zip(&image)
                        .map(|(mean, &value)| (mean - f64::from(value)).powi(2))
                        .sum()
                };
                let nearest = (0..10).min_by(|&a, &b| distance(&means[a]).total_cmp(&distance(&means[b])));
                nearest == Some(number as usize % 10)
            })
            .count();
        assert!(right < 350, "{right} of 1000 by the nearest mean");
    }
}
