//! The binary files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of labels and three colour planes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DataError;
use super::index::{Index, Origin, RawBlock, index_of_names};
use super::source::PerSplit;
use mnas_engine::training::OnCorrupt;

const SIDE_PX: u32 = 32;
const PIXEL_BYTES: usize = 3 * 32 * 32;

/// The files of a folder of CIFAR binary files.
#[derive(Debug)]
pub(super) struct CifarFiles {
    files: PerSplit<Vec<PathBuf>>,
    /// Label bytes before the pixels; the last is the class.
    label_bytes: usize,
    classes: usize,
    names: PathBuf,
}

/// `None` where the folder holds no such files.
pub(super) fn find(folder: &Path) -> Option<CifarFiles> {
    let present = |name: String| Some(folder.join(name)).filter(|path| path.is_file());
    let batches: Vec<PathBuf> = (1..=5).filter_map(|n| present(format!("data_batch_{n}.bin"))).collect();
    let test = present("test_batch.bin".to_owned());
    if !batches.is_empty() || test.is_some() {
        let train = Some(batches).filter(|batches| !batches.is_empty());
        return Some(CifarFiles {
            files: PerSplit {
                train,
                val: None,
                test: test.map(|file| vec![file]),
            },
            label_bytes: 1,
            classes: 10,
            names: folder.join("batches.meta.txt"),
        });
    }
    let names = present("fine_label_names.txt".to_owned())?;
    let one = |name: &str| present(name.to_owned()).map(|file| vec![file]);
    let files = PerSplit {
        train: one("train.bin"),
        val: None,
        test: one("test.bin"),
    };
    (!files.is_empty()).then_some(CifarFiles {
        files,
        label_bytes: 2,
        classes: 100,
        names,
    })
}

impl CifarFiles {
    pub(super) fn files(&self) -> &PerSplit<Vec<PathBuf>> {
        &self.files
    }

    /// Reads the files of a split.
    pub(super) fn index(&self, files: &[PathBuf], on_corrupt: OnCorrupt) -> Result<Index, DataError> {
        let stride = self.label_bytes + PIXEL_BYTES;
        let mut labels = Vec::new();
        let mut skipped = Vec::new();
        for path in files {
            let bytes = fs::read(path).map_err(|source| DataError::Read {
                path: path.clone(),
                source,
            })?;
            let (records, rest) = (bytes.len() / stride, bytes.len() % stride);
            if rest != 0 || records == 0 {
                let reason = format!(
                    "{} bytes are not a whole number of {stride}-byte records; the file is truncated or no CIFAR file",
                    bytes.len()
                );
                if on_corrupt == OnCorrupt::Refuse {
                    return Err(DataError::CorruptFile {
                        path: path.clone(),
                        reason,
                    });
                }
                skipped.push(format!("{}, row {records}", path.display()));
            }
            let block = Arc::new(RawBlock {
                path: path.clone(),
                bytes,
                start: 0,
                stride,
                header: self.label_bytes,
                width: SIDE_PX,
                height: SIDE_PX,
                channels: 3,
            });
            for record in 0..records {
                let label = block.bytes[record * stride + self.label_bytes - 1];
                labels.push((
                    i64::from(label),
                    Origin::Raw {
                        block: Arc::clone(&block),
                        record,
                    },
                ));
            }
        }
        let mut index = index_of_names(self.class_names(), labels)?;
        index.skipped = skipped;
        Ok(index)
    }

    /// The names in the folder, or numbers where they are missing or do not fit.
    fn class_names(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.names).unwrap_or_default();
        let names: Vec<String> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        if names.len() == self.classes {
            names
        } else {
            (0..self.classes).map(|n| n.to_string()).collect()
        }
    }
}
