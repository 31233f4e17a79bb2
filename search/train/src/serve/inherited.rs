//! Networks of trainings that inherit.

use mnas_engine::training::ParentWeights;
use mnas_engine::training::weights::Weights;
use mnas_engine::worker::TrainRequest;
use mnas_space::Architecture;
use tch::Device;

use crate::error::TrainError;
use crate::inheritance::{ClassRows, Importance, InheritanceError, Parent, RECALIBRATION_IMAGES, inherit, recalibrate};
use crate::network::Network;
use crate::trainer::TrainPlan;

/// The network `trained_form` with the weights that it inherits, its batch-norm recalibrated on the training images, and the share of
/// its parameters that was inherited.
///
/// The classifier keeps the rows of classes that have the same names in the parent's weights; without names it is new.
pub(super) fn network(
    parent: &ParentWeights,
    trained_form: &Architecture,
    plan: &TrainPlan<'_>,
    request: &TrainRequest,
    device: Device,
) -> Result<(Network, f64), TrainError> {
    let weights = Weights::read(&parent.weights).map_err(InheritanceError::from)?;
    let architecture: Architecture = parent
        .architecture
        .parse()
        .map_err(|problem| InheritanceError::Architecture {
            architecture: parent.architecture.clone(),
            problem: format!("{problem}"),
        })?;
    let info = weights.info.as_ref();
    let architecture = match info {
        Some(info) => architecture.with_classes(info.classes.len() as u32),
        None => architecture,
    };
    let classes = info.map_or(ClassRows::New, |info| {
        let row = |class: &String| info.classes.iter().position(|known| known == class);
        ClassRows::Of(plan.train.classes().iter().map(row).collect())
    });
    let architecture = architecture.without_early_strides(request.proxy.early_strides_removed);
    let parent = Parent::new(architecture, &weights, &parent.weights, &Importance::default())?;
    let (network, inherited) = inherit(&parent, trained_form, &classes, device, request.seed)?;
    recalibrate(&network, plan.train, &plan.eval_options(), RECALIBRATION_IMAGES)?;
    Ok((network, inherited.share()))
}
