//! Augmentation of training images.
//!
//! [`Augmentation`](mnas_engine::training::Augmentation) chooses the part of an image,
//! [`ExtraAugmentation`](mnas_engine::training::ExtraAugmentation) changes its pixels. All random numbers of an image come from one
//! stream of its own, in a fixed order.

mod color;
mod erase;
mod geometry;
mod rand_augment;

pub(super) use erase::erase;
pub(super) use geometry::Augmenter;

#[cfg(test)]
mod tests;
