//! Networks of trainings that inherit.

use mnas_engine::training::weights::Pretrained;
use mnas_engine::training::{Normalization, ParentWeights, Proxy};
use mnas_engine::worker::InheritedWeights;
use mnas_space::Architecture;
use tch::Device;

use crate::error::TrainError;
use crate::inheritance::{ClassRows, Importance, InheritanceError, Parent, RECALIBRATION_IMAGES, inherit, recalibrate};
use crate::network::Network;
use crate::trainer::TrainPlan;

/// The parent of a training, read from its weights.
pub(super) struct ReadParent {
    parent: Parent,
    /// Names of its classes, where the weights name them.
    classes: Option<Vec<String>>,
    /// Normalisation of images that the weights expect, where it is known.
    pub normalization: Option<Normalization>,
}

impl ReadParent {
    /// Reads the parent of trainings of the form of `proxy`.
    pub fn read(parent: &ParentWeights, proxy: &Proxy) -> Result<Self, InheritanceError> {
        let architecture: Architecture =
            parent
                .architecture
                .parse()
                .map_err(|problem| InheritanceError::Architecture {
                    architecture: parent.architecture.clone(),
                    problem: format!("{problem}"),
                })?;
        let architecture = architecture.without_early_strides(proxy.early_strides_removed);
        let path = &parent.weights;
        let read = Pretrained::read(path, Some(&architecture))?;
        Ok(Self {
            parent: Parent::new(read.architecture, &read.weights, path, &Importance::default())?,
            classes: read.classes,
            normalization: read.normalization,
        })
    }

    /// The network `trained_form` with the weights that it inherits, its batch-norm recalibrated on the training images.
    ///
    /// The classifier keeps the rows of classes that have the same names in the parent's weights; without names it is new.
    pub fn network(
        &self,
        trained_form: &Architecture,
        plan: &TrainPlan<'_>,
        device: Device,
        seed: u64,
    ) -> Result<(Network, InheritedWeights), TrainError> {
        let classes = trained_form.head.classes as usize;
        let rows = self.class_rows(plan.train.classes(), classes);
        let (network, inherited) = inherit(&self.parent, trained_form, &rows, device, seed)?;
        recalibrate(&network, plan.train, &plan.eval_options(), RECALIBRATION_IMAGES)?;
        let inherited = InheritedWeights {
            share: inherited.share(),
            kept_classes: match &rows {
                ClassRows::Of(rows) => Some(rows.iter().flatten().count()),
                ClassRows::New | ClassRows::Same => None,
            },
            classes,
        };
        Ok((network, inherited))
    }

    /// Rows of the classifier that a network of `scores` scores takes over, whose first classes have these names.
    fn class_rows(&self, names: &[String], scores: usize) -> ClassRows {
        let Some(known) = &self.classes else {
            return ClassRows::New;
        };
        let row = |name: &String| known.iter().position(|class| class == name);
        let mut rows: Vec<_> = names.iter().map(row).collect();
        rows.resize(scores, None);
        ClassRows::Of(rows)
    }
}
