//! Hypervolume (Zitzler and Thiele, "Multiobjective optimization using evolutionary algorithms", PPSN 1998).

use super::dominance::pareto_front;

/// Share, 0 to 1, of the box between 0 % accuracy at `size` and 100 % at size 0 that points of size and negated accuracy dominate.
pub fn dominated_share<P: AsRef<[f64]>>(points: &[P], size: f64) -> f64 {
    // An empty sum of floats is -0; adding 0 makes it 0.
    hypervolume(points, &[size, 0.0]) / (100.0 * size) + 0.0
}

/// Volume dominated by `points` and bounded by `reference`, a point worse than all points of interest.
///
/// Points that do not dominate the reference strictly in every objective add nothing. Adding a point never makes the volume
/// smaller. Two objectives are swept in `n log n` steps; more are computed from the exclusive volumes of the points in turn
/// (While, Bradstreet and Barone, "A fast way of calculating exact hypervolumes", IEEE TEC 2012).
pub fn hypervolume<P: AsRef<[f64]>>(points: &[P], reference: &[f64]) -> f64 {
    let inside: Vec<Vec<f64>> = points
        .iter()
        .map(AsRef::as_ref)
        .filter(|point| point.iter().zip(reference).all(|(value, bound)| value < bound))
        .map(<[f64]>::to_vec)
        .collect();
    let front: Vec<Vec<f64>> = pareto_front(&inside)
        .into_iter()
        .map(|index| inside[index].clone())
        .collect();
    volume(&front, reference)
}

/// Volume of mutually non-dominated points, in ascending order of the first objective.
fn volume(front: &[Vec<f64>], reference: &[f64]) -> f64 {
    match reference.len() {
        0 => 0.0,
        1 => front.first().map_or(0.0, |point| reference[0] - point[0]),
        2 => {
            let next = |position: usize| front.get(position + 1).map_or(reference[0], |point| point[0]);
            let slice = |(position, point): (usize, &Vec<f64>)| (next(position) - point[0]) * (reference[1] - point[1]);
            front.iter().enumerate().map(slice).sum()
        }
        _ => (0..front.len()).map(|index| exclusive(front, index, reference)).sum(),
    }
}

/// Volume dominated by a point and by none of the points after it.
fn exclusive(front: &[Vec<f64>], index: usize, reference: &[f64]) -> f64 {
    let point = &front[index];
    let whole: f64 = point
        .iter()
        .zip(reference)
        .map(|(value, bound)| bound - value)
        .product();
    // The later points, cut to the box of this one.
    let limited: Vec<Vec<f64>> = front[index + 1..]
        .iter()
        .map(|other| other.iter().zip(point).map(|(one, bound)| one.max(*bound)).collect())
        .collect();
    let kept: Vec<Vec<f64>> = pareto_front(&limited)
        .into_iter()
        .map(|index| limited[index].clone())
        .collect();
    whole - volume(&kept, reference)
}
