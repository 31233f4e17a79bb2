//! Random erasing (Zhong et al., arXiv:1708.04896).

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Sets a random rectangle of a normalised image (`[side, side, 3]`) to 0, the mean colour, with `probability`: 2 to 33 % of the area, an
/// aspect ratio from 0.3 to 3.3; none where ten draws do not fit.
pub(in crate::data) fn erase(image: &mut [f32], side: usize, probability: f32, rng: &mut ChaCha8Rng) {
    if probability <= 0.0 || !rng.random_bool(f64::from(probability.min(1.0))) {
        return;
    }
    let (lowest, highest) = (0.3_f64.ln(), 3.3_f64.ln());
    for _ in 0..10 {
        let area = rng.random_range(0.02..=0.33) * (side * side) as f64;
        let ratio = rng.random_range(lowest..=highest).exp();
        let height = (area * ratio).sqrt().round() as usize;
        let width = (area / ratio).sqrt().round() as usize;
        if height < side && width < side {
            let top = rng.random_range(0..=side - height);
            let left = rng.random_range(0..=side - width);
            for row in image.chunks_exact_mut(3 * side).skip(top).take(height) {
                row[3 * left..3 * (left + width)].fill(0.0);
            }
            return;
        }
    }
}
