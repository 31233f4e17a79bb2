//! Binary files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of labels and three colour planes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mnas_engine::training::{OnCorrupt, Split};

use super::error::DataError;
use super::format::{Format, PerSplit};
use super::index::{ImageRef, Index};
use super::raw::RawImages;

const SIDE_PX: u32 = 32;
const PIXEL_BYTES: usize = 3 * 32 * 32;

/// Folder of CIFAR binary files.
#[derive(Debug)]
pub(super) struct CifarBinary {
    files: PerSplit<Vec<PathBuf>>,
    /// Label bytes before the pixels; the last one is the class.
    label_bytes: usize,
    classes: usize,
    names: PathBuf,
}

impl Format for CifarBinary {
    fn recognise(folder: &Path) -> Result<Option<Self>, DataError> {
        let present = |name: String| Some(folder.join(name)).filter(|path| path.is_file());
        let batches: Vec<PathBuf> = (1..=5).filter_map(|n| present(format!("data_batch_{n}.bin"))).collect();
        let test = present("test_batch.bin".to_owned());
        if !batches.is_empty() || test.is_some() {
            return Ok(Some(Self {
                files: PerSplit {
                    train: Some(batches).filter(|batches| !batches.is_empty()),
                    val: None,
                    test: test.map(|file| vec![file]),
                },
                label_bytes: 1,
                classes: 10,
                names: folder.join("batches.meta.txt"),
            }));
        }
        let Some(names) = present("fine_label_names.txt".to_owned()) else {
            return Ok(None);
        };
        let one = |name: &str| present(name.to_owned()).map(|file| vec![file]);
        let files = PerSplit {
            train: one("train.bin"),
            val: None,
            test: one("test.bin"),
        };
        Ok((!files.is_empty()).then_some(Self {
            files,
            label_bytes: 2,
            classes: 100,
            names,
        }))
    }

    fn name(&self) -> &'static str {
        "cifar binary"
    }

    fn has(&self, split: Split) -> bool {
        self.files.get(split).is_some()
    }

    fn index(&self, split: Split, on_corrupt: OnCorrupt) -> Result<Index, DataError> {
        let stride = self.label_bytes + PIXEL_BYTES;
        let mut labelled = Vec::new();
        let mut skipped = Vec::new();
        for path in self.files.get(split).into_iter().flatten() {
            let bytes = fs::read(path).map_err(|source| DataError::Read {
                path: path.clone(),
                source,
            })?;
            let (records, rest) = (bytes.len() / stride, bytes.len() % stride);
            if rest != 0 || records == 0 {
                let reason = format!(
                    "{} bytes are not a whole number of {stride}-byte records; the file is truncated or not a CIFAR file",
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
            let file = Arc::new(RawImages {
                path: path.clone(),
                bytes,
                start: 0,
                stride,
                header: self.label_bytes,
                width: SIDE_PX,
                height: SIDE_PX,
                channels: 3,
            });
            labelled.extend((0..records).map(|record| {
                let label = file.bytes[record * stride + self.label_bytes - 1];
                (i64::from(label), ImageRef::new(&file, record))
            }));
        }
        Ok(Index {
            skipped,
            ..Index::of_names(self.class_names(), labelled)?
        })
    }
}

impl CifarBinary {
    /// Names in the folder, or numbers where they are missing or do not fit.
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
