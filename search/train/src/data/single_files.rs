//! Images given as single files, without labels.

use std::path::PathBuf;

use mnas_engine::training::{Fit, OnCorrupt, Split};
use rayon::prelude::*;

use super::decode::decode_rgb;
use super::error::{DataError, ImagePlace};
use super::image_set::{ImageSet, Provenance, Store};
use super::scale::{Scaler, square_bytes};

/// Reads image files into squares with sides of `size` pixels, in the order given; all have the label 0 of a class without a name.
pub fn load_files(paths: &[PathBuf], fit: Fit, size: u32) -> Result<ImageSet, DataError> {
    let read = |path: &PathBuf| {
        let bytes = std::fs::read(path).map_err(|source| DataError::Read {
            path: path.clone(),
            source,
        })?;
        let decoded = decode_rgb(&bytes).map_err(|reason| DataError::CorruptImage {
            place: ImagePlace {
                path: path.clone(),
                row: None,
            },
            reason,
        })?;
        let mut square = vec![0; square_bytes(size)];
        Scaler::new().square(decoded.pixels(), fit, size, &mut square);
        Ok(square)
    };
    let squares: Vec<Vec<u8>> = paths.par_iter().map(read).collect::<Result<_, DataError>>()?;
    Ok(ImageSet {
        store: Store::Decoded(squares.concat()),
        size,
        labels: vec![0; paths.len()],
        classes: [String::new()].into(),
        provenance: Provenance {
            format: "single files",
            name: "files".to_owned(),
            path: paths.first().cloned().unwrap_or_default(),
            split: Split::Test,
            skipped: Vec::new(),
            is_synthetic: false,
        },
        on_corrupt: OnCorrupt::Refuse,
        fit,
        may_flip: false,
    })
}
