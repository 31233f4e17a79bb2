//! Static post-training quantisation to 8-bit integers: the part that is common to all file formats.
//!
//! An integer `q` represents the number `scale * (q - zero_point)` (Jacob et al., arXiv:1712.05877, section 2.1).
//! Weights have one scale per output channel and zero point 0. Activations have one scale and zero point per tensor,
//! derived from a calibrated [`Range`] of values. To calibrate, run the network on images, add each tensor's values to a
//! [`Histogram`], choose ranges by a [`Clipping`] rule, and pass them to a file writer as [`Ranges`].

mod histogram;
mod parameters;
mod range;

pub use histogram::{Clipping, Histogram};
pub(crate) use parameters::{ActivationScale, quantise_bias, quantise_weight};
pub use range::{Range, Ranges};
