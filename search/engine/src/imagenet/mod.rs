//! ImageNet top-1 of networks, predicted from published figures.
//!
//! [`Predictor`] evaluates coefficients that are committed in `configs/imagenet/predictor.toml` and were fitted in two steps
//! ([`fit`]); no network is trained:
//!
//! 1. 4,100 networks of one space, trained with one cheap recipe (Accel-NASBench, arXiv:2404.08005), give the weight that
//!    the width and the depth of every part of a network has, and a first estimate of the effect of kernels and
//!    squeeze-excite.
//! 2. The published networks calibrate them: the effects of width, depth, resolution, kernels,
//!    squeeze-excite and activations on the logarithm of the error, with an offset for each class of recipes.
//!
//! A prediction assumes training by a class of recipes ([`Recipe`]), has a 90 % interval that is wider far from the published
//! networks, and is refused outside of their range ([`OutOfRange`]). [`validation`] measures all of it with whole families
//! left out.

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        reason = "tests compare numbers that are computed in the same way"
    )
)]

mod accel;
mod algebra;
mod calibration;
mod document;
mod evaluator;
mod features;
pub mod fit;
mod front;
mod interactions;
mod predictor;
mod published;
mod range;
mod structure;
mod transform;
pub mod validation;

pub use accel::{AccelError, AccelNetwork, accel_architecture, read_accel};
pub use document::{Coefficients, CoefficientsError};
pub use evaluator::ImagenetEvaluator;
pub use features::{Aggregates, LEVELS};
pub use front::{FrontOptions, FrontProgress, PredictedFront, PredictedMember, SearchError, search_front};
pub use interactions::Interactions;
pub use predictor::{PredictedTop1, Predictor};
pub use published::{PublishedNetwork, Recipe, published_networks};
pub use range::OutOfRange;
