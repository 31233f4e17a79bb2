//! Pareto fronts of any number of objectives, and the hypervolume that they dominate.
//!
//! A point is a slice of numbers, one per objective, all to be minimised; an objective to be maximised enters negated. A
//! point with NaN is ignored: it dominates no point, is not on a front and adds no volume. Infinite values are ordinary
//! values.

mod archive;
mod dominance;
mod hypervolume;
mod sorting;

pub use archive::{Archive, Insertion};
pub use dominance::{dominates, pareto_front};
pub use hypervolume::{dominated_share, hypervolume};
pub use sorting::{crowding_distance, non_dominated_ranks};

#[cfg(test)]
mod tests;
