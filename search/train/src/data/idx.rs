//! IDX files, as MNIST and its relatives come in (`LeCun` et al. 1998), plain or gzipped.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::DataError;
use super::index::{Index, Origin, RawBlock, index_of_numbers};
use super::source::PerSplit;
use mnas_engine::training::OnCorrupt;

/// Unsigned bytes in three dimensions: images, rows, columns.
const IMAGES_MAGIC: u32 = 0x0803;
/// Unsigned bytes in one dimension.
const LABELS_MAGIC: u32 = 0x0801;
/// The most a file may hold unpacked.
const MAX_BYTES: u64 = 8 << 30;

/// The image and label files of one split.
#[derive(Debug)]
pub(super) struct IdxPair {
    images: PathBuf,
    labels: PathBuf,
}

/// `None` where the folder holds no IDX file.
pub(super) fn find(folder: &Path) -> Result<Option<PerSplit<IdxPair>>, DataError> {
    let read = |source| DataError::Read {
        path: folder.to_path_buf(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        files.push(entry.map_err(read)?.path());
    }
    // Sorted, a plain file comes before its gzipped twin and is preferred.
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
    Ok((!found.is_empty()).then_some(found))
}

/// The file whose name holds `<prefix>-images`, say, and `idx3`.
fn pick(files: &[PathBuf], prefixes: &[&str], what: &str, form: &str) -> Option<PathBuf> {
    files
        .iter()
        .find(|file| {
            let name = file
                .file_name()
                .map(|name| name.to_string_lossy().to_ascii_lowercase())
                .unwrap_or_default();
            name.contains(form) && prefixes.iter().any(|prefix| name.contains(&format!("{prefix}-{what}")))
        })
        .cloned()
}

impl IdxPair {
    /// Reads both files.
    pub(super) fn index(&self, on_corrupt: OnCorrupt) -> Result<Index, DataError> {
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
        let block = Arc::new(RawBlock {
            path: self.images.clone(),
            bytes: images,
            start,
            stride,
            header: 0,
            width,
            height,
            channels: 1,
        });
        let rows = (0..whole).map(|record| {
            (
                i64::from(labels[label_start + record]),
                Origin::Raw {
                    block: Arc::clone(&block),
                    record,
                },
            )
        });
        let mut index = index_of_numbers(rows.collect())?;
        index.skipped = skipped;
        Ok(index)
    }
}

fn corrupt(path: &Path, reason: String) -> DataError {
    DataError::CorruptFile {
        path: path.to_path_buf(),
        reason,
    }
}

/// The unpacked bytes of a file with this magic number, and its dimensions. It may hold fewer bytes than they say.
fn read_idx(path: &Path, magic: u32) -> Result<(Vec<u8>, Vec<u32>), DataError> {
    let file = File::open(path).map_err(|source| DataError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let gzipped = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let mut reader: Box<dyn Read> = if gzipped {
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

/// Reads up to `count` bytes; a damaged or cut-off file gives those before the damage.
fn read_some(reader: &mut dyn Read, count: u64, bytes: &mut Vec<u8>) {
    // What could be unpacked stays in `bytes`, and its length tells that something is missing.
    let _ = reader.take(count).read_to_end(bytes);
}
