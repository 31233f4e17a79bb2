//! Evaluations and scores of saved weights.

use std::collections::BTreeMap;
use std::sync::Arc;

use mnas_engine::training::weights::WeightsInfo;
use mnas_engine::training::{Augmentation, ExtraAugmentation, TrainDevice};
use mnas_engine::worker::{EvaluateRequest, Evaluated, Floats, FromWorker, ScoresRequest};
use tch::Tensor;

use super::context::Context;
use super::fault::Fault;
use super::saved::SavedNetwork;
use crate::data::{self, BatchOptions, ImageSet};
use crate::evaluation::evaluate_by_class;
use crate::network::channels_last;

/// Evaluates weights on a split of a data set.
pub(super) fn evaluate(
    request: &EvaluateRequest,
    device: TrainDevice,
    context: &Context<'_>,
) -> Result<FromWorker, Fault> {
    tch::set_num_threads(i32::try_from(request.threads.max(1)).unwrap_or(i32::MAX));
    let SavedNetwork {
        architecture,
        network,
        info,
    } = SavedNetwork::read(&request.weights, &request.architecture, device)?;

    let mut options = data::load_options(&request.data, request.image_size, &Augmentation::None);
    options.fit = request.fit;
    let source = data::source_of(&request.data)?;
    let set = context.watch(|watch| source.load_split(request.split, &options, watch))?;
    for skipped in &set.provenance().skipped {
        (context.report)(&FromWorker::Warning {
            message: format!("skipped as corrupt: {skipped}"),
        });
    }
    let set = relabelled(set, request, info.as_ref(), architecture.head.classes)?;
    let of_weights = info.as_ref().map(|info| info.normalization);
    let options = BatchOptions {
        batch_size: request.batch_size,
        resolution: architecture.resolution,
        augmentation: Augmentation::None,
        extra: ExtraAugmentation::default(),
        normalization: request
            .normalization
            .or(of_weights)
            .unwrap_or_else(|| data::normalization_of(&set)),
        seed: 0,
    };
    let set = Arc::new(set);
    let (accuracy, confusion) =
        evaluate_by_class(&network, &set, &options, &mut |skipped| context.after_batch(skipped))?;
    Ok(FromWorker::Evaluated(Box::new(Evaluated {
        accuracy,
        confusion,
        classes: set.classes().to_vec(),
    })))
}

/// Images labelled by the scores of the network: by the label map of the request, else by name where the weights name their classes.
fn relabelled(
    set: ImageSet,
    request: &EvaluateRequest,
    info: Option<&WeightsInfo>,
    scores: u32,
) -> Result<ImageSet, Fault> {
    if let Some(numbers) = &request.label_map {
        return Ok(set.relabelled(numbers, classes_by_number(numbers, scores))?);
    }
    if let Some(info) = info
        && info.classes[..] != *set.classes()
    {
        let numbered: BTreeMap<String, u32> = info.classes.iter().cloned().zip(0..).collect();
        return Ok(set.relabelled(&numbered, info.classes.clone())?);
    }
    if set.classes().len() > scores as usize {
        return Err(Fault::input(format!(
            "the network scores {scores} classes, {} has {}",
            request.data.path.display(),
            set.classes().len()
        )));
    }
    Ok(set)
}

/// Names of the classes of `scores` scores; a class without a name has its number.
pub(super) fn classes_by_number(numbers: &BTreeMap<String, u32>, scores: u32) -> Vec<String> {
    let mut classes: Vec<String> = (0..scores).map(|number| number.to_string()).collect();
    for (name, &number) in numbers {
        if let Some(class) = classes.get_mut(number as usize) {
            class.clone_from(name);
        }
    }
    classes
}

/// Computes the scores of weights on given images, on the CPU.
pub(super) fn scores(request: &ScoresRequest) -> Result<FromWorker, Fault> {
    let SavedNetwork {
        architecture, network, ..
    } = SavedNetwork::read(&request.weights, &request.architecture, TrainDevice::Cpu)?;
    let input = architecture.input();
    let shape = [1, input.channels, input.height, input.width].map(i64::from);
    let scored = request.images.iter().map(|Floats(values)| {
        if values.len() as u64 != input.elements() {
            return Err(Fault::input(format!(
                "an image has {} values, the network takes {}",
                values.len(),
                input.elements()
            )));
        }
        let image = channels_last(&Tensor::f_from_slice(values)?.f_view(shape)?)?;
        let scores = tch::no_grad(|| network.forward(&image, false))?;
        Ok(Floats(Vec::<f32>::try_from(&scores.f_contiguous()?.f_view([-1])?)?))
    });
    Ok(FromWorker::Scores(scored.collect::<Result<_, Fault>>()?))
}
