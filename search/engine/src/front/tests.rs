use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Points on a small grid, so that ties and duplicates are common, some of them with NaN.
fn points(objectives: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    let coordinate = prop_oneof![20 => (0_u8..7).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(-0.0)];
    vec(vec(coordinate, objectives), 0..16)
}

/// The same volume, counted as unit cells of the grid that the points lie on.
fn cells(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    let sides: Vec<usize> = reference.iter().map(|&side| side as usize).collect();
    let count: usize = sides.iter().product();
    let is_covered = |number: &usize| {
        let mut rest = *number;
        let corner: Vec<f64> = sides
            .iter()
            .map(|side| {
                let at = rest % side;
                rest /= side;
                at as f64
            })
            .collect();
        let covers = |point: &Vec<f64>| point.iter().zip(&corner).all(|(value, at)| value <= at);
        points.iter().any(covers)
    };
    (0..count).filter(is_covered).count() as f64
}

#[test]
fn equal_points_keep_the_earliest_and_nan_is_left_out() {
    let points = [
        [f64::NAN, -90.0],
        [2.0, -70.0],
        [1.0, -60.0],
        [2.0, -70.0],
        [1.0, f64::NAN],
        [3.0, -70.0],
    ];
    assert_eq!(pareto_front(&points), [2, 1]);
    assert!(!dominates(&points[1], &points[3]) && !dominates(&points[0], &points[1]));
    assert!(pareto_front::<[f64; 2]>(&[]).is_empty());
}

#[test]
fn published_volumes_are_reproduced() {
    // Three boxes whose union is counted by hand: 8 + 4 - 2 + ... as unit cells.
    let points = [[0.0, 2.0, 1.0], [1.0, 0.0, 2.0], [2.0, 1.0, 0.0]];
    assert!(
        (hypervolume(&points, &[3.0, 3.0, 3.0]) - cells(&points.map(|point| point.to_vec()), &[3.0, 3.0, 3.0])).abs()
            < 1e-12
    );
    assert!((hypervolume(&[[1.0, 1.0, 1.0, 1.0]], &[2.0, 3.0, 4.0, 5.0]) - 24.0).abs() < 1e-12);
}

proptest! {
    #[test]
    fn the_front_holds_exactly_the_points_that_nothing_dominates(points in (1_usize..5).prop_flat_map(points)) {
        let front = pareto_front(&points);
        for &member in &front {
            prop_assert!(points.iter().all(|point| !dominates(point, &points[member])));
        }
        for index in (0..points.len()).filter(|index| !front.contains(index)) {
            let point = &points[index];
            let explained = point.iter().any(|value| value.is_nan())
                || points.iter().any(|other| dominates(other, point))
                || points[..index].iter().any(|earlier| earlier == point);
            prop_assert!(explained);
        }
    }

    #[test]
    fn an_archive_holds_the_front_of_what_was_inserted(points in (1_usize..4).prop_flat_map(points)) {
        let mut archive = Archive::default();
        let mut left = Vec::new();
        for (owner, point) in points.iter().enumerate() {
            if let Insertion::Joined(gone) = archive.insert(owner as u64, point.clone()) {
                left.extend(gone);
            }
        }
        let mut members: Vec<usize> = archive.members().map(|(owner, _)| owner as usize).collect();
        members.sort_unstable();
        let mut front = pareto_front(&points);
        front.sort_unstable();
        prop_assert_eq!(&members, &front);
        prop_assert!(left.iter().all(|&owner| !archive.contains(owner)));
    }

    #[test]
    fn hypervolume_counts_the_covered_cells_and_never_shrinks(points in (1_usize..5).prop_flat_map(points), more in 0..3_u8) {
        let objectives = points.first().map_or(2, Vec::len);
        let reference = vec![5.0; objectives];
        let finite: Vec<Vec<f64>> = points.iter().filter(|point| !point.iter().any(|value| value.is_nan())).cloned().collect();
        let volume = hypervolume(&points, &reference);
        prop_assert!((volume - cells(&finite, &reference)).abs() < 1e-9);
        let mut grown = points.clone();
        grown.push(vec![f64::from(more); objectives]);
        prop_assert!(hypervolume(&grown, &reference) >= volume - 1e-9);
    }
}
