//! Inheritance: networks that start from the weights of a trained parent.
//!
//! A [`Parent`] gives any network whose blocks correspond to its own the weights that can be cut from it: the centre of kernels, the
//! most important channels, the same ones in all blocks of a residual stage. Parts that the parent does not have start without effect.
//! All of this works on named tensors, without libtorch; [`recalibrate`] then computes batch-norm's statistics anew.

mod channels;
mod cut;
mod error;
mod importance;
mod network;
mod neutral;
mod parent;
mod recalibration;

pub use channels::ChannelGroups;
pub use error::InheritanceError;
pub use importance::Importance;
pub use network::inherit;
pub use parent::{ClassRows, Inherited, Parent, Values};
pub use recalibration::{RECALIBRATION_IMAGES, recalibrate};

#[cfg(test)]
mod tests;
