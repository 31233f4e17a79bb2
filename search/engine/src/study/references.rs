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
        let picked = pick(
            &grid.iter().map(|(value, ..)| *value).collect::<Vec<_>>(),
            budget,
            per_network,
        );
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

/// Selects, of the networks that a user would take in place of a search around a parent, `per_network` points each up to the budget:
/// the parent at lower resolutions, and the parent with all its channels narrowed alike. Nothing, where the space does not contain it.
pub fn choose_parent_references(
    space: &SearchSpace,
    parent: &Architecture,
    classes: u32,
    budget: Option<f64>,
    per_network: usize,
    value: &mut dyn FnMut(&Architecture) -> f64,
) -> Vec<ChosenReference> {
    let Some(genotype) = space.encode(parent) else {
        return Vec::new();
    };
    let own = space.express(&genotype, classes);
    let resolutions = &space.families[genotype.family].resolutions;
    let smaller = resolutions.iter().filter(|side| **side <= own.resolution);
    let smaller = smaller.map(|&side| (1.0, own.clone().with_resolution(side))).collect();
    let narrowed = |share: &f64| (*share, space.express(&space.narrowed(&genotype, *share), classes));
    let mut narrower: Vec<(f64, Architecture)> = NARROWED.iter().map(narrowed).collect();
    narrower.dedup_by_key(|(_, network)| network.id());
    narrower.retain(|(_, network)| network.id() != own.id());
    let mut chosen = Vec::new();
    for (name, title, grid) in [
        ("parent-lower-resolution", "Parent, lower resolution", smaller),
        ("parent-narrowed", "Parent, narrowed", narrower),
    ] {
        let grid: Vec<(f64, Architecture)> = grid;
        let values: Vec<f64> = grid.iter().map(|(_, network)| value(network)).collect();
        chosen.extend(
            pick(&values, budget, per_network)
                .into_iter()
                .map(|index| ChosenReference {
                    kind: TrialKind::Reference {
                        name: name.to_owned(),
                        title: title.to_owned(),
                        width: grid[index].0,
                    },
                    architecture: grid[index].1.clone(),
                }),
        );
    }
    chosen
}

/// Shares of the channels of a parent that is narrowed, in descending order: of several that give one network the largest is kept.
const NARROWED: [f64; 5] = [0.9, 0.75, 0.5, 0.35, 0.25];

/// The points of a network that stand for it, in ascending order of their `values`: those nearest to the goals within the budget.
fn pick(values: &[f64], budget: Option<f64>, count: usize) -> Vec<usize> {
    if values.is_empty() {
        return Vec::new();
    }
    let (fastest, slowest) = values.iter().fold((f64::INFINITY, 0f64), |(least, most), &value| {
        (least.min(value), most.max(value))
    });
    let bound = budget.unwrap_or(slowest).max(fastest);
    let most = bound.min(slowest);
    let least = budget.map_or(fastest, |_| most / SPAN);
    let admitted: Vec<usize> = (0..values.len()).filter(|index| values[*index] <= bound).collect();
    let mut picked: Vec<usize> = goals((least, most), count)
        .filter_map(|goal| {
            let distance = |index: &usize| (values[*index] / goal).ln().abs();
            let nearest = |one: &usize, other: &usize| distance(one).total_cmp(&distance(other));
            admitted.iter().copied().min_by(nearest)
        })
        .collect();
    picked.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    picked.dedup();
    picked
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
    fn a_parent_is_compared_with_what_is_done_by_hand() {
        let parent = mnas_space::Reference::named("mobilenet-v2")
            .unwrap()
            .architecture(1.0, 224, 10)
            .unwrap();
        let space = SearchSpace::from_toml(&mnas_space::space_around(&parent, "around")).unwrap();
        let mut macs = |architecture: &Architecture| architecture.cost().macs as f64;
        let budget = 0.5 * macs(&parent);
        let chosen = choose_parent_references(&space, &parent, 10, Some(budget), 1, &mut macs);
        let shown = |chosen: &ChosenReference| match &chosen.kind {
            TrialKind::Reference { name, width, .. } => (name.clone(), *width, chosen.architecture.resolution),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            chosen.iter().map(shown).collect::<Vec<_>>(),
            [
                ("parent-lower-resolution".to_owned(), 1.0, 128),
                ("parent-narrowed".to_owned(), 0.5, 224)
            ]
        );
        let half = mnas_space::Reference::named("mobilenet-v2")
            .unwrap()
            .architecture(0.5, 224, 10)
            .unwrap();
        let difference = chosen[1].architecture.cost().macs.abs_diff(half.cost().macs);
        assert!(
            difference as f64 <= 0.1 * half.cost().macs as f64,
            "{}",
            chosen[1].architecture
        );
        for reference in &chosen {
            assert!(space.contains(&reference.architecture) && macs(&reference.architecture) <= budget);
        }
    }

    #[test]
    fn goals_are_spread_from_the_budget_down() {
        assert_eq!(goals((4.0, 16.0), 1).collect::<Vec<_>>(), [16.0]);
        assert_eq!(goals((4.0, 16.0), 3).collect::<Vec<_>>(), [16.0, 8.0, 4.0]);
        assert_eq!(goals((4.0, 16.0), 0).count(), 0);
    }
}
