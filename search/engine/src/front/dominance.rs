//! Dominance among points, and the front of those that no other dominates.

/// Returns true if `left` is at least as good as `right` in every objective and better in one.
///
/// False when any number is NaN and when the two are equal.
pub fn dominates(left: &[f64], right: &[f64]) -> bool {
    let mut better = false;
    for (one, other) in left.iter().zip(right) {
        // Also true where one of the two is NaN.
        if !matches!(
            one.partial_cmp(other),
            Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal)
        ) {
            return false;
        }
        better |= one < other;
    }
    better
}

/// Indices of the points that no other point dominates, in ascending order of the first objective.
///
/// Of several equal points the earliest index is kept. Points with NaN are left out. Takes `n log n` steps for two
/// objectives and `n` times the size of the front for more.
pub fn pareto_front<P: AsRef<[f64]>>(points: &[P]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len())
        .filter(|&index| !points[index].as_ref().iter().any(|value| value.is_nan()))
        .collect();
    // `+ 0.0` makes -0.0 the equal of 0.0, as `dominates` compares them.
    order.sort_by(|&left, &right| {
        let (one, other) = (points[left].as_ref(), points[right].as_ref());
        let by_objective = one.iter().zip(other).map(|(a, b)| (a + 0.0).total_cmp(&(b + 0.0)));
        by_objective
            .fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
            .then(left.cmp(&right))
    });
    // In this order a point can be dominated by earlier ones only.
    let mut front: Vec<usize> = Vec::new();
    for index in order {
        let point = points[index].as_ref();
        let covered = |&member: &usize| {
            let member = points[member].as_ref();
            member.iter().zip(point).all(|(one, other)| one <= other)
        };
        let is_covered = if point.len() <= 2 {
            // The last member has the least second objective so far.
            front.last().is_some_and(covered)
        } else {
            front.iter().any(covered)
        };
        if !is_covered {
            front.push(index);
        }
    }
    front
}
