//! Batches as tensors on the network's device, made on a thread of their own while the network is trained on the one before.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tch::{Device, Kind, TchError, Tensor};

use crate::data::{Batch, Batches};
use crate::error::TrainError;

/// A batch on the network's device.
#[derive(Debug)]
pub(super) struct Fed {
    /// `[batch, 3, height, width]` in channels-last memory order.
    pub images: Tensor,
    /// `[batch]`.
    pub labels: Tensor,
    /// Number of images.
    pub count: usize,
    /// Errors of the images that were corrupt and skipped.
    pub skipped: Vec<String>,
}

/// Batches in their order, with the time spent waiting for them.
///
/// At most three are on the device at a time: one in use, one ready, one in preparation.
#[derive(Debug)]
pub(super) struct Feed {
    receiver: Option<Receiver<Result<Fed, TrainError>>>,
    maker: Option<JoinHandle<()>>,
    waited: Duration,
}

impl Feed {
    pub(super) fn new(batches: Batches, device: Device) -> Self {
        let (sender, receiver) = sync_channel(1);
        let maker = std::thread::spawn(move || {
            for batch in batches {
                let fed = batch
                    .map_err(TrainError::from)
                    .and_then(|batch| Ok(feed(batch, device)?));
                let failed = fed.is_err();
                // The receiver was dropped: the rest is not needed.
                if sender.send(fed).is_err() || failed {
                    return;
                }
            }
        });
        Self {
            receiver: Some(receiver),
            maker: Some(maker),
            waited: Duration::ZERO,
        }
    }

    /// Time spent in [`Feed::next`] so far.
    pub(super) fn waited(&self) -> Duration {
        self.waited
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

impl Iterator for Feed {
    type Item = Result<Fed, TrainError>;

    fn next(&mut self) -> Option<Self::Item> {
        let begin = Instant::now();
        let fed = self.receiver.as_ref().and_then(|receiver| receiver.recv().ok());
        self.waited += begin.elapsed();
        if fed.is_none() {
            self.finish();
        }
        fed
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.finish();
    }
}

fn feed(batch: Batch, device: Device) -> Result<Fed, TchError> {
    let (images, labels) = tensors(&batch)?;
    let fed = Fed {
        images,
        labels,
        count: batch.len(),
        skipped: batch.skipped,
    };
    if !device.is_cuda() || fed.count == 0 {
        return Ok(fed);
    }
    // Copies from pinned memory run while this thread makes the next batch.
    let copied = |tensor: &Tensor| {
        let pinned = tensor.f_pin_memory(device)?;
        pinned.f_internal_to_copy((tensor.kind(), device), true)
    };
    Ok(Fed {
        images: copied(&fed.images)?,
        labels: copied(&fed.labels)?,
        ..fed
    })
}

/// Images, `[batch, 3, height, width]` in channels-last memory order, and labels on the CPU.
pub(super) fn tensors(batch: &Batch) -> Result<(Tensor, Tensor), TchError> {
    let images = Tensor::f_from_slice(&batch.images)?;
    debug_assert_eq!(images.kind(), Kind::Float);
    Ok((
        images.f_view(batch.shape())?.f_permute([0, 3, 1, 2])?,
        Tensor::f_from_slice(&batch.labels)?,
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::BatchOptions;
    use crate::testing::{images, values};
    use mnas_engine::training::{Augmentation, ExtraAugmentation, Normalization};

    #[test]
    fn what_is_fed_is_what_the_batches_hold_and_leaving_early_ends_the_threads() {
        let set = images(50, 4).train;
        let options = BatchOptions {
            batch_size: 8,
            resolution: 16,
            augmentation: Augmentation::crop_flip(),
            extra: ExtraAugmentation::default(),
            normalization: Normalization::IMAGENET,
            seed: 1,
        };
        let batches = || Batches::train(&set, &options, 1).unwrap();
        let mut feed = Feed::new(batches(), Device::Cpu);
        let mut images = 0;
        for batch in batches() {
            let (batch, found) = (batch.unwrap(), feed.next().unwrap().unwrap());
            assert_eq!(found.count, batch.len());
            assert_eq!(values(&found.images.permute([0, 2, 3, 1])), batch.images);
            assert_eq!(Vec::<i64>::try_from(&found.labels).unwrap(), batch.labels);
            images += found.count;
        }
        assert!(feed.next().is_none());
        assert_eq!(images, 50);
        assert!(feed.waited() > Duration::ZERO);

        let mut left = Feed::new(batches(), Device::Cpu);
        assert!(left.next().is_some());
        drop(left);
        assert_eq!(Arc::strong_count(&set), 1);
    }
}
