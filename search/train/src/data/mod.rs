//! Data sets: recognition, loading, augmentation and batches.
//!
//! [`DataSource::recognise`] recognises the format of a data set at a path; formats implement the trait of `format.rs`, one file each.
//! [`DataSource::load`] decodes train and validation into memory, [`ImageSet`]s of 8-bit RGB squares, all at once and in parallel: a search
//! passes over its images hundreds of times. A split that does not fit into memory is streamed, each image read and decoded when it is
//! needed. [`Batches`] makes normalised `f32` batches, channels last, with seeded augmentation. Only [`DataSource::load_split`] reads the
//! test split.
//!
//! Every random choice comes from a stream named by seed, purpose and position, so that neither the number of threads nor their order
//! changes an image of a batch.
//!
//! ```
//! use mnas_engine::training::{Augmentation, ExtraAugmentation};
//! use mnas_train::data::{BatchOptions, Batches, DataSource, LoadOptions, Synthetic, Watch, normalization_of};
//!
//! # fn main() -> Result<(), mnas_train::data::DataError> {
//! let source = DataSource::demo(Synthetic { train: 40, val: 20, ..Synthetic::default() })?;
//! let splits = source.load(&LoadOptions { image_size: 32, ..LoadOptions::default() }, Watch::none())?;
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
mod single_files;
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
pub use single_files::load_files;
pub use source::DataSource;
pub use splits::{DataSummary, Splits};
pub use synthetic::Synthetic;
