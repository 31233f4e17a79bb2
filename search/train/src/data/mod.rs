//! From a path to batches of images.
//!
//! [`DataSource::recognise`] looks at a path and tells which of the known forms lies there. [`DataSource::load`] decodes
//! train and validation into memory, [`ImageSet`]s of 8-bit RGB squares, all at once and in parallel: the data sets of a
//! search are small or limited, and a search passes over them hundreds of times. A split that does not fit is streamed
//! instead, each image read and decoded when it is needed. [`Batches`] turns a set into normalised
//! `f32` batches, channels last, with seeded augmentation. The test split is read by [`DataSource::load_split`] alone.
//!
//! Every random choice comes from a stream of its own, named by seed, purpose and place, so that neither the number of
//! threads nor the order in which they run changes any image of any batch.
//!
//! ```
//! use mnas_engine::training::{Augmentation, ExtraAugmentation};
//! use mnas_train::data::{BatchOptions, Batches, DataSource, LoadOptions, Synthetic, Watch, normalization_of};
//!
//! # fn main() -> Result<(), mnas_train::data::DataError> {
//! let source = DataSource::demo(Synthetic { train: 40, val: 20, ..Synthetic::default() })?;
//! let splits = source.load(&LoadOptions { image_size: 32, ..LoadOptions::default() }, Watch::nobody())?;
//! assert_eq!(splits.summary().to_string(), "demo (synthetic demo): 10 classes, 40 train + 20 val images at 32 px, test kept aside");
//! let options = BatchOptions {
//!     batch_size: 16,
//!     resolution: 32,
//!     augmentation: Augmentation::crop_flip(),
//!     extra: ExtraAugmentation::default(),
//!     normalization: normalization_of(&splits.train),
//!     seed: 0,
//! };
//! for batch in Batches::train(&splits.train, &options, 0)? {
//!     let batch = batch?;
//!     assert_eq!(batch.images.len(), batch.len() * 32 * 32 * 3);
//! }
//! # Ok(())
//! # }
//! ```

mod augment;
mod batches;
mod cifar_binary;
mod decode;
mod error;
mod file_names;
mod fingerprint;
mod format;
mod idx;
mod image_folder;
mod image_set;
mod index;
mod load;
mod normalization;
mod parquet;
mod raw;
mod recognise;
mod request;
mod scale;
mod source;
mod split;
mod splits;
mod synthetic;
mod tar;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use batches::{Batch, BatchOptions, Batches};
pub use error::{DataError, ImagePlace};
pub use image_set::{ImageSet, Provenance};
pub use load::{LoadOptions, Watch};
pub use normalization::normalization_of;
pub use request::{load, load_options, source_of};
pub use source::DataSource;
pub use splits::{DataSummary, Splits};
pub use synthetic::Synthetic;
