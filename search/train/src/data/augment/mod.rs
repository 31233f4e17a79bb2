//! Augmentation of training images.
//!
//! [`Augmentation`] chooses the part of an image that is seen, [`ExtraAugmentation`] changes what is seen there. Every
//! draw for an image comes from one stream of its own, in a fixed order.

mod color;
mod erase;
mod geometry;
mod rand_augment;

pub(super) use erase::erase;
pub(super) use geometry::Augmenter;

#[cfg(test)]
mod tests;
