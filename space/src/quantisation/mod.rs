//! Static post-training quantisation to 8-bit integers, as far as it is the same in all file formats.
//!
//! An integer `q` stands for the number `scale * (q - zero_point)` (Jacob et al., arXiv:1712.05877, section 2.1).
//! Weights have one scale per output channel and zero point 0. Activations have one scale and zero point per tensor,
//! from a [`Range`] of values that is calibrated: whoever can run the network on images feeds each tensor's values to a
//! [`Histogram`], chooses ranges by a [`Clipping`] rule, and gives them to a file writer as [`Ranges`].

mod histogram;
mod parameters;
mod range;

pub use histogram::{Clipping, Histogram};
pub(crate) use parameters::{ActivationScale, quantise_bias, quantise_weight};
pub use range::{Range, Ranges};
