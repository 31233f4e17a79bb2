//! Non-dominated sorting and crowding (Deb, Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective genetic
//! algorithm: NSGA-II", IEEE TEC 2002, section III).

use std::cmp::Ordering;

use super::dominance::dominates;

/// The non-dominated rank of every point: 0 on the front, 1 on the front of the rest, and so on. Points with NaN have the
/// rank after all others.
///
/// Two objectives take `n log n` steps (Jensen, "Reducing the run-time complexity of multiobjective EAs", IEEE TEC 2003),
/// more take `n` times the number of fronts times their size at worst.
pub fn non_dominated_ranks<P: AsRef<[f64]>>(points: &[P]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len())
        .filter(|&index| !points[index].as_ref().iter().any(|value| value.is_nan()))
        .collect();
    order.sort_unstable_by(|&left, &right| {
        lexicographic(points[left].as_ref(), points[right].as_ref()).then(left.cmp(&right))
    });
    let mut ranks = vec![usize::MAX; points.len()];
    // Members of each front so far. In this order only earlier points dominate later ones.
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    for &index in &order {
        let point = points[index].as_ref();
        let rank = if point.len() <= 2 {
            // The last member of a front has its least second objective; a front dominates every point that the next front dominates.
            let covers = |front: &Vec<usize>| {
                front
                    .last()
                    .is_some_and(|&last| covers_planar(points[last].as_ref(), point))
            };
            fronts.partition_point(covers)
        } else {
            let covers = |front: &Vec<usize>| {
                front
                    .iter()
                    .rev()
                    .any(|&member| dominates(points[member].as_ref(), point))
            };
            fronts.partition_point(covers)
        };
        if rank == fronts.len() {
            fronts.push(Vec::new());
        }
        fronts[rank].push(index);
        ranks[index] = rank;
    }
    for rank in &mut ranks {
        *rank = (*rank).min(fronts.len());
    }
    ranks
}

/// Returns true if a point that comes first in lexicographic order dominates another, of at most two objectives.
fn covers_planar(first: &[f64], then: &[f64]) -> bool {
    first.last() <= then.last() && first != then
}

fn lexicographic(one: &[f64], other: &[f64]) -> Ordering {
    // `+ 0.0` makes -0.0 the equal of 0.0.
    let by_objective = one.iter().zip(other).map(|(a, b)| (a + 0.0).total_cmp(&(b + 0.0)));
    by_objective.fold(Ordering::Equal, Ordering::then)
}

/// The crowding distance of every point among those of its rank: the sum over objectives of the distance between its
/// neighbours, as a share of the front's extent. Points at an end are infinitely far.
pub fn crowding_distance<P: AsRef<[f64]>>(points: &[P], ranks: &[usize]) -> Vec<f64> {
    let mut distances = vec![0.0; points.len()];
    let objectives = points.first().map_or(0, |point| point.as_ref().len());
    let mut order: Vec<usize> = (0..points.len()).collect();
    for objective in 0..objectives {
        let value = |index: usize| points[index].as_ref()[objective];
        order.sort_unstable_by(|&one, &other| {
            let by_rank = ranks[one].cmp(&ranks[other]);
            by_rank.then(value(one).total_cmp(&value(other))).then(one.cmp(&other))
        });
        for front in order.chunk_by(|&one, &other| ranks[one] == ranks[other]) {
            let (first, last) = (front[0], front[front.len() - 1]);
            distances[first] = f64::INFINITY;
            distances[last] = f64::INFINITY;
            let extent = value(last) - value(first);
            if extent > 0.0 && extent.is_finite() {
                for window in front.windows(3) {
                    distances[window[1]] += (value(window[2]) - value(window[0])) / extent;
                }
            }
        }
    }
    distances
}
