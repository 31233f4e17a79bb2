//! What a split holds before anything is decoded.

use std::borrow::Cow;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::DataError;
use super::decode::{Rgb, decode_rgb};
use super::error::ImagePlace;
use super::parquet::Shard;
use super::synthetic::Synthetic;
use super::tar::Member;

/// The images of a split, their labels known and nothing decoded.
pub(super) struct Index {
    /// The classes this split declares, in label order.
    pub classes: Vec<String>,
    /// Its images, in a fixed order.
    pub samples: Vec<Sample>,
    /// What was already found corrupt and skipped.
    pub skipped: Vec<String>,
}

/// One image to be decoded.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// Its class, a position in [`Index::classes`].
    pub label: u32,
    /// Where it is.
    pub origin: Origin,
}

/// Where an image's bytes are.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// An encoded file.
    File(PathBuf),
    /// An encoded image in a row of a Parquet file.
    Row {
        /// The file.
        shard: Arc<Shard>,
        /// The row in it.
        row: usize,
    },
    /// An encoded file in a tar.
    Member(Box<Member>),
    /// Encoded and in memory.
    Memory {
        /// The image.
        encoded: Arc<[u8]>,
        /// Where it was.
        place: Box<ImagePlace>,
    },
    /// Raw pixels in a file that is already in memory.
    Raw {
        /// The file.
        block: Arc<RawBlock>,
        /// Which image of it.
        record: usize,
    },
    /// Nowhere: it is drawn.
    Drawn {
        /// By what.
        synthetic: Synthetic,
        /// The random stream's name.
        purpose: &'static str,
        /// Which image.
        number: u64,
    },
}

impl Sample {
    /// Its encoded bytes, where it has any of its own.
    ///
    /// `None` for raw and drawn images and for rows of Parquet files, which come in groups.
    pub fn encoded(&self) -> Option<Result<Cow<'_, [u8]>, String>> {
        match &self.origin {
            Origin::File(path) => Some(fs::read(path).map(Cow::Owned).map_err(|error| error.to_string())),
            Origin::Member(member) => Some(member.read().map(Cow::Owned)),
            Origin::Memory { encoded, .. } => Some(Ok(Cow::Borrowed(encoded))),
            Origin::Row { .. } | Origin::Raw { .. } | Origin::Drawn { .. } => None,
        }
    }

    /// The whole image; drawn ones are drawn at `size`.
    pub fn decode(&self, size: u32) -> Result<Rgb, String> {
        match &self.origin {
            Origin::Raw { block, record } => Ok(Rgb {
                bytes: block.rgb(*record),
                width: block.width,
                height: block.height,
            }),
            Origin::Drawn {
                synthetic,
                purpose,
                number,
            } => Ok(Rgb {
                bytes: synthetic.draw(purpose, *number, size),
                width: size,
                height: size,
            }),
            Origin::Row { .. } => Err("a row can only be read with its group".to_owned()),
            Origin::File(_) | Origin::Member(_) | Origin::Memory { .. } => {
                let encoded = self.encoded().unwrap_or_else(|| Err("no encoded image".to_owned()))?;
                decode_rgb(&encoded)
            }
        }
    }

    /// The image's place for messages.
    pub fn place(&self) -> ImagePlace {
        match &self.origin {
            Origin::File(path) => ImagePlace {
                path: path.clone(),
                row: None,
            },
            Origin::Row { shard, row } => ImagePlace {
                path: shard.path.clone(),
                row: Some(*row),
            },
            Origin::Member(member) => member.place(),
            Origin::Memory { place, .. } => (**place).clone(),
            Origin::Raw { block, record } => ImagePlace {
                path: block.path.clone(),
                row: Some(*record),
            },
            Origin::Drawn { number, .. } => ImagePlace {
                path: "demo".into(),
                row: Some(*number as usize),
            },
        }
    }
}

/// A file of raw images, all of one size.
#[derive(Debug)]
pub(super) struct RawBlock {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    /// Where the first record starts.
    pub start: usize,
    /// From one record to the next.
    pub stride: usize,
    /// From a record's start to its pixels.
    pub header: usize,
    pub width: u32,
    pub height: u32,
    /// 1 for grey, 3 for colour planes one after another.
    pub channels: usize,
}

impl RawBlock {
    /// The pixels of one record as interleaved RGB.
    pub fn rgb(&self, record: usize) -> Vec<u8> {
        let plane = self.width as usize * self.height as usize;
        let pixels = &self.bytes[self.start + record * self.stride + self.header..][..plane * self.channels];
        let mut rgb = Vec::with_capacity(plane * 3);
        for at in 0..plane {
            for channel in 0..3 {
                rgb.push(pixels[at + plane * (channel % self.channels)]);
            }
        }
        rgb
    }
}

/// Turns label numbers into an index whose classes are the distinct labels, in order and named by their number.
///
/// For files that bring no class names. `labels` are `(place, label, origin)`.
pub(super) fn index_of_numbers(labels: Vec<(i64, Origin)>) -> Result<Index, DataError> {
    let mut distinct: Vec<i64> = labels.iter().map(|(label, _)| *label).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let mut samples = Vec::with_capacity(labels.len());
    for (label, origin) in labels {
        let at = distinct.binary_search(&label).unwrap_or_default();
        let sample = Sample {
            label: at as u32,
            origin,
        };
        if label < 0 {
            return Err(DataError::LabelOutOfRange {
                place: sample.place(),
                label,
                classes: distinct.len(),
            });
        }
        samples.push(sample);
    }
    let classes = distinct.iter().map(ToString::to_string).collect();
    Ok(Index {
        classes,
        samples,
        skipped: Vec::new(),
    })
}

/// Turns label numbers into an index with the classes named; a label beyond the names is an error.
pub(super) fn index_of_names(classes: Vec<String>, labels: Vec<(i64, Origin)>) -> Result<Index, DataError> {
    let mut samples = Vec::with_capacity(labels.len());
    for (label, origin) in labels {
        let in_range = usize::try_from(label).is_ok_and(|label| label < classes.len());
        let sample = Sample {
            label: if in_range { label as u32 } else { 0 },
            origin,
        };
        if !in_range {
            return Err(DataError::LabelOutOfRange {
                place: sample.place(),
                label,
                classes: classes.len(),
            });
        }
        samples.push(sample);
    }
    Ok(Index {
        classes,
        samples,
        skipped: Vec::new(),
    })
}
