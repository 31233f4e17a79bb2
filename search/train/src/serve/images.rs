//! Images in the form that a network takes, for programs that compute without libtorch.

use std::sync::Arc;

use mnas_engine::training::{Augmentation, ExtraAugmentation};
use mnas_engine::worker::{Floats, FromWorker, ImagesRequest, ImagesSource};

use super::context::Context;
use super::evaluation::classes_by_number;
use super::fault::Fault;
use crate::data::{self, Batch, BatchOptions, Batches, ImageSet};

/// Images per progress line: a few megabytes at the usual resolutions.
const IMAGES_PER_LINE: usize = 8;

/// Reads images, and sends them in progress lines.
pub(super) fn read(request: &ImagesRequest, context: &Context<'_>) -> Result<FromWorker, Fault> {
    let set = Arc::new(load(request, context)?);
    let normalization = request.normalization.unwrap_or_else(|| data::normalization_of(&set));
    let options = BatchOptions {
        batch_size: IMAGES_PER_LINE,
        resolution: request.resolution,
        augmentation: Augmentation::None,
        extra: ExtraAugmentation::default(),
        normalization,
        seed: 0,
    };
    let mut count = 0;
    for batch in Batches::eval(&set, &options)? {
        if context.is_cancelled() {
            return Err(Fault::Interrupted { epoch: 0 });
        }
        let batch = batch?;
        warn(&batch.skipped, context);
        count += batch.len();
        (context.report)(&line_of(&batch));
    }
    Ok(FromWorker::ImagesRead {
        images: count,
        normalization,
        classes: match request.source {
            ImagesSource::Files(_) => Vec::new(),
            ImagesSource::Split { .. } => set.classes().to_vec(),
        },
    })
}

fn load(request: &ImagesRequest, context: &Context<'_>) -> Result<ImageSet, Fault> {
    match &request.source {
        ImagesSource::Files(paths) => Ok(data::load_files(paths, request.fit, request.image_size)?),
        ImagesSource::Split {
            data,
            split,
            label_map,
            scores,
        } => {
            let mut options = data::load_options(data, request.image_size, &Augmentation::None);
            options.fit = request.fit;
            let source = data::source_of(data)?;
            let set = context.watch(|watch| source.load_split(*split, &options, watch))?;
            warn(&set.provenance().skipped, context);
            match label_map {
                Some(numbers) => Ok(set.relabelled(numbers, classes_by_number(numbers, *scores))?),
                None => Ok(set),
            }
        }
    }
}

fn warn(skipped: &[String], context: &Context<'_>) {
    for image in skipped {
        (context.report)(&FromWorker::Warning {
            message: format!("skipped as corrupt: {image}"),
        });
    }
}

fn line_of(batch: &Batch) -> FromWorker {
    let [_, rows, columns, channels] = batch.shape();
    let images = batch.images.chunks_exact((rows * columns * channels) as usize);
    FromWorker::Images {
        images: images.map(|image| Floats(image.to_vec())).collect(),
        labels: batch.labels.iter().map(|&label| label as u32).collect(),
    }
}
