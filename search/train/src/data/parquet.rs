//! Parquet files as the Hugging Face library writes images: a column of encoded images and a column of labels.

use std::borrow::Cow;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude::{BinaryChunked, Column, DataFrame, DataType, ParquetReader, PolarsResult, SerReader};

use mnas_engine::training::{OnCorrupt, Split};

use super::error::{DataError, ImagePlace};
use super::file_names::has_ending;
use super::format::{Format, PerSplit};
use super::index::{Content, ImageRef, ImageSource, Index};

const IMAGE_COLUMNS: [&str; 2] = ["img", "image"];
const LABEL_COLUMNS: [&str; 3] = ["label", "labels", "fine_label"];

/// Parquet files of the splits of a data set.
#[derive(Debug)]
pub(super) struct Parquet(PerSplit<Vec<PathBuf>>);

impl Format for Parquet {
    /// Recognises a Parquet file, which is a training split, or a folder of Parquet files, which are assigned to splits by name.
    ///
    /// `train.parquet`, `train-00000-of-00002.parquet`, `validation-…` and the like are known; where no file names a split, all
    /// are training data. Files may also lie in a sub-folder `data`.
    fn recognise(path: &Path) -> Result<Option<Self>, DataError> {
        if !path.is_dir() {
            let files = || Self(PerSplit::train_only(vec![path.to_path_buf()]));
            return Ok((path.is_file() && has_ending(path, "parquet")).then(files));
        }
        for folder in [path.to_path_buf(), path.join("data")] {
            if !folder.is_dir() {
                continue;
            }
            let files = parquet_files(&folder)?;
            if files.is_empty() {
                continue;
            }
            let mut found = PerSplit::<Vec<PathBuf>>::default();
            for file in &files {
                if let Some(split) = split_of_name(file) {
                    found.slot(split).get_or_insert_default().push(file.clone());
                }
            }
            if found.is_empty() {
                found.train = Some(files);
            }
            return Ok(Some(Self(found)));
        }
        Ok(None)
    }

    fn name(&self) -> &'static str {
        "parquet"
    }

    fn has(&self, split: Split) -> bool {
        self.0.get(split).is_some()
    }

    /// Reads the labels of all files of a split.
    fn index(&self, split: Split, on_corrupt: OnCorrupt) -> Result<Index, DataError> {
        let mut collected = Collected::default();
        for path in self.0.get(split).into_iter().flatten() {
            match open(path) {
                Ok(file) => collected.add(path, file, on_corrupt)?,
                Err(error @ DataError::CorruptFile { .. }) if on_corrupt == OnCorrupt::Skip => {
                    tracing::warn!("{error}");
                    collected.skipped.push(path.display().to_string());
                }
                Err(error) => return Err(error),
            }
        }
        collected.into_index()
    }
}

/// Labels and rows of the files of a split.
#[derive(Default)]
struct Collected {
    shards: Vec<Shard>,
    rows: Vec<Row>,
    /// Label of each row.
    labels: Vec<i64>,
    /// Class names, and the file that they come from.
    names: Option<(Vec<String>, PathBuf)>,
    skipped: Vec<String>,
}

impl Collected {
    fn add(&mut self, path: &Path, file: Opened, on_corrupt: OnCorrupt) -> Result<(), DataError> {
        let shard = self.shards.len();
        for (row, label) in file.labels.into_iter().enumerate() {
            let place = || ImagePlace {
                path: path.to_path_buf(),
                row: Some(row),
            };
            match label {
                Some(label) => {
                    self.labels.push(label);
                    self.rows.push(Row { shard, row });
                }
                None if on_corrupt == OnCorrupt::Skip => self.skipped.push(place().to_string()),
                None => {
                    return Err(DataError::CorruptImage {
                        place: place(),
                        reason: "the label is missing".to_owned(),
                    });
                }
            }
        }
        self.shards.push(file.shard);
        match (&self.names, file.class_names) {
            (Some((first, first_path)), Some(here)) if *first != here => {
                let reason = format!("its class names differ from those of {}", first_path.display());
                Err(DataError::CorruptFile {
                    path: path.to_path_buf(),
                    reason,
                })
            }
            (None, Some(here)) => {
                self.names = Some((here, path.to_path_buf()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn into_index(self) -> Result<Index, DataError> {
        let images = Arc::new(RowImages {
            shards: self.shards,
            rows: self.rows,
            group: Mutex::new(None),
        });
        let labelled = self.labels.into_iter().enumerate();
        let labelled = labelled.map(|(number, label)| (label, ImageRef::new(&images, number)));
        let index = match self.names {
            Some((names, _)) => Index::of_names(names, labelled.collect())?,
            None => Index::of_numbers(labelled.collect())?,
        };
        Ok(Index {
            skipped: self.skipped,
            ..index
        })
    }
}

fn parquet_files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let read = |source| DataError::Read {
        path: folder.to_path_buf(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if has_ending(&path, "parquet") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn split_of_name(file: &Path) -> Option<Split> {
    let stem = file.file_stem()?.to_str()?.to_ascii_lowercase();
    let word = stem.split(|letter: char| !letter.is_ascii_alphabetic()).next()?;
    match word {
        "train" | "training" => Some(Split::Train),
        "val" | "valid" | "validation" | "dev" => Some(Split::Val),
        "test" => Some(Split::Test),
        _ => None,
    }
}

/// A readable Parquet file.
#[derive(Debug)]
struct Shard {
    path: PathBuf,
    image_column: String,
    /// First row of each row group, then the number of rows.
    group_starts: Vec<usize>,
}

/// A file whose labels were read.
struct Opened {
    shard: Shard,
    /// Label of each row, where it has one.
    labels: Vec<Option<i64>>,
    class_names: Option<Vec<String>>,
}

fn open(path: &Path) -> Result<Opened, DataError> {
    let corrupt = |reason: String| DataError::CorruptFile {
        path: path.to_path_buf(),
        reason,
    };
    let file = File::open(path).map_err(|source| DataError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    if file.metadata().is_ok_and(|facts| facts.len() == 0) {
        return Err(corrupt("the file is empty (0 bytes)".to_owned()));
    }
    let footer = read_footer(file)
        .map_err(|reason| corrupt(format!("not a readable parquet file ({reason}); it may be truncated")))?;
    let pick = |wanted: &[&'static str]| {
        wanted
            .iter()
            .find(|name| footer.columns.iter().any(|column| column == *name))
            .copied()
    };
    let (Some(image_column), Some(label_column)) = (pick(&IMAGE_COLUMNS), pick(&LABEL_COLUMNS)) else {
        return Err(corrupt(format!(
            "has the columns {}, but needs an image column (`img` or `image`) and a label column (`label`)",
            footer.columns.join(", ")
        )));
    };
    let labels = read_labels(path, label_column).map_err(|reason| {
        corrupt(format!(
            "cannot read its column {label_column:?} as integers ({reason})"
        ))
    })?;
    let rows = footer.group_starts.last().copied();
    if rows != Some(labels.len()) {
        return Err(corrupt(format!(
            "its footer announces other rows than its {} labels",
            labels.len()
        )));
    }
    let class_names = footer.info.and_then(|info| class_names(&info, label_column));
    let shard = Shard {
        path: path.to_path_buf(),
        image_column: image_column.to_owned(),
        group_starts: footer.group_starts,
    };
    Ok(Opened {
        shard,
        labels,
        class_names,
    })
}

/// Facts in the footer of a file.
struct Footer {
    columns: Vec<String>,
    group_starts: Vec<usize>,
    /// Description of the columns by the Hugging Face library, JSON.
    info: Option<String>,
}

fn read_footer(file: File) -> Result<Footer, String> {
    guarded(|| {
        let mut reader = ParquetReader::new(file);
        let columns = reader.schema()?.iter_names().map(ToString::to_string).collect();
        let metadata = reader.get_metadata()?;
        let mut group_starts = vec![0];
        let mut rows = 0_usize;
        for group in &metadata.row_groups {
            rows = rows.saturating_add(group.num_rows());
            group_starts.push(rows);
        }
        let entries = metadata.key_value_metadata().iter().flatten();
        let info = entries
            .filter(|entry| entry.key == "huggingface")
            .find_map(|entry| entry.value.clone());
        Ok(Footer {
            columns,
            group_starts,
            info,
        })
    })
}

fn read_labels(path: &Path, column: &str) -> Result<Vec<Option<i64>>, String> {
    guarded(|| {
        let table = ParquetReader::new(File::open(path)?)
            .with_columns(Some(vec![column.to_owned()]))
            .finish()?;
        let labels = table.column(column)?.cast(&DataType::Int64)?;
        Ok(labels.i64()?.iter().collect())
    })
}

/// Class names in the metadata of the Hugging Face library.
fn class_names(info: &str, label_column: &str) -> Option<Vec<String>> {
    let info: serde_json::Value = serde_json::from_str(info).ok()?;
    let names = info
        .get("info")?
        .get("features")?
        .get(label_column)?
        .get("names")?
        .as_array()?;
    names.iter().map(|name| name.as_str().map(ToOwned::to_owned)).collect()
}

/// Runs a read of untrusted bytes; a panic of the reader becomes an error.
fn guarded<T>(read: impl FnOnce() -> PolarsResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the reader failed".to_owned()),
    }
}

/// Images of a split in rows of Parquet files.
///
/// A group of rows is read at once and kept until a row of another group is read.
#[derive(Debug)]
struct RowImages {
    shards: Vec<Shard>,
    rows: Vec<Row>,
    group: Mutex<Option<LoadedGroup>>,
}

/// Place of an image.
#[derive(Debug, Clone, Copy)]
struct Row {
    shard: usize,
    row: usize,
}

/// The rows of one group.
#[derive(Debug)]
struct LoadedGroup {
    shard: usize,
    /// Position among the groups of the shard.
    number: usize,
    images: Result<BinaryChunked, String>,
}

impl ImageSource for RowImages {
    fn place(&self, number: usize) -> ImagePlace {
        let Row { shard, row } = self.rows[number];
        ImagePlace {
            path: self.shards[shard].path.clone(),
            row: Some(row),
        }
    }

    fn read(&self, number: usize, _side: u32) -> Result<Content<'_>, String> {
        let Row { shard, row } = self.rows[number];
        let starts = &self.shards[shard].group_starts;
        let number = starts.partition_point(|start| *start <= row) - 1;
        let start = starts[number];
        let mut group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        drop(group.take_if(|group| group.shard != shard || group.number != number));
        let loaded = group.get_or_insert_with(|| LoadedGroup {
            shard,
            number,
            images: read_images(&self.shards[shard], start, starts[number + 1] - start),
        });
        match &loaded.images {
            Ok(images) => match images.get(row - start) {
                Some(bytes) => Ok(Content::Encoded(Cow::Owned(bytes.to_vec()))),
                None => Err("the row holds no image bytes".to_owned()),
            },
            Err(reason) => Err(format!("its group of rows cannot be read ({reason})")),
        }
    }

    fn is_sequential(&self) -> bool {
        true
    }
}

fn read_images(shard: &Shard, start: usize, rows: usize) -> Result<BinaryChunked, String> {
    guarded(|| {
        let table: DataFrame = ParquetReader::new(File::open(&shard.path)?)
            .with_columns(Some(vec![shard.image_column.clone()]))
            .with_slice(Some((start, rows)))
            .finish()?;
        let column: &Column = table.column(&shard.image_column)?;
        let images = match column.dtype() {
            DataType::Binary => column.binary()?.clone(),
            _ => column.struct_()?.field_by_name("bytes")?.binary()?.clone(),
        };
        Ok(images.rechunk().into_owned())
    })
    .and_then(|images| match images.len() {
        found if found == rows => Ok(images),
        found => Err(format!("{found} rows instead of {rows}")),
    })
}
