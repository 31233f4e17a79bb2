//! Content of a split before anything is decoded.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::decode::{Rgb, decode_rgb};
use super::error::{DataError, ImagePlace};

/// Images of a split with their labels, nothing decoded yet.
#[derive(Debug)]
pub(super) struct Index {
    /// Class names in label order, as this split declares them.
    pub classes: Vec<String>,
    /// Images in a fixed order.
    pub samples: Vec<Sample>,
    /// Places of images that were found corrupt and skipped.
    pub skipped: Vec<String>,
}

/// One image with its label.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// Class, a position in [`Index::classes`].
    pub label: u32,
    /// The image.
    pub image: ImageRef,
}

/// One image of a source.
#[derive(Debug, Clone)]
pub(super) struct ImageRef {
    source: Arc<dyn ImageSource>,
    number: usize,
}

/// Images that are read one by one, from any thread.
pub(super) trait ImageSource: fmt::Debug + Send + Sync {
    /// Place of an image for messages.
    fn place(&self, number: usize) -> ImagePlace;

    /// Content of an image; one that is drawn is drawn at `side` pixels.
    fn read(&self, number: usize, side: u32) -> Result<Content<'_>, String>;

    /// Short side of every image in pixels, where it is known without reading one.
    fn known_side(&self) -> Option<u32> {
        None
    }

    /// Returns true if images have to be read one after another in their order, since they are stored in groups.
    fn is_sequential(&self) -> bool {
        false
    }
}

/// Content of an image as its source stores it.
#[derive(Debug)]
pub(super) enum Content<'a> {
    /// An encoded file.
    Encoded(Cow<'a, [u8]>),
    /// Pixels.
    Pixels(Rgb),
}

impl Content<'_> {
    /// The pixels, decoded where necessary.
    pub(super) fn decode(self) -> Result<Rgb, String> {
        match self {
            Self::Encoded(bytes) => decode_rgb(&bytes),
            Self::Pixels(pixels) => Ok(pixels),
        }
    }
}

impl ImageRef {
    /// Image `number` of a source.
    pub(super) fn new(source: &Arc<impl ImageSource + 'static>, number: usize) -> Self {
        Self {
            source: Arc::clone(source) as Arc<dyn ImageSource>,
            number,
        }
    }

    /// See [`ImageSource::place`].
    pub(super) fn place(&self) -> ImagePlace {
        self.source.place(self.number)
    }

    /// See [`ImageSource::read`].
    pub(super) fn read(&self, side: u32) -> Result<Content<'_>, String> {
        self.source.read(self.number, side)
    }

    /// See [`ImageSource::known_side`].
    pub(super) fn known_side(&self) -> Option<u32> {
        self.source.known_side()
    }

    /// See [`ImageSource::is_sequential`].
    pub(super) fn is_sequential(&self) -> bool {
        self.source.is_sequential()
    }
}

impl Index {
    /// Index of images labelled by number, for data without class names: its classes are the distinct labels in order, named by
    /// their number.
    pub(super) fn of_numbers(labelled: Vec<(i64, ImageRef)>) -> Result<Self, DataError> {
        let mut distinct: Vec<i64> = labelled.iter().map(|(label, _)| *label).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let mut samples = Vec::with_capacity(labelled.len());
        for (label, image) in labelled {
            if label < 0 {
                return Err(DataError::LabelOutOfRange {
                    place: image.place(),
                    label,
                    classes: distinct.len(),
                });
            }
            let at = distinct.binary_search(&label).unwrap_or_default();
            samples.push(Sample {
                label: at as u32,
                image,
            });
        }
        let classes = distinct.iter().map(ToString::to_string).collect();
        Ok(Self {
            classes,
            samples,
            skipped: Vec::new(),
        })
    }

    /// Index of images whose labels are positions in a list of class names; a label beyond the list is an error.
    pub(super) fn of_names(classes: Vec<String>, labelled: Vec<(i64, ImageRef)>) -> Result<Self, DataError> {
        let mut samples = Vec::with_capacity(labelled.len());
        for (label, image) in labelled {
            match u32::try_from(label) {
                Ok(label) if (label as usize) < classes.len() => samples.push(Sample { label, image }),
                _ => {
                    return Err(DataError::LabelOutOfRange {
                        place: image.place(),
                        label,
                        classes: classes.len(),
                    });
                }
            }
        }
        Ok(Self {
            classes,
            samples,
            skipped: Vec::new(),
        })
    }
}
