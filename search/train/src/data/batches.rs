//! Batches of normalised images, made ahead of their use.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use rand::seq::SliceRandom;
use rayon::prelude::*;

use mnas_engine::training::{Augmentation, ExtraAugmentation, Normalization, OnCorrupt, OptionError};
use mnas_space::random::stream;

use super::augment::{Augmenter, erase};
use super::error::DataError;
use super::image_set::ImageSet;
use super::normalization::lookup_table;
use super::scale::square_bytes;

/// Batches that are made ahead.
const AHEAD: usize = 4;

/// Options to make batches.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchOptions {
    /// Images per batch.
    pub batch_size: usize,
    /// Side of the images in a batch, in pixels; stored images of another side are scaled.
    pub resolution: u32,
    /// Augmentation of training images; not used in evaluations.
    pub augmentation: Augmentation,
    /// Further augmentation of training images.
    pub extra: ExtraAugmentation,
    /// Normalisation.
    pub normalization: Normalization,
    /// Seed of the order and of the augmentation.
    pub seed: u64,
}

impl BatchOptions {
    /// Refuses values outside their range.
    pub fn check(&self) -> Result<(), DataError> {
        let invalid = |option, value: String, expected| {
            Err(DataError::from(OptionError {
                option,
                value,
                expected,
            }))
        };
        if self.batch_size == 0 {
            return invalid("batch-size", "0".to_owned(), "at least 1");
        }
        if !(1..=4096).contains(&self.resolution) {
            return invalid("resolution", self.resolution.to_string(), "from 1 to 4096 pixels");
        }
        self.augmentation.check()?;
        Ok(self.extra.check()?)
    }
}

/// Images with their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Normalised pixels, channels last: `[images, resolution, resolution, 3]`.
    pub images: Vec<f32>,
    /// Class of each image.
    pub labels: Vec<i64>,
    /// Side of the images in pixels.
    pub resolution: u32,
    /// Errors of the images that were corrupt and skipped.
    pub skipped: Vec<String>,
}

impl Batch {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns true if there is no image: true for a batch of [`Batches`] only where all its images were corrupt and skipped.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Shape: images, rows, columns, channels.
    pub fn shape(&self) -> [i64; 4] {
        let side = i64::from(self.resolution);
        [self.labels.len() as i64, side, side, 3]
    }
}

/// Batches of one pass over a set.
///
/// For a set in memory, every item is a batch. An image of a streamed set may be corrupt: then the last item is an error that names it, or,
/// where corrupt images are skipped, its batch is smaller by one. A thread makes batches, up to four ahead, so that training does not wait
/// for images. The content of a batch depends on the set, the options and the epoch, not on threads. Dropping the iterator ends the
/// thread.
pub struct Batches {
    receiver: Option<Receiver<Result<Batch, DataError>>>,
    maker: Option<JoinHandle<()>>,
    left: usize,
}

impl Batches {
    /// Batches of training epoch `epoch`, shuffled and augmented by (seed, epoch).
    ///
    /// A last batch of a single image is left out, since batch normalisation needs more than one.
    pub fn train(set: &Arc<ImageSet>, options: &BatchOptions, epoch: u64) -> Result<Self, DataError> {
        Self::train_from(set, options, epoch, 0)
    }

    /// Batches of training epoch `epoch` without the first `skipped`, for a training that is resumed within an epoch.
    pub fn train_from(
        set: &Arc<ImageSet>,
        options: &BatchOptions,
        epoch: u64,
        skipped: usize,
    ) -> Result<Self, DataError> {
        let mut order: Vec<u32> = (0..set.len() as u32).collect();
        order.shuffle(&mut stream(options.seed, "shuffle", epoch, 0));
        if options.batch_size > 1 && order.len() % options.batch_size.max(1) == 1 {
            order.pop();
        }
        order.drain(..order.len().min(skipped.saturating_mul(options.batch_size)));
        Self::start(set, options, order, Some(epoch))
    }

    /// Batches of an evaluation: every image once, in order, without augmentation.
    pub fn eval(set: &Arc<ImageSet>, options: &BatchOptions) -> Result<Self, DataError> {
        Self::start(set, options, (0..set.len() as u32).collect(), None)
    }

    fn start(
        set: &Arc<ImageSet>,
        options: &BatchOptions,
        order: Vec<u32>,
        epoch: Option<u64>,
    ) -> Result<Self, DataError> {
        options.check()?;
        let left = order.len().div_ceil(options.batch_size);
        let (sender, receiver) = sync_channel(AHEAD - 1);
        let (set, options) = (Arc::clone(set), options.clone());
        let maker = std::thread::Builder::new()
            .name("batches".to_owned())
            .spawn(move || {
                let table = lookup_table(&options.normalization);
                for chosen in order.chunks(options.batch_size) {
                    let batch = make_batch(&set, &options, &table, chosen, epoch);
                    let failed = batch.is_err();
                    // The receiver was dropped: the rest is not needed.
                    if sender.send(batch).is_err() || failed {
                        return;
                    }
                }
            })
            .map_err(|source| DataError::Read {
                path: "batches".into(),
                source,
            })?;
        Ok(Self {
            receiver: Some(receiver),
            maker: Some(maker),
            left,
        })
    }

    /// Ends the thread; a panic in it is resumed here.
    fn finish(&mut self) {
        self.receiver = None;
        if let Some(maker) = self.maker.take()
            && let Err(panic) = maker.join()
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.receiver.as_ref().and_then(|receiver| receiver.recv().ok());
        match &batch {
            Some(_) => self.left -= 1,
            None => self.finish(),
        }
        batch
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Batches {}

impl Drop for Batches {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Buffers of one thread.
struct Buffers {
    augmenter: Augmenter,
    bytes: Vec<u8>,
}

fn make_batch(
    set: &ImageSet,
    options: &BatchOptions,
    table: &[[f32; 256]; 3],
    chosen: &[u32],
    epoch: Option<u64>,
) -> Result<Batch, DataError> {
    let values = square_bytes(options.resolution);
    let mut images = vec![0.0; values * chosen.len()];
    let new_buffers = || Buffers {
        augmenter: Augmenter::new(),
        bytes: vec![0; values],
    };
    let outcomes: Vec<Result<(), DataError>> = images
        .par_chunks_exact_mut(values)
        .zip(chosen)
        .with_min_len(4)
        .map_init(new_buffers, |buffers, (target, &index)| {
            make_image(set, options, table, index, epoch, buffers, target)
        })
        .collect();
    let mut labels = Vec::with_capacity(chosen.len());
    let mut skipped = Vec::new();
    for (&index, outcome) in chosen.iter().zip(outcomes) {
        match outcome {
            Ok(()) => labels.push(Some(i64::from(set.labels()[index as usize]))),
            Err(error) if set.on_corrupt == OnCorrupt::Skip => {
                skipped.push(error.to_string());
                labels.push(None);
            }
            Err(error) => return Err(error),
        }
    }
    if !skipped.is_empty() {
        let left: Vec<f32> = images
            .chunks_exact(values)
            .zip(&labels)
            .filter(|(_, label)| label.is_some())
            .flat_map(|(image, _)| image.iter().copied())
            .collect();
        images = left;
    }
    Ok(Batch {
        images,
        labels: labels.into_iter().flatten().collect(),
        resolution: options.resolution,
        skipped,
    })
}

fn make_image(
    set: &ImageSet,
    options: &BatchOptions,
    table: &[[f32; 256]; 3],
    index: u32,
    epoch: Option<u64>,
    buffers: &mut Buffers,
    target: &mut [f32],
) -> Result<(), DataError> {
    let resolution = options.resolution;
    let Buffers { augmenter, bytes } = buffers;
    let Some(epoch) = epoch else {
        set.with_pixels(index as usize, |image| {
            augmenter.plain(image, set.fit(), resolution, bytes);
        })?;
        normalise(bytes, table, target);
        return Ok(());
    };
    let mut rng = stream(options.seed, "augment", epoch, u64::from(index));
    let how = (options.augmentation, &options.extra);
    set.with_pixels(index as usize, |image| {
        augmenter.vary(how, set.may_flip(), &mut rng, image, (resolution, bytes));
    })?;
    normalise(bytes, table, target);
    erase(target, resolution as usize, options.extra.random_erasing, &mut rng);
    Ok(())
}

fn normalise(bytes: &[u8], table: &[[f32; 256]; 3], target: &mut [f32]) {
    for (pixel, values) in bytes.chunks_exact(3).zip(target.chunks_exact_mut(3)) {
        values[0] = table[0][usize::from(pixel[0])];
        values[1] = table[1][usize::from(pixel[1])];
        values[2] = table[2][usize::from(pixel[2])];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataSource, LoadOptions, Synthetic, Watch, normalization_of};
    use mnas_engine::training::RandAugment;

    fn set(train: usize) -> Result<Arc<ImageSet>, DataError> {
        let source = DataSource::demo(Synthetic {
            train,
            val: 20,
            ..Synthetic::default()
        })?;
        let options = LoadOptions {
            image_size: 16,
            ..LoadOptions::default()
        };
        Ok(source.load(&options, Watch::none())?.train)
    }

    fn options(set: &ImageSet, resolution: u32) -> BatchOptions {
        BatchOptions {
            batch_size: 16,
            resolution,
            augmentation: Augmentation::crop_flip(),
            extra: ExtraAugmentation::default(),
            normalization: normalization_of(set),
            seed: 5,
        }
    }

    #[test]
    fn an_epoch_holds_every_image_once_in_a_seeded_order() -> Result<(), DataError> {
        let set = set(100)?;
        let options = options(&set, 16);
        let batches = Batches::train(&set, &options, 0)?;
        assert_eq!(batches.len(), 7);
        let epoch: Vec<Batch> = batches.collect::<Result<_, _>>()?;
        assert_eq!(
            epoch.iter().map(Batch::len).collect::<Vec<_>>(),
            [16, 16, 16, 16, 16, 16, 4]
        );
        assert_eq!(epoch[0].shape(), [16, 16, 16, 3]);
        let mut counts = vec![0; 10];
        epoch
            .iter()
            .flat_map(|batch| &batch.labels)
            .for_each(|&label| counts[label as usize] += 1);
        assert_eq!(counts, [10; 10]);
        let again = |epoch| Batches::train(&set, &options, epoch)?.collect::<Result<Vec<_>, _>>();
        assert_eq!(epoch, again(0)?);
        assert_ne!(epoch, again(1)?);
        Ok(())
    }

    #[test]
    fn the_number_of_threads_changes_nothing() -> Result<(), Box<dyn std::error::Error>> {
        let set = set(60)?;
        for augmentation in [Augmentation::crop_flip(), Augmentation::resized_crop_flip()] {
            let options = BatchOptions {
                augmentation,
                extra: ExtraAugmentation {
                    color_jitter: 0.4,
                    rand_augment: Some(RandAugment {
                        operations: 2,
                        magnitude: 9,
                    }),
                    random_erasing: 0.5,
                },
                ..options(&set, 24)
            };
            let table = lookup_table(&options.normalization);
            let chosen: Vec<u32> = (0..60).rev().collect();
            let with = |threads: usize| -> Result<Batch, Box<dyn std::error::Error>> {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
                Ok(pool.install(|| make_batch(&set, &options, &table, &chosen, Some(2)))?)
            };
            assert_eq!(with(1)?, with(3)?);
        }
        Ok(())
    }

    #[test]
    fn an_epoch_may_begin_in_its_middle() -> Result<(), DataError> {
        let set = set(100)?;
        let options = options(&set, 16);
        let whole: Vec<Batch> = Batches::train(&set, &options, 3)?.collect::<Result<_, _>>()?;
        for skipped in [0, 1, 6, 7, 50] {
            let rest: Vec<Batch> = Batches::train_from(&set, &options, 3, skipped)?.collect::<Result<_, _>>()?;
            assert_eq!(rest, whole[skipped.min(7)..], "{skipped}");
        }
        Ok(())
    }

    #[test]
    fn a_last_batch_of_one_is_left_out_of_training_only() -> Result<(), DataError> {
        let set = set(33)?;
        let options = options(&set, 16);
        assert_eq!(
            Batches::train(&set, &options, 0)?
                .map(|batch| Ok(batch?.len()))
                .collect::<Result<Vec<_>, DataError>>()?,
            [16, 16]
        );
        assert_eq!(
            Batches::eval(&set, &options)?
                .map(|batch| Ok(batch?.len()))
                .collect::<Result<Vec<_>, DataError>>()?,
            [16, 16, 1]
        );
        Ok(())
    }

    #[test]
    fn evaluation_is_in_order_and_normalised() -> Result<(), DataError> {
        let set = set(50)?;
        let batches: Vec<Batch> = Batches::eval(&set, &options(&set, 16))?.collect::<Result<_, _>>()?;
        let labels: Vec<i64> = batches.iter().flat_map(|batch| batch.labels.clone()).collect();
        assert_eq!(
            labels,
            set.labels().iter().map(|&label| i64::from(label)).collect::<Vec<_>>()
        );
        let values: Vec<f32> = batches.iter().flat_map(|batch| batch.images.clone()).collect();
        for channel in 0..3 {
            let of_channel = || values.iter().skip(channel).step_by(3).map(|&value| f64::from(value));
            let count = (values.len() / 3) as f64;
            let mean = of_channel().sum::<f64>() / count;
            let variance = of_channel().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            assert!(mean.abs() < 1e-4 && (variance - 1.0).abs() < 1e-3, "{mean} {variance}");
        }
        Ok(())
    }

    #[test]
    fn leaving_early_ends_the_thread_and_bad_options_are_refused() -> Result<(), DataError> {
        let set = set(200)?;
        let good = options(&set, 16);
        let mut batches = Batches::train(&set, &good, 0)?;
        assert!(batches.next().is_some());
        drop(batches);
        assert_eq!(Arc::strong_count(&set), 1);
        assert!(
            Batches::train(
                &set,
                &BatchOptions {
                    batch_size: 0,
                    ..good.clone()
                },
                0
            )
            .is_err()
        );
        assert!(Batches::eval(&set, &BatchOptions { resolution: 0, ..good }).is_err());
        Ok(())
    }
}
