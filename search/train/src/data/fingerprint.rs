//! Fingerprints of loaded images.

use xxhash_rust::xxh3::Xxh3;

use super::image_set::ImageSet;

/// Images of a streamed set that its fingerprint is computed over.
const STREAMED_IMAGES: usize = 256;

/// Adds the labels and the stored pixels of a set; of a streamed one, those of 256 images spread evenly over it, without images that
/// cannot be read.
pub(super) fn add(set: &ImageSet, hash: &mut Xxh3) {
    add_number(set.len(), hash);
    add_number(set.size() as usize, hash);
    for class in set.classes() {
        // The length separates the names.
        add_number(class.len(), hash);
        hash.update(class.as_bytes());
    }
    for label in set.labels() {
        hash.update(&label.to_le_bytes());
    }
    if !set.is_streamed() {
        hash.update(set.pixels());
        return;
    }
    for index in (0..set.len()).step_by((set.len() / STREAMED_IMAGES).max(1)) {
        if let Ok(image) = set.image(index) {
            hash.update(&image);
        }
    }
}

fn add_number(number: usize, hash: &mut Xxh3) {
    hash.update(&(number as u64).to_le_bytes());
}
