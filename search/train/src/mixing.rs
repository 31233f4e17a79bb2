//! Mixup and cutmix: training on mixtures of two images.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};
use tch::{Reduction, TchError, Tensor};

use mnas_engine::training::Recipe;

/// Mixture of each image of a batch with the image before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mix {
    /// Mixup: a weighted mean of both images (Zhang et al., arXiv:1710.09412).
    Blend {
        /// Weight of the image itself.
        share: f64,
    },
    /// Cutmix: a rectangle of the other image, in shares of the image (Yun et al., arXiv:1905.04899).
    Paste {
        /// Left and right edge.
        columns: [f64; 2],
        /// Upper and lower edge.
        rows: [f64; 2],
    },
}

impl Mix {
    /// Draws the mixture of a batch by the recipe, from the batch's random stream.
    pub(super) fn draw(recipe: &Recipe, rng: &mut ChaCha8Rng) -> Option<Self> {
        let alpha = match (recipe.mixup, recipe.cutmix) {
            (None, None) => return None,
            (Some(alpha), None) => (alpha, false),
            (None, Some(alpha)) => (alpha, true),
            (Some(blend), Some(paste)) => {
                if rng.random_bool(0.5) {
                    (blend, false)
                } else {
                    (paste, true)
                }
            }
        };
        let (alpha, paste) = alpha;
        let share = Beta::new(alpha, alpha).map_or(1.0, |beta| beta.sample(rng));
        if !paste {
            return Some(Self::Blend { share });
        }
        // The centre lies anywhere in the image; the part outside is cut off.
        let half = (1.0 - share).sqrt() / 2.0;
        let mut span = || {
            let centre = rng.random_range(0.0..1.0);
            [f64::max(centre - half, 0.0), f64::min(centre + half, 1.0)]
        };
        let columns = span();
        Some(Self::Paste { columns, rows: span() })
    }

    /// Mixes `images` (`[batch, 3, height, width]`, overwritten) and returns them with the weight of each image's own label.
    pub(super) fn apply(self, images: Tensor) -> Result<(Tensor, f64), TchError> {
        let others = moved_on(&images)?;
        match self {
            Self::Blend { share } => {
                let mut images = images;
                let images = images.f_mul_scalar_(share)?;
                Ok((others.f_mul_scalar(1.0 - share)?.f_add_(&images)?, share))
            }
            Self::Paste { columns, rows } => {
                let (height, width) = (images.size()[2], images.size()[3]);
                let pixels = |span: [f64; 2], side: i64| {
                    let [from, to] = span.map(|edge| (edge * side as f64).round() as i64);
                    (from, to - from)
                };
                let ((top, rows), (left, columns)) = (pixels(rows, height), pixels(columns, width));
                if rows > 0 && columns > 0 {
                    let part = |of: &Tensor| of.f_narrow(2, top, rows)?.f_narrow(3, left, columns);
                    part(&images)?.f_copy_(&part(&others)?)?;
                }
                let share = 1.0 - (rows * columns) as f64 / (height * width) as f64;
                Ok((images, share))
            }
        }
    }
}

/// Cross-entropy with the image's own label, weighted by `share`, and with that of the image before it.
pub(super) fn mixed_loss(scores: &Tensor, labels: &Tensor, share: f64, smoothing: f64) -> Result<Tensor, TchError> {
    let loss = |labels: &Tensor| scores.f_cross_entropy_loss(labels, None::<&Tensor>, Reduction::Mean, -100, smoothing);
    if share >= 1.0 {
        return loss(labels);
    }
    let own = loss(labels)?.f_mul_scalar(share)?;
    own.f_add(&loss(&moved_on(labels)?)?.f_mul_scalar(1.0 - share)?)
}

/// A copy of a batch moved on by one place, the last element first, in the same memory order.
fn moved_on(batch: &Tensor) -> Result<Tensor, TchError> {
    let count = batch.size()[0];
    Tensor::f_cat(&[batch.f_narrow(0, count - 1, 1)?, batch.f_narrow(0, 0, count - 1)?], 0)
}

#[cfg(test)]
mod tests;
