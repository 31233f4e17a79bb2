//! Selection of the published networks that are evaluated beside the candidates.

use mnas_space::{Architecture, SearchSpace};

use super::trial_kind::TrialKind;

/// A published network at one width and resolution.
#[derive(Debug, Clone, PartialEq)]
pub struct ChosenReference {
    /// Name, title, width.
    pub kind: TrialKind,
    /// The deployed network.
    pub architecture: Architecture,
}

/// Selects, for each network that the space names, `per_network` of its points around the budget.
///
/// The points are those whose values (latencies, say), on a logarithmic scale, lie nearest to goals spread evenly from half
/// the budget to twice the budget; a single one lies nearest to the budget itself. Where the budget is out of a network's
/// reach, the goals move to the nearest values that it has. Without a budget they are spread over all values.
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
        let span = match budget {
            Some(budget) => {
                let within_reach = budget.min(slowest / 2.0).max(2.0 * fastest);
                (within_reach / 2.0, within_reach * 2.0)
            }
            None => (fastest, slowest),
        };
        let mut picked: Vec<usize> = goals(span, per_network)
            .filter_map(|goal| {
                let distance = |index: &usize| (grid[*index].0 / goal).ln().abs();
                (0..grid.len()).min_by(|one, other| distance(one).total_cmp(&distance(other)))
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

/// Values at which a network is wanted, evenly spaced on a logarithmic scale; a single one in the middle.
fn goals((low, high): (f64, f64), count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |index| {
        let share = if count == 1 {
            0.5
        } else {
            index as f64 / (count - 1) as f64
        };
        low * (high / low).powf(share)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_on_both_sides_of_a_budget_within_reach() {
        let space = SearchSpace::from_toml(SearchSpace::embedded("mobilenet").unwrap()).unwrap();
        // Multiply-adds as latency: 100 M is a millisecond.
        let mut latency = |architecture: &Architecture| architecture.cost().macs as f64 / 1e8;
        let chosen = choose_references(&space, 1000, Some(1.0), 2, &mut latency);
        let latencies_of = |wanted: &str| -> Vec<f64> {
            let named =
                |point: &&ChosenReference| matches!(&point.kind, TrialKind::Reference { name, .. } if name == wanted);
            chosen
                .iter()
                .filter(named)
                .map(|point| latency(&point.architecture))
                .collect()
        };
        for name in ["mobilenet-v1", "mobilenet-v2", "mobilenet-v3-large"] {
            let latencies = latencies_of(name);
            assert_eq!(latencies.len(), 2, "{name}");
            assert!(latencies[0] < 1.0 && latencies[1] > 1.0, "{name}: {latencies:?}");
        }
        // V3-Small hardly reaches the budget here: its slowest point, and one of about a quarter of that latency.
        let small = latencies_of("mobilenet-v3-small");
        assert_eq!(small.len(), 2);
        assert!(small[1] < 1.3 && small[0] < 0.5 * small[1], "{small:?}");
    }

    #[test]
    fn goals_are_spread_around_the_budget() {
        assert_eq!(goals((4.0, 16.0), 1).collect::<Vec<_>>(), [8.0]);
        assert_eq!(goals((4.0, 16.0), 3).collect::<Vec<_>>(), [4.0, 8.0, 16.0]);
        assert_eq!(goals((4.0, 16.0), 0).count(), 0);
    }
}
