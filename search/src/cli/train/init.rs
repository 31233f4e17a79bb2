//! Trainings that begin with the weights of a trained network.

use std::path::PathBuf;

use clap::Args;
use mnas_engine::training::weights::{Pretrained, Weights, WeightsError};
use mnas_engine::training::{Normalization, ParentWeights};
use mnas_engine::worker::InheritedWeights;
use mnas_space::Architecture;

use crate::cli::architecture::FormArguments;
use crate::cli::error::CliError;
use crate::cli::images::NormalizationArguments;
use crate::cli::matching::warn_of_order;
use crate::report::Printer;

#[derive(Debug, Args)]
pub struct InitArguments {
    /// Weights to begin with, in place of random ones (safetensors, of all the programs that `mnas eval` knows); the classifier keeps the
    /// rows of classes with the same names
    #[arg(long, value_name = "WEIGHTS")]
    init: Option<PathBuf>,
    /// Network of the weights of --init, of which ARCH takes over all that can be cut from it [default: the one named in the weight file,
    /// else ARCH]
    #[arg(long, value_name = "ARCH", requires = "init")]
    parent: Option<String>,
    #[command(flatten)]
    normalization: NormalizationArguments,
}

/// Weights that a training begins with.
pub(super) struct Initial {
    /// The weights and their network.
    pub parent: ParentWeights,
    /// Normalisation of images that the weights expect, where it is known.
    normalization: Option<Normalization>,
}

impl InitArguments {
    /// Returns true if the training begins with given weights.
    pub fn is_given(&self) -> bool {
        self.init.is_some()
    }

    /// Reads the weights that the training of `network`, of the form `form`, begins with; reports what they are.
    pub fn read(
        &self,
        network: &Architecture,
        form: &FormArguments,
        printer: &Printer,
    ) -> Result<Option<Initial>, CliError> {
        let Some(path) = &self.init else { return Ok(None) };
        let weights = Weights::read(path)?;
        let named = match &self.parent {
            Some(text) => Some(form.of_parent(network.resolution).resolve(text)?.0),
            None if weights.info.is_none() => Some(network.clone()),
            None => None,
        };
        let read = Pretrained::of(&weights, path, named.as_ref()).map_err(|error| self.explained(error))?;
        warn_of_order(&read.matching, printer);
        printer.status(&format!(
            "{}: {} tensors matched by {}, {} classes",
            path.display(),
            read.matching.matches.len(),
            read.matching.naming,
            read.architecture.head.classes
        ));
        Ok(Some(Initial {
            parent: ParentWeights {
                architecture: read.architecture.to_string(),
                weights: path.clone(),
            },
            normalization: read.normalization,
        }))
    }

    /// The normalisation of the flags, else that of the weights; reports it. `None` for the mean and deviation of the images.
    pub fn normalization(
        &self,
        initial: Option<&Initial>,
        printer: &Printer,
    ) -> Result<Option<Normalization>, CliError> {
        let given = self.normalization.get()?;
        let Some(initial) = initial.filter(|_| given.is_none()) else {
            return Ok(given);
        };
        match initial.normalization {
            Some(Normalization { mean, std }) => printer.status(&format!(
                "images are normalised as for those weights: mean {}, std {}",
                numbers(mean),
                numbers(std)
            )),
            None => printer.warning(
                "the weights do not tell how their images were normalised; those of this training are by their own mean and deviation, \
                 give --mean and --std where the weights expect others",
            ),
        }
        Ok(initial.normalization)
    }

    fn explained(&self, error: WeightsError) -> CliError {
        let is_of_other = matches!(error, WeightsError::Mismatch { .. }) && self.parent.is_none();
        let error = CliError::from(error);
        if is_of_other {
            return error.with_help(
                "where the weights are of another network, name it with --parent; ARCH takes over all that can be cut from it",
            );
        }
        error
    }
}

/// A line about the weights that a training inherited.
pub(super) fn description(inherited: &InheritedWeights) -> String {
    let share = 100.0 * inherited.share;
    let classes = inherited.classes;
    let classifier = match inherited.kept_classes {
        None => format!("new for {classes} classes, since the weights do not name theirs"),
        Some(0) => format!("new, since none of {classes} classes is one of the weights'"),
        Some(kept) => format!("{kept} of {classes} classes keep their rows"),
    };
    format!("{share:.1} % of the parameters are inherited; classifier: {classifier}")
}

fn numbers(values: [f32; 3]) -> String {
    values.map(|value| format!("{value:.3}")).join(",")
}
