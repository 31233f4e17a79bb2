//! Selection of the published networks that are evaluated beside the candidates.

use mnas_space::{Architecture, SearchSpace};

use super::trial_kind::TrialKind;

/// The budget as a multiple of the least value at which references are wanted.
const SPAN: f64 = 4.0;

/// A published network at one width and resolution.
#[derive(Debug, Clone, PartialEq)]
pub struct ChosenReference {
    /// Name, title, width.
    pub kind: TrialKind,
    /// The deployed network.
    pub architecture: Architecture,
}

/// Selects, for each network that the space names, `per_network` of its points up to the budget.
///
/// The points are those whose values (such as latencies), on a logarithmic scale, lie nearest to goals spread evenly from a
/// quarter of the budget to the budget itself, without exceeding it; the first goal is the budget. Where the budget is out of
/// a network's reach, the goals reach up to its largest value; a network without a point within the budget is represented
/// by its least one. Without a budget they are spread over all values.
pub fn choose_references(
    space: &SearchSpace,
    classes: u32,
    budget: Option<f64>,
    per_network: usize,
    value: &mut dyn FnMut(&Architecture) -> f64,
) -> Vec<ChosenReference> {
    let mut chosen = Vec::new();
    for points in &space.references {
        let reference = &points.reference;
        let grid: Vec<(f64, f64, Architecture)> = points
            .all(classes, space.early_strides_removed)
            .map(|point| (value(&point.architecture), point.width, point.architecture))
            .collect();
        let (fastest, slowest) = grid.iter().fold((f64::INFINITY, 0f64), |(least, most), (ms, ..)| {
            (least.min(*ms), most.max(*ms))
        });
        let bound = budget.unwrap_or(slowest).max(fastest);
        let most = bound.min(slowest);
        let least = budget.map_or(fastest, |_| most / SPAN);
        let admitted: Vec<usize> = (0..grid.len()).filter(|index| grid[*index].0 <= bound).collect();
        let mut picked: Vec<usize> = goals((least, most), per_network)
            .filter_map(|goal| {
                let distance = |index: &usize| (grid[*index].0 / goal).ln().abs();
                let nearest = |one: &usize, other: &usize| distance(one).total_cmp(&distance(other));
                admitted.iter().copied().min_by(nearest)
            })
            .collect();
        picked.sort_by(|one, other| grid[*one].0.total_cmp(&grid[*other].0));
        picked.dedup();
        chosen.extend(picked.into_iter().map(|index| {
            let (_, width, architecture) = grid[index].clone();
            let (name, title) = (reference.name().to_owned(), reference.title.clone());
            ChosenReference {
                kind: TrialKind::Reference { name, title, width },
                architecture,
            }
        }));
    }
    chosen
}

/// Values at which a network is wanted, evenly spaced on a logarithmic scale from the highest down.
fn goals((low, high): (f64, f64), count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |index| {
        let share = index as f64 / count.saturating_sub(1).max(1) as f64;
        high * (low / high).powf(share)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_has_a_point_just_within_the_budget() {
        let space = SearchSpace::from_toml(SearchSpace::embedded("mobilenet").unwrap()).unwrap();
        // Multiply-adds as latency: 100 M is a millisecond.
        let mut latency = |architecture: &Architecture| architecture.cost().macs as f64 / 1e8;
        let mut latencies_of = |wanted: &str, budget: f64, count: usize| -> Vec<f64> {
            let chosen = choose_references(&space, 1000, Some(budget), count, &mut latency);
            let named =
                |point: &&ChosenReference| matches!(&point.kind, TrialKind::Reference { name, .. } if name == wanted);
            let named = chosen.iter().filter(named);
            named.map(|point| point.architecture.cost().macs as f64 / 1e8).collect()
        };
        for name in ["mobilenet-v1", "mobilenet-v2", "mobilenet-v3-large"] {
            let latencies = latencies_of(name, 1.0, 2);
            assert_eq!(latencies.len(), 2, "{name}");
            assert!(
                latencies[0] < 0.5 && (0.7..=1.0).contains(&latencies[1]),
                "{name}: {latencies:?}"
            );
            // A single point is the one at the budget.
            assert_eq!(latencies_of(name, 1.0, 1), latencies[1..], "{name}");
        }
        // V3-Small does not reach the budget: its slowest point, and one of about a quarter of that latency.
        let small = latencies_of("mobilenet-v3-small", 2.0, 2);
        assert_eq!(small.len(), 2);
        assert!(small[0] < 0.5 * small[1] && small[1] <= 2.0, "{small:?}");
        // No point of V1 is that fast: the fastest one represents it.
        let v1 = latencies_of("mobilenet-v1", 0.01, 2);
        assert!(v1.len() == 1 && v1[0] > 0.01, "{v1:?}");
    }

    #[test]
    fn what_is_chosen_belongs_to_the_space_and_so_to_the_history_of_its_strategy() {
        for (name, classes) in [("mobilenet", 1000), ("mobilenet-small-images", 10)] {
            let space = SearchSpace::from_toml(SearchSpace::embedded(name).unwrap()).unwrap();
            let mut macs = |architecture: &Architecture| architecture.cost().macs as f64;
            let chosen = choose_references(&space, classes, Some(1e9), 3, &mut macs);
            assert!(chosen.len() >= 9, "{name}: {}", chosen.len());
            for reference in chosen {
                let genotype = space.encode(&reference.architecture);
                let back = genotype.map(|genotype| space.express(&genotype, classes).id());
                assert_eq!(back, Some(reference.architecture.id()), "{name}: {:?}", reference.kind);
            }
        }
    }

    #[test]
    fn goals_are_spread_from_the_budget_down() {
        assert_eq!(goals((4.0, 16.0), 1).collect::<Vec<_>>(), [16.0]);
        assert_eq!(goals((4.0, 16.0), 3).collect::<Vec<_>>(), [16.0, 8.0, 4.0]);
        assert_eq!(goals((4.0, 16.0), 0).count(), 0);
    }
}
