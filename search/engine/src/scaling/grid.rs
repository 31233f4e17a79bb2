//! Grid of widths, depths and resolutions under a latency budget.

use mnas_latency::Milliseconds;
use mnas_space::{Architecture, Multipliers, ScalingRule};

use super::accuracy::Accuracy;
use super::error::ScalingError;
use crate::problem::Costs;
use mnas_latency::LatencyModel;

/// Factors and resolutions to combine.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalingGrid {
    /// Factors of channels.
    pub widths: Vec<f64>,
    /// Factors of the number of blocks of stages.
    pub depths: Vec<f64>,
    /// Input sides in pixels.
    pub resolutions: Vec<u32>,
}

impl Default for ScalingGrid {
    /// Published widths and resolutions of `MobileNets` with steps between them, at the given depth.
    fn default() -> Self {
        Self {
            widths: vec![0.25, 0.35, 0.5, 0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.4],
            depths: vec![1.0],
            resolutions: (3..=10).map(|step| 32 * step).collect(),
        }
    }
}

/// Scaled network.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaledRow {
    /// Factor of channels.
    pub width: f64,
    /// Factor of the number of blocks.
    pub depth: f64,
    /// Input side in pixels.
    pub resolution: u32,
    /// Network.
    pub architecture: Architecture,
    /// Its costs; the first latency is that on the device.
    pub costs: Costs,
    /// True if the latency is within the budget.
    pub within_budget: bool,
    /// Accuracy in percent; `None` over the budget and where there is none.
    pub accuracy: Option<f64>,
}

impl ScaledRow {
    /// Latency on the device.
    pub fn latency(&self) -> Milliseconds {
        self.costs.latency[0].latency
    }

    fn multipliers(&self, base: &Architecture) -> Multipliers {
        Multipliers {
            width: self.width,
            depth: self.depth,
            resolution: f64::from(self.resolution) / f64::from(base.resolution),
        }
    }
}

/// Scaled networks and the best of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaledGrid {
    /// Every combination that the rule can express, by width, depth and resolution.
    pub rows: Vec<ScaledRow>,
    /// Index of the most accurate network within the budget; of equals the faster one.
    pub best: usize,
    /// Combinations that the rule cannot express, such as groups that do not divide the scaled channels.
    pub impossible: usize,
}

/// Scales `base` by `rule` to every combination of `grid` and finds the most accurate network whose latency is within
/// `budget`.
///
/// `accuracy` is called for networks within the budget only.
pub fn scale_under_budget(
    base: &Architecture,
    rule: &ScalingRule,
    grid: &ScalingGrid,
    (latency, budget): (&LatencyModel, Milliseconds),
    accuracy: &mut Accuracy<'_>,
) -> Result<ScaledGrid, ScalingError> {
    let sizes = [
        ("widths", grid.widths.len()),
        ("depths", grid.depths.len()),
        ("resolutions", grid.resolutions.len()),
    ];
    if let Some((dimension, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
        return Err(ScalingError::EmptyGrid { dimension });
    }
    let (mut rows, mut impossible, mut problem) = (Vec::new(), 0, None);
    let mut reason = None;
    for (width, depth, resolution) in combinations(grid) {
        let multipliers = Multipliers {
            width,
            depth,
            resolution: 1.0,
        };
        let architecture = match rule.scale(base, multipliers) {
            Ok(scaled) => scaled.with_resolution(resolution),
            Err(error) => {
                impossible += 1;
                problem = Some(error);
                continue;
            }
        };
        let costs = Costs::of(&architecture, vec![latency.predict(&architecture)]);
        let within_budget = costs.latency[0].latency.0 <= budget.0;
        let accuracy = within_budget.then(|| accuracy(&architecture));
        let accuracy = accuracy.and_then(|accuracy| accuracy.map_err(|error| reason = Some(error)).ok());
        rows.push(ScaledRow {
            width,
            depth,
            resolution,
            architecture,
            costs,
            within_budget,
            accuracy,
        });
    }
    if let (true, Some(problem)) = (rows.is_empty(), problem) {
        return Err(problem.into());
    }
    let best = best(&rows).ok_or_else(|| failure(&rows, base, budget, reason))?;
    Ok(ScaledGrid { rows, best, impossible })
}

fn combinations(grid: &ScalingGrid) -> impl Iterator<Item = (f64, f64, u32)> {
    let pairs = grid
        .widths
        .iter()
        .flat_map(|width| grid.depths.iter().map(move |depth| (*width, *depth)));
    pairs.flat_map(|(width, depth)| {
        grid.resolutions
            .iter()
            .map(move |resolution| (width, depth, *resolution))
    })
}

/// Index of the most accurate network; of equals the faster one.
fn best(rows: &[ScaledRow]) -> Option<usize> {
    let with_accuracy = rows
        .iter()
        .enumerate()
        .filter_map(|(index, row)| Some((index, row, row.accuracy?)));
    let best = with_accuracy.min_by(|(_, one, one_accuracy), (_, other, other_accuracy)| {
        let by_accuracy = other_accuracy.total_cmp(one_accuracy);
        by_accuracy.then(one.latency().0.total_cmp(&other.latency().0))
    });
    best.map(|(index, ..)| index)
}

/// Error of a grid in which no network within the budget has an accuracy.
fn failure(rows: &[ScaledRow], base: &Architecture, budget: Milliseconds, reason: Option<String>) -> ScalingError {
    if let Some(reason) = reason {
        return ScalingError::NoAccuracy {
            networks: rows.iter().filter(|row| row.within_budget).count(),
            reason,
        };
    }
    let nearest = rows
        .iter()
        .min_by(|one, other| one.latency().0.total_cmp(&other.latency().0));
    let nearest = nearest.expect("a grid without expressible networks is an error before");
    ScalingError::OverBudget {
        budget,
        nearest: nearest.latency(),
        multipliers: nearest.multipliers(base),
        resolution: nearest.resolution,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mnas_space::Reference;

    use super::*;
    use crate::imagenet::Predictor;

    fn pixel1() -> LatencyModel {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/devices/pixel1");
        LatencyModel::load(&folder).unwrap()
    }

    fn scale(budget: f64, grid: &ScalingGrid) -> Result<ScaledGrid, ScalingError> {
        let base = Reference::named("mobilenet-v2")
            .unwrap()
            .architecture(1.0, 224, 1000)
            .unwrap();
        let predict = |network: &Architecture| {
            let predicted = Predictor::embedded().predict(network);
            predicted
                .map(|predicted| predicted.top1)
                .map_err(|error| error.to_string())
        };
        let rule = ScalingRule::named("width").unwrap();
        scale_under_budget(&base, &rule, grid, (&pixel1(), Milliseconds(budget)), &mut { predict })
    }

    #[test]
    fn the_best_network_is_within_the_budget_and_no_other_is_better() {
        let found = scale(40.0, &ScalingGrid::default()).unwrap();
        let best = &found.rows[found.best];
        assert!(best.within_budget && best.latency().0 <= 40.0);
        assert!(
            found
                .rows
                .iter()
                .all(|row| row.accuracy.is_none_or(|accuracy| accuracy <= best.accuracy.unwrap()))
        );
        assert!(
            found
                .rows
                .iter()
                .any(|row| !row.within_budget && row.accuracy.is_none())
        );
        assert_eq!(found.rows.len(), 80);
        assert_eq!(best.architecture.resolution, best.resolution);
    }

    #[test]
    fn failures_name_the_nearest_network_or_the_reason() {
        let error = scale(0.1, &ScalingGrid::default()).unwrap_err();
        assert!(
            matches!(error, ScalingError::OverBudget { resolution: 96, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("width 0.25"), "{error}");
        let small = ScalingGrid {
            resolutions: vec![32],
            ..ScalingGrid::default()
        };
        let error = scale(40.0, &small).unwrap_err().to_string();
        assert!(
            error.contains("input's side") && error.contains("10 scaled networks"),
            "{error}"
        );
        let empty = ScalingGrid {
            depths: Vec::new(),
            ..ScalingGrid::default()
        };
        assert_eq!(
            scale(40.0, &empty).unwrap_err(),
            ScalingError::EmptyGrid { dimension: "depths" }
        );
    }
}
