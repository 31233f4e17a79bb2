//! A front that grows point by point.

use super::dominance::dominates;

/// The non-dominated points among those inserted so far, each with an owner's number.
///
/// An insertion compares the point with the front only, not with all earlier points.
#[derive(Debug, Clone, Default)]
pub struct Archive {
    members: Vec<(u64, Vec<f64>)>,
}

/// Outcome of an insertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Insertion {
    /// The point is on the front; these members left it.
    Joined(Vec<u64>),
    /// A member is at least as good.
    Dominated,
}

impl Archive {
    /// Inserts a point, all objectives to be minimised; a point with NaN is dominated.
    pub fn insert(&mut self, owner: u64, point: Vec<f64>) -> Insertion {
        let covered = |(_, member): &(u64, Vec<f64>)| *member == point || dominates(member, &point);
        if point.iter().any(|value| value.is_nan()) || self.members.iter().any(covered) {
            return Insertion::Dominated;
        }
        let mut left = Vec::new();
        self.members.retain(|(member, values)| {
            let stays = !dominates(&point, values);
            if !stays {
                left.push(*member);
            }
            stays
        });
        self.members.push((owner, point));
        Insertion::Joined(left)
    }

    /// Owners and points, in the order in which they were inserted.
    pub fn members(&self) -> impl Iterator<Item = (u64, &[f64])> {
        self.members.iter().map(|(owner, point)| (*owner, point.as_slice()))
    }

    /// Returns true if a point of this owner is on the front.
    pub fn contains(&self, owner: u64) -> bool {
        self.members.iter().any(|(member, _)| *member == owner)
    }
}
