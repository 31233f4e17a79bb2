//! Hugging Face image Parquet files: a column of encoded images beside a column of labels.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::prelude::{BinaryChunked, Column, DataFrame, DataType, ParquetReader, PolarsResult, SerReader};

use super::DataError;
use super::error::ImagePlace;
use super::index::{Index, Origin, Sample, index_of_names, index_of_numbers};
use super::source::PerSplit;
use mnas_engine::training::OnCorrupt;
use mnas_engine::training::Split;

const IMAGE_COLUMNS: [&str; 2] = ["img", "image"];
const LABEL_COLUMNS: [&str; 3] = ["label", "labels", "fine_label"];

/// One Parquet file that can be read.
#[derive(Debug)]
pub(super) struct Shard {
    pub path: PathBuf,
    image_column: String,
    /// The first row of each row group, and the number of rows as the last entry.
    group_starts: Vec<usize>,
}

/// Sorts the Parquet files of a folder into splits by their names; `None` where there are none.
///
/// `train.parquet`, `train-00000-of-00002.parquet`, `validation-…` and the like are known; files that name no split
/// are training data where no file does. Files may also lie in a sub-folder `data`.
pub(super) fn find(folder: &Path) -> Result<Option<PerSplit<Vec<PathBuf>>>, DataError> {
    for folder in [folder.to_path_buf(), folder.join("data")] {
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
        return Ok(Some(found));
    }
    Ok(None)
}

fn parquet_files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let read = |source| DataError::Read {
        path: folder.to_path_buf(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
        {
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

/// Reads the labels of all files of a split.
pub(super) fn index(files: &[PathBuf], on_corrupt: OnCorrupt) -> Result<Index, DataError> {
    let mut rows = Vec::new();
    let mut names: Option<(Vec<String>, &Path)> = None;
    let mut skipped = Vec::new();
    for path in files {
        let file = match open(path) {
            Ok(file) => file,
            Err(error @ DataError::CorruptFile { .. }) if on_corrupt == OnCorrupt::Skip => {
                tracing::warn!("{error}");
                skipped.push(path.display().to_string());
                continue;
            }
            Err(error) => return Err(error),
        };
        for (row, label) in file.labels.into_iter().enumerate() {
            let shard = Arc::clone(&file.shard);
            let path = path.clone();
            match label {
                Some(label) => rows.push((label, Origin::Row { shard, row })),
                None if on_corrupt == OnCorrupt::Skip => {
                    skipped.push(ImagePlace { path, row: Some(row) }.to_string());
                }
                None => {
                    let reason = "the label is missing".to_owned();
                    let place = ImagePlace { path, row: Some(row) };
                    return Err(DataError::CorruptImage { place, reason });
                }
            }
        }
        match (&names, file.class_names) {
            (Some((first, first_path)), Some(here)) if *first != here => {
                let reason = format!("its class names differ from those of {}", first_path.display());
                return Err(DataError::CorruptFile {
                    path: path.clone(),
                    reason,
                });
            }
            (None, Some(here)) => names = Some((here, path)),
            _ => {}
        }
    }
    let mut index = match names {
        Some((names, _)) => index_of_names(names, rows)?,
        None => index_of_numbers(rows)?,
    };
    index.skipped = skipped;
    Ok(index)
}

/// A file that was opened, its images not read yet.
struct Opened {
    shard: Arc<Shard>,
    /// The label of each row, where there is one.
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
        shard: Arc::new(shard),
        labels,
        class_names,
    })
}

/// What the end of a file says about the rest.
struct Footer {
    columns: Vec<String>,
    group_starts: Vec<usize>,
    /// What the Hugging Face library wrote about the columns, as JSON.
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

/// The class names in the metadata that the Hugging Face library writes.
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

/// Runs a read of untrusted bytes; a bug of the reader becomes an error like any other.
fn guarded<T>(read: impl FnOnce() -> PolarsResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the reader gave up".to_owned()),
    }
}

/// Fetches encoded images, one group of rows in memory at a time.
#[derive(Default)]
pub(super) struct RowReader {
    group: Option<LoadedGroup>,
}

struct LoadedGroup {
    shard: Arc<Shard>,
    number: usize,
    images: Result<BinaryChunked, String>,
}

impl RowReader {
    /// The encoded image of a sample that lies in a row; nothing for samples that lie elsewhere.
    pub(super) fn fetch(&mut self, sample: &Sample) -> Result<Vec<u8>, String> {
        let Origin::Row { shard, row } = &sample.origin else {
            return Ok(Vec::new());
        };
        let number = shard.group_starts.partition_point(|start| start <= row) - 1;
        let start = shard.group_starts[number];
        let group = match self.group.take() {
            Some(group) if Arc::ptr_eq(&group.shard, shard) && group.number == number => group,
            _ => {
                let rows = shard.group_starts[number + 1] - start;
                let images = read_images(shard, start, rows);
                LoadedGroup {
                    shard: Arc::clone(shard),
                    number,
                    images,
                }
            }
        };
        let image = match &group.images {
            Ok(images) => match images.get(row - start) {
                Some(bytes) => Ok(bytes.to_vec()),
                None => Err("the row holds no image bytes".to_owned()),
            },
            Err(reason) => Err(format!("its group of rows cannot be read ({reason})")),
        };
        self.group = Some(group);
        image
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
