//! IDX files, the format of MNIST and its relatives (`LeCun` et al. 1998), plain or gzipped.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use mnas_engine::training::{OnCorrupt, Split};

use super::error::DataError;
use super::file_names::has_ending;
use super::format::{Format, PerSplit};
use super::index::{ImageRef, Index};
use super::raw::RawImages;

/// Unsigned bytes in three dimensions: images, rows, columns.
const IMAGES_MAGIC: u32 = 0x0803;
/// Unsigned bytes in one dimension.
const LABELS_MAGIC: u32 = 0x0801;
/// Largest size of a file when unpacked.
const MAX_BYTES: u64 = 8 << 30;

/// Image and label files of the splits of a data set.
#[derive(Debug)]
pub(super) struct Idx(PerSplit<IdxPair>);

impl Format for Idx {
    fn recognise(folder: &Path) -> Result<Option<Self>, DataError> {
        if !folder.is_dir() {
            return Ok(None);
        }
        let read = |source| DataError::Read {
            path: folder.to_path_buf(),
            source,
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(read)? {
            files.push(entry.map_err(read)?.path());
        }
        // A plain file sorts before its gzipped form and is preferred.
        files.sort();
        let pair = |prefixes: &[&str]| {
            let images = pick(&files, prefixes, "images", "idx3")?;
            let labels = pick(&files, prefixes, "labels", "idx1")?;
            Some(IdxPair { images, labels })
        };
        let found = PerSplit {
            train: pair(&["train"]),
            val: pair(&["val", "valid", "validation"]),
            test: pair(&["t10k", "test"]),
        };
        Ok((!found.is_empty()).then_some(Self(found)))
    }

    fn name(&self) -> &'static str {
        "idx"
    }

    fn has(&self, split: Split) -> bool {
        self.0.get(split).is_some()
    }

    fn index(&self, split: Split, on_corrupt: OnCorrupt) -> Result<Index, DataError> {
        match self.0.get(split) {
            Some(pair) => pair.index(on_corrupt),
            None => Index::of_numbers(Vec::new()),
        }
    }

    /// IDX files hold digits and letters.
    fn may_flip(&self) -> bool {
        false
    }
}

/// First file whose name contains `<prefix>-images`, for example, and `idx3`.
fn pick(files: &[PathBuf], prefixes: &[&str], content: &str, form: &str) -> Option<PathBuf> {
    files
        .iter()
        .find(|file| {
            let name = file
                .file_name()
                .map(|name| name.to_string_lossy().to_ascii_lowercase())
                .unwrap_or_default();
            name.contains(form)
                && prefixes
                    .iter()
                    .any(|prefix| name.contains(&format!("{prefix}-{content}")))
        })
        .cloned()
}

/// Image and label files of one split.
#[derive(Debug)]
struct IdxPair {
    images: PathBuf,
    labels: PathBuf,
}

impl IdxPair {
    fn index(&self, on_corrupt: OnCorrupt) -> Result<Index, DataError> {
        let (images, image_shape) = read_idx(&self.images, IMAGES_MAGIC)?;
        let (labels, label_shape) = read_idx(&self.labels, LABELS_MAGIC)?;
        let [announced, height, width] = image_shape[..] else {
            return Err(corrupt(&self.images, "has no image dimensions".to_owned()));
        };
        if height == 0 || width == 0 {
            return Err(corrupt(&self.images, format!("announces images of {width}x{height}")));
        }
        if label_shape[0] != announced {
            let reason = format!("announces {} labels for {announced} images", label_shape[0]);
            return Err(corrupt(&self.labels, reason));
        }
        let stride = height as usize * width as usize;
        let (start, label_start) = (16, 8);
        let whole_images = images.len().saturating_sub(start) / stride;
        let whole = whole_images
            .min(labels.len().saturating_sub(label_start))
            .min(announced as usize);
        let mut skipped = Vec::new();
        if whole < announced as usize {
            let path = if whole_images < announced as usize {
                &self.images
            } else {
                &self.labels
            };
            if on_corrupt == OnCorrupt::Refuse {
                let reason = format!("announces {announced} items but holds only {whole}; the file is truncated");
                return Err(corrupt(path, reason));
            }
            skipped.extend((whole..announced as usize).map(|row| format!("{}, row {row}", path.display())));
        }
        let file = Arc::new(RawImages {
            path: self.images.clone(),
            bytes: images,
            start,
            stride,
            header: 0,
            width,
            height,
            channels: 1,
        });
        let labelled = (0..whole).map(|record| {
            let label = i64::from(labels[label_start + record]);
            (label, ImageRef::new(&file, record))
        });
        Ok(Index {
            skipped,
            ..Index::of_numbers(labelled.collect())?
        })
    }
}

fn corrupt(path: &Path, reason: String) -> DataError {
    DataError::CorruptFile {
        path: path.to_path_buf(),
        reason,
    }
}

/// Unpacked bytes of a file with this magic number, and its dimensions; a truncated file has fewer bytes than they announce.
fn read_idx(path: &Path, magic: u32) -> Result<(Vec<u8>, Vec<u32>), DataError> {
    let file = File::open(path).map_err(|source| DataError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let mut reader: Box<dyn Read> = if has_ending(path, "gz") {
        Box::new(MultiGzDecoder::new(BufReader::new(file)))
    } else {
        Box::new(BufReader::new(file))
    };
    let dimensions = (magic & 0xff) as usize;
    let header_bytes = 4 + 4 * dimensions;
    let mut bytes = Vec::new();
    read_some(&mut *reader, header_bytes as u64, &mut bytes);
    let words: Vec<u32> = bytes
        .chunks_exact(4)
        .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
        .collect();
    if words.len() != dimensions + 1 {
        return Err(corrupt(
            path,
            format!("holds {} bytes, fewer than the header of an IDX file", bytes.len()),
        ));
    }
    if words[0] != magic {
        return Err(corrupt(
            path,
            format!(
                "starts with {:#010x}, not with {magic:#010x} as such an IDX file",
                words[0]
            ),
        ));
    }
    let expected = words[1..]
        .iter()
        .try_fold(1_u64, |product, &size| product.checked_mul(u64::from(size)));
    let Some(expected) = expected.filter(|&expected| expected <= MAX_BYTES) else {
        return Err(corrupt(
            path,
            format!("announces the dimensions {:?}, more than can be loaded", &words[1..]),
        ));
    };
    read_some(&mut *reader, expected, &mut bytes);
    Ok((bytes, words[1..].to_vec()))
}

/// Appends up to `count` bytes; for a damaged or truncated file, those before the damage.
fn read_some(reader: &mut dyn Read, count: u64, bytes: &mut Vec<u8>) {
    // Bytes before the damage stay in `bytes`; the caller compares its length with the announced one.
    let _ = reader.take(count).read_to_end(bytes);
}
