//! Faults of data sets: place, cause and remedy.

use std::fmt;
use std::path::PathBuf;

use mnas_engine::training::{OptionError, Split};

/// Place of one image: a file of its own, or a row of a file of many images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePlace {
    /// The file.
    pub path: PathBuf,
    /// Row in the file, counted from 0; `None` for a file that is one image.
    pub row: Option<usize>,
}

impl fmt::Display for ImagePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            None => write!(f, "{}", self.path.display()),
            Some(row) => write!(f, "{}, row {row} (counted from 0)", self.path.display()),
        }
    }
}

/// Failure to recognise a data set, to read it or to make batches of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The path does not exist.
    #[error("data path {} does not exist; give a folder of images, or `demo` for the built-in synthetic set", path.display())]
    NotFound {
        /// Path given.
        path: PathBuf,
    },
    /// The path is a compressed archive.
    #[error("{} is a compressed archive; unpack it and give the folder, or give it as a plain .tar, which is read in place", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
    },
    /// The path is a single file that is not a data set.
    #[error("{} is a single file of no known data set; give the folder that holds the images (or a .parquet file)", path.display())]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// The folder holds nothing.
    #[error("data folder {} is empty; {LOOKED_FOR}", path.display())]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds something, but no data set.
    #[error("no data set recognised in {}: found {found}; {LOOKED_FOR}{hint}", path.display())]
    Unrecognised {
        /// The folder.
        path: PathBuf,
        /// The first names in it.
        found: String,
        /// Hint that begins with `"; "`, or nothing.
        hint: String,
    },
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
    /// One image cannot be decoded.
    #[error("{place}: {reason}; repair or remove it, or choose to skip corrupt images")]
    CorruptImage {
        /// Place of the image.
        place: ImagePlace,
        /// Fault found.
        reason: String,
    },
    /// A file that holds many images is damaged or of another form.
    #[error("{}: {reason}", path.display())]
    CorruptFile {
        /// The file.
        path: PathBuf,
        /// Fault found, and the expectation.
        reason: String,
    },
    /// The data set has no such split.
    #[error("{} has no {split} split; it has: {available}", path.display())]
    SplitMissing {
        /// The data set.
        path: PathBuf,
        /// The split requested.
        split: Split,
        /// The splits there are.
        available: String,
    },
    /// A class folder holds no image.
    #[error("class folder {} holds no jpeg, png, bmp or webp image; fill or remove it", path.display())]
    EmptyClass {
        /// The class folder.
        path: PathBuf,
    },
    /// Two splits do not have the same classes.
    #[error("the classes of {} differ between train and {split}: {}; give both the same classes", path.display(), describe_difference(missing, extra, *split))]
    ClassesDiffer {
        /// The data set.
        path: PathBuf,
        /// The split compared with train.
        split: Split,
        /// Classes of train that `split` lacks.
        missing: Vec<String>,
        /// Classes of `split` that train lacks.
        extra: Vec<String>,
    },
    /// The same classes in another order, where labels are positions in that order.
    #[error("the classes of {} come in another order in {split} than in train, so the same label means two things; write both with one class list", path.display())]
    ClassOrderDiffers {
        /// The data set.
        path: PathBuf,
        /// The split compared with train.
        split: Split,
    },
    /// Fewer than two classes.
    #[error("{} has only the class {class:?}; a classifier needs at least two, each in a folder or with a label of its own", path.display())]
    OneClass {
        /// The data set.
        path: PathBuf,
        /// The only class.
        class: String,
    },
    /// A label is not the number of a class.
    #[error("{place}: label {label} is not one of the {classes} classes (0 to {})", classes.saturating_sub(1))]
    LabelOutOfRange {
        /// The row.
        place: ImagePlace,
        /// The label found.
        label: i64,
        /// Number of classes.
        classes: usize,
    },
    /// A class has too few images to be cut into train and validation.
    #[error("class {class:?} of {} has {images} image(s), too few to cut a validation split from train; add images or give a `val` split", path.display())]
    TooFewImages {
        /// The data set.
        path: PathBuf,
        /// The class.
        class: String,
        /// Number of its images.
        images: usize,
    },
    /// Every image of a split was skipped, or the split has none.
    #[error("no usable image in the {split} split of {} ({skipped} skipped as corrupt)", path.display())]
    NothingLeft {
        /// The data set.
        path: PathBuf,
        /// The split.
        split: Split,
        /// Number of images skipped.
        skipped: usize,
    },
    /// An option is out of its range.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The decoded images do not fit into memory.
    #[error("{images} images at {size} px need {} MB of memory, more than is available; lower the limit from which images are read as they are needed (--memory-mb), choose a smaller image size, or limit the images per split", bytes / 1_000_000)]
    OutOfMemory {
        /// Number of images.
        images: usize,
        /// Side of the images in pixels.
        size: u32,
        /// Memory needed.
        bytes: u64,
    },
    /// The network has no score for a class by name.
    #[error(
        "class {class:?} of the images is not among the network's {classes} classes; name its score with --label-map"
    )]
    ClassUnknown {
        /// The class.
        class: String,
        /// Number of scores.
        classes: usize,
    },
    /// The encoded images of a format that is read in groups do not fit into memory.
    #[error("{}: its encoded images alone need more than the {limit_mb} MB allowed; allow more (--memory-mb), limit the images per split, or pack them as tar shards, which are read piece by piece", path.display())]
    EncodedTooLarge {
        /// File at which the limit was exceeded.
        path: PathBuf,
        /// The limit.
        limit_mb: u64,
    },
    /// The caller asked to stop.
    #[error("loading was interrupted")]
    Cancelled,
}

const LOOKED_FOR: &str = "looked for an image folder (`train/<class>/*.jpg` with `val/`, or `<class>/*.jpg`; jpeg, png, bmp, webp), \
     Parquet files (`train.parquet`, `train-00000-of-00002.parquet`), tar files (of an image folder, or `key.jpg` beside \
     `key.cls`), CIFAR binary files (`data_batch_1.bin`) \
     and IDX files (`train-images-idx3-ubyte`, also `.gz`)";

fn describe_difference(missing: &[String], extra: &[String], split: Split) -> String {
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("{split} lacks {}", short_list(missing)));
    }
    if !extra.is_empty() {
        parts.push(format!("{split} also has {}", short_list(extra)));
    }
    parts.join("; ")
}

/// First names of a list, and the number of further ones.
pub(super) fn short_list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let text = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        let more = names.len() - SHOWN;
        return format!("{text} and {more} more");
    }
    text
}
