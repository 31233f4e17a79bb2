//! Interface of the data set formats.

use std::fmt;
use std::path::Path;

use mnas_engine::training::{OnCorrupt, Split};

use super::error::DataError;
use super::index::Index;

/// A format of data sets.
///
/// A value is a data set that was recognised at a path and whose images have not been read. Its splits are indexed by
/// [`Format::index`]; the images of an index are read by its [`ImageSource`](super::index::ImageSource)s.
pub(super) trait Format: fmt::Debug + Send + Sync {
    /// Recognises a data set of this format at a file or folder; `None` where there is none.
    fn recognise(path: &Path) -> Result<Option<Self>, DataError>
    where
        Self: Sized;

    /// Name of the format for messages.
    fn name(&self) -> &'static str;

    /// Returns true if the data set contains this split itself.
    fn has(&self, split: Split) -> bool;

    /// Lists the images of a split that the data set contains, with their labels.
    fn index(&self, split: Split, on_corrupt: OnCorrupt) -> Result<Index, DataError>;

    /// Returns true if a mirrored image still shows its class.
    fn may_flip(&self) -> bool {
        true
    }

    /// Returns true if the images are drawn by the program itself, so that accuracies mean nothing beyond a demonstration.
    fn is_synthetic(&self) -> bool {
        false
    }
}

/// One value per split; `None` for splits that a data set does not contain.
#[derive(Debug)]
pub(super) struct PerSplit<T> {
    pub train: Option<T>,
    pub val: Option<T>,
    pub test: Option<T>,
}

impl<T> Default for PerSplit<T> {
    fn default() -> Self {
        Self {
            train: None,
            val: None,
            test: None,
        }
    }
}

impl<T> PerSplit<T> {
    /// A training split alone.
    pub(super) fn train_only(train: T) -> Self {
        Self {
            train: Some(train),
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.train.is_none() && self.val.is_none() && self.test.is_none()
    }

    pub(super) fn slot(&mut self, split: Split) -> &mut Option<T> {
        match split {
            Split::Val => &mut self.val,
            Split::Test => &mut self.test,
            Split::Train | Split::All => &mut self.train,
        }
    }

    pub(super) fn get(&self, split: Split) -> Option<&T> {
        match split {
            Split::Val => self.val.as_ref(),
            Split::Test => self.test.as_ref(),
            Split::Train | Split::All => self.train.as_ref(),
        }
    }
}
