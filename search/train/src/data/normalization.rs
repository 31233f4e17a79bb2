//! Normalisation of pixels.

use mnas_engine::training::Normalization;

use super::image_set::ImageSet;

/// Images of a streamed set that its mean is computed over.
const STREAMED_IMAGES: usize = 2048;

#[derive(Default)]
struct Sums {
    sum: [u64; 3],
    squares: [u64; 3],
    count: u64,
}

impl Sums {
    fn add(&mut self, pixels: &[u8]) {
        for pixel in pixels.chunks_exact(3) {
            for (channel, &value) in pixel.iter().enumerate() {
                let value = u64::from(value);
                self.sum[channel] += value;
                self.squares[channel] += value * value;
            }
        }
        self.count += pixels.len() as u64 / 3;
    }
}

/// Mean and standard deviation over all pixels of a set, which should be the training images; exact and independent of any order. For a
/// streamed set, over 2048 images spread evenly over it, without images that cannot be read.
pub fn normalization_of(set: &ImageSet) -> Normalization {
    let mut sums = Sums::default();
    if set.is_streamed() {
        let step = (set.len() / STREAMED_IMAGES).max(1);
        for index in (0..set.len()).step_by(step) {
            if let Ok(image) = set.image(index) {
                sums.add(&image);
            }
        }
    } else {
        sums.add(set.pixels());
    }
    let Sums { sum, squares, count } = sums;
    let count = count.max(1) as f64;
    let mut normalization = Normalization {
        mean: [0.0; 3],
        std: [1.0; 3],
    };
    for channel in 0..3 {
        let mean = sum[channel] as f64 / count;
        let variance = squares[channel] as f64 / count - mean * mean;
        normalization.mean[channel] = (mean / 255.0) as f32;
        // A constant channel has no deviation to divide by: one grey level replaces it.
        normalization.std[channel] = (variance.max(1.0).sqrt() / 255.0) as f32;
    }
    normalization
}

/// Normalised value of each byte, per channel.
pub(super) fn lookup_table(normalization: &Normalization) -> [[f32; 256]; 3] {
    let mut table = [[0.0; 256]; 3];
    for (channel, values) in table.iter_mut().enumerate() {
        for (byte, value) in values.iter_mut().enumerate() {
            *value = (byte as f32 / 255.0 - normalization.mean[channel]) / normalization.std[channel];
        }
    }
    table
}
