//! Evaluation, on the test split, of a network that was just trained; trainings do not read that split.

use std::sync::Arc;

use mnas_engine::training::{Accuracy, Augmentation, ExtraAugmentation, Normalization, Split};

use super::context::Context;
use super::fault::Fault;
use super::loaded::Loaded;
use crate::data::{self, BatchOptions};
use crate::evaluation::evaluate_by_class;
use crate::network::Network;

/// Evaluates a network at `resolution`, with this normalisation of the images, on every image of the test split; `None` where the data set has none.
///
/// A limit on the number of images holds for training and validation only.
pub(super) fn evaluate(
    loaded: &Loaded,
    network: &Network,
    resolution: u32,
    normalization: Normalization,
    context: &Context<'_>,
) -> Result<Option<Accuracy>, Fault> {
    let mut data = loaded.data.clone();
    data.images = None;
    let source = data::source_of(&data)?;
    if !source.has(Split::Test) {
        return Ok(None);
    }
    let options = data::load_options(&data, loaded.splits.val.size(), &Augmentation::None);
    let set = context.watch(|watch| source.load_split(Split::Test, &options, watch))?;
    let options = BatchOptions {
        batch_size: BATCH,
        resolution,
        augmentation: Augmentation::None,
        extra: ExtraAugmentation::default(),
        normalization,
        seed: 0,
    };
    let (accuracy, _) = evaluate_by_class(network, &Arc::new(set), &options, &mut |skipped| {
        context.after_batch(skipped)
    })?;
    Ok(Some(accuracy))
}

/// Images per batch.
const BATCH: usize = 64;
