//! The Pareto front of latency (to minimise) against accuracy (to maximise), and the area it dominates.
//!
//! A point is `(latency_ms, accuracy)`. A point with a NaN coordinate is no observation: it neither dominates nor is on a
//! front nor adds area. Infinite values are ordinary values.

/// Whether `left` is at least as fast and at least as accurate as `right`, and better in one of the two.
///
/// False when any coordinate is NaN and when the two are equal.
pub fn dominates(left: (f64, f64), right: (f64, f64)) -> bool {
    left.0 <= right.0 && left.1 >= right.1 && (left.0 < right.0 || left.1 > right.1)
}

/// Indices of the points that no other point dominates, from the fastest to the slowest.
///
/// Of several equal points the earliest index is kept, so that both coordinates strictly increase along the front. Points
/// with NaN are left out.
pub fn pareto_front(points: &[(f64, f64)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len())
        .filter(|&index| !points[index].0.is_nan() && !points[index].1.is_nan())
        .collect();
    // `+ 0.0` makes -0.0 the equal of 0.0, as `dominates` sees it.
    order.sort_by(|&left, &right| {
        let (left_point, right_point) = (points[left], points[right]);
        (left_point.0 + 0.0)
            .total_cmp(&(right_point.0 + 0.0))
            .then((right_point.1 + 0.0).total_cmp(&(left_point.1 + 0.0)))
            .then(left.cmp(&right))
    });
    let mut best: Option<f64> = None;
    order.retain(|&index| {
        let better = best.is_none_or(|best| points[index].1 > best);
        if better {
            best = Some(points[index].1);
        }
        better
    });
    order
}

/// Area dominated by `points` and bounded by `reference`, a point slower and less accurate than those that matter.
///
/// In milliseconds times accuracy points. Points that do not strictly dominate the reference in both coordinates add
/// nothing. Adding a point never makes it smaller (Zitzler and Thiele, "Multiobjective optimization using evolutionary
/// algorithms", PPSN 1998).
pub fn hypervolume(points: &[(f64, f64)], reference: (f64, f64)) -> f64 {
    let inside: Vec<(f64, f64)> = points
        .iter()
        .copied()
        .filter(|point| point.0 < reference.0 && point.1 > reference.1)
        .collect();
    let front = pareto_front(&inside);
    let mut area = 0.0;
    for (position, &index) in front.iter().enumerate() {
        let right = front.get(position + 1).map_or(reference.0, |&next| inside[next].0);
        area += (right - inside[index].0) * (inside[index].1 - reference.1);
    }
    area
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Points on a small grid, so that ties and duplicates are common, some of them with NaN.
    fn points() -> impl Strategy<Value = Vec<(f64, f64)>> {
        let coordinate = || prop_oneof![12 => (0_u8..9).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(-0.0)];
        vec((coordinate(), coordinate()), 0..24)
    }

    /// The same area, counted as unit cells of the grid the points lie on.
    fn cells(points: &[(f64, f64)], reference: (u8, u8)) -> f64 {
        let mut count = 0.0;
        for latency in 0..reference.0 {
            for accuracy in reference.1..20 {
                let covered =
                    |point: &(f64, f64)| point.0 <= f64::from(latency) && point.1 >= f64::from(accuracy) + 1.0;
                count += f64::from(u8::from(points.iter().any(covered)));
            }
        }
        count
    }

    #[test]
    fn equal_points_keep_the_earliest_and_nan_is_left_out() {
        let points = [
            (f64::NAN, 90.0),
            (2.0, 70.0),
            (1.0, 60.0),
            (2.0, 70.0),
            (1.0, f64::NAN),
            (3.0, 70.0),
        ];
        assert_eq!(pareto_front(&points), [2, 1]);
        assert!(!dominates(points[1], points[3]) && !dominates(points[0], points[1]));
        assert!(pareto_front(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn the_front_is_exactly_what_nothing_dominates(points in points()) {
            let front = pareto_front(&points);
            for &member in &front {
                prop_assert!(points.iter().all(|&point| !dominates(point, points[member])));
            }
            for pair in front.windows(2) {
                prop_assert!(points[pair[0]].0 < points[pair[1]].0 && points[pair[0]].1 < points[pair[1]].1);
            }
            for index in (0..points.len()).filter(|index| !front.contains(index)) {
                let point = points[index];
                let explained = point.0.is_nan()
                    || point.1.is_nan()
                    || front.iter().any(|&member| {
                        dominates(points[member], point) || (points[member] == point && member < index)
                    });
                prop_assert!(explained, "point {index} {point:?} is missing from {front:?}");
            }
        }

        #[test]
        fn hypervolume_counts_the_covered_cells(points in points(), latency in 0_u8..12, accuracy in 0_u8..12) {
            let area = hypervolume(&points, (f64::from(latency), f64::from(accuracy)));
            prop_assert!((area - cells(&points, (latency, accuracy))).abs() < 1e-9);
        }

        #[test]
        fn a_further_point_never_shrinks_the_hypervolume(
            points in vec((0.0_f64..9.0, 0.0_f64..9.0), 0..12), added in (0.0_f64..9.0, 0.0_f64..9.0),
        ) {
            let reference = (8.0, 1.0);
            let before = hypervolume(&points, reference);
            let mut more = points;
            more.push(added);
            prop_assert!(hypervolume(&more, reference) >= before - 1e-9);
        }
    }
}
