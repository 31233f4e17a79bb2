//! Fit of the predictor's coefficients.
//!
//! The fit is deterministic. Its constants were chosen once, by one rule: the least mean error over all points of five
//! families left out in turn ([`super::validation`]); no family was looked at on its own.

use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use super::accel::AccelNetwork;
use super::algebra::{Prior, matrix, moments, quadratic_form, regress};
use super::document::Coefficients;
use super::features::{Aggregates, LEVELS};
use super::interactions::Interactions;
use super::published::{PublishedNetwork, Recipe};
use super::range::{Range, SUMMARIES};
use super::transform::from_percent;

/// Number of terms without the constant: the summaries, two squares and a product.
const TERMS: usize = SUMMARIES + 3;

/// Indices of summaries.
const WIDTH: usize = 0;
const RESOLUTION: usize = 2;
const SQUEEZE_EXCITE: usize = 3;
const KERNEL: usize = 4;

/// Prior deviation of a standardised term's coefficient.
const TERM_DEVIATION: f64 = 0.1;
/// Prior deviation of a class of recipes' offset.
const RECIPE_DEVIATION: f64 = 0.1;
/// Prior deviations of the effects of squeeze-excite and of kernels around those in Accel-NASBench.
const SQUEEZE_EXCITE_DEVIATION: f64 = 0.02;
const KERNEL_DEVIATION: f64 = 0.03;
/// Deviation of published accuracies from the model, on the scale of the model.
const NOISE: f64 = 0.02;
/// Share of left-out networks inside of the interval.
const INSIDE: f64 = 0.9;

/// Effects of structure in Accel-NASBench, on the scale of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StructureWeights {
    /// Effect of logarithmic width at every level.
    pub width: Vec<f64>,
    /// Effect of logarithmic depth at every level.
    pub depth: Vec<f64>,
    /// Effect of the logarithm of kernels' sides.
    pub kernel: f64,
    /// Effect of squeeze-excite in all blocks.
    pub squeeze_excite: f64,
}

impl StructureWeights {
    /// Fits the effects to networks of the benchmark.
    pub fn fit(networks: &[AccelNetwork]) -> Self {
        let with_levels = networks.iter().filter_map(|network| {
            let aggregates = Aggregates::of(&network.architecture).ok()?;
            Some((aggregates.structure(), from_percent(network.top1)))
        });
        let (rows, targets): (Vec<Vec<f64>>, Vec<f64>) = with_levels.unzip();
        let (mean, _) = moments(&rows);
        let centre = targets.iter().sum::<f64>() / targets.len() as f64;
        let rows: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| row.iter().zip(&mean).map(|(value, mean)| value - mean).collect())
            .collect();
        let y = DVector::from_iterator(targets.len(), targets.iter().map(|target| target - centre));
        let prior = Prior {
            mean: 0.0,
            deviation: 1.0,
        };
        let effects = regress(&matrix(&rows), &y, &vec![prior; mean.len()], NOISE).mean;
        Self {
            width: effects.as_slice()[..LEVELS].to_vec(),
            depth: effects.as_slice()[LEVELS..2 * LEVELS].to_vec(),
            kernel: effects[2 * LEVELS],
            squeeze_excite: effects[2 * LEVELS + 1],
        }
    }

    /// Summary features of a network: width and depth as means over levels with the benchmark's effects as weights,
    /// resolution, squeeze-excite, kernel and smooth activations.
    pub(super) fn summarise(&self, aggregates: &Aggregates) -> [f64; SUMMARIES] {
        let mean = |weights: &[f64], values: &[f64]| {
            let sums = weights
                .iter()
                .zip(values)
                .fold((0.0, 0.0), |(sum, total), (weight, value)| {
                    (sum + weight * value, total + weight)
                });
            sums.0 / sums.1
        };
        [
            mean(&self.width, &aggregates.width),
            mean(&self.depth, &aggregates.depth),
            aggregates.resolution,
            aggregates.squeeze_excite,
            aggregates.kernel,
            aggregates.smooth,
        ]
    }
}

/// Model of published accuracies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Calibration {
    /// Means of the summary features.
    pub(super) centre: Vec<f64>,
    /// Standard deviations of the terms: the centred summaries, the squares of width and resolution, and their product.
    pub(super) scale: Vec<f64>,
    /// Constant and coefficient of every term.
    pub(super) coefficients: Vec<f64>,
    /// Offsets of the classes of recipes other than `regularised`: plain, auto-augment, mobile-net-v4.
    pub(super) recipe_offsets: Vec<f64>,
    /// Covariance of the coefficients and offsets.
    pub(super) covariance: Vec<Vec<f64>>,
    /// Half width of the interval in deviations: those that nine of ten networks keep whose family is left out.
    pub(super) interval: f64,
}

/// Published network with its features.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub family: &'static str,
    pub recipe: Recipe,
    pub top1: f64,
    pub summary: [f64; SUMMARIES],
}

impl Point {
    /// Points of the published networks that have all levels.
    pub fn all(networks: &[PublishedNetwork], weights: &StructureWeights) -> Vec<Self> {
        let point = |network: &PublishedNetwork| {
            let aggregates = Aggregates::of(&network.architecture).ok()?;
            Some(Self {
                family: network.family,
                recipe: network.recipe,
                top1: network.top1,
                summary: weights.summarise(&aggregates),
            })
        };
        networks.iter().filter_map(point).collect()
    }
}

/// Indicators of the classes of recipes other than the default.
fn recipe_indicators(recipe: Recipe) -> [f64; 3] {
    let others = [Recipe::Plain, Recipe::AutoAugment, Recipe::MobileNetV4];
    others.map(|other| f64::from(u8::from(other == recipe)))
}

impl Calibration {
    /// Fits the model and its interval. `points` need at least two families.
    pub(super) fn fit(points: &[&Point], weights: &StructureWeights) -> Self {
        let mut model = Self::fit_mean(points, weights);
        let mut families: Vec<&str> = points.iter().map(|point| point.family).collect();
        families.sort_unstable();
        families.dedup();
        let mut ratios = Vec::new();
        for family in families {
            let (left_out, others): (Vec<&Point>, Vec<&Point>) =
                points.iter().partition(|point| point.family == family);
            let partial = Self::fit_mean(&others, weights);
            ratios.extend(left_out.iter().map(|point| {
                let (value, deviation) = partial.value(&point.summary, point.recipe);
                (value - from_percent(point.top1)).abs() / deviation
            }));
        }
        ratios.sort_by(f64::total_cmp);
        let rank = (INSIDE * ratios.len() as f64).ceil() as usize;
        model.interval = ratios[rank.clamp(1, ratios.len()) - 1];
        model
    }

    /// Fits the model without its interval.
    fn fit_mean(points: &[&Point], weights: &StructureWeights) -> Self {
        let summaries: Vec<Vec<f64>> = points.iter().map(|point| point.summary.to_vec()).collect();
        let (centre, _) = moments(&summaries);
        let terms: Vec<Vec<f64>> = points
            .iter()
            .map(|point| terms(&point.summary, &centre).to_vec())
            .collect();
        let (_, scale) = moments(&terms);
        let mut model = Self {
            centre,
            scale: scale.iter().map(|deviation| deviation.max(1e-9)).collect(),
            coefficients: Vec::new(),
            recipe_offsets: Vec::new(),
            covariance: Vec::new(),
            interval: 0.0,
        };
        let rows: Vec<Vec<f64>> = points
            .iter()
            .map(|point| model.row(&point.summary, point.recipe).to_vec())
            .collect();
        let targets: Vec<f64> = points.iter().map(|point| from_percent(point.top1)).collect();
        let priors = model.priors(&targets, weights);
        let posterior = regress(&matrix(&rows), &DVector::from_vec(targets), &priors, NOISE);
        model.coefficients = posterior.mean.as_slice()[..=TERMS].to_vec();
        model.recipe_offsets = posterior.mean.as_slice()[TERMS + 1..].to_vec();
        let covariance = posterior.covariance.row_iter();
        model.covariance = covariance.map(|row| row.iter().copied().collect()).collect();
        model
    }

    fn priors(&self, targets: &[f64], weights: &StructureWeights) -> Vec<Prior> {
        let free = |deviation: f64| Prior { mean: 0.0, deviation };
        let mut priors = vec![Prior {
            mean: targets.iter().sum::<f64>() / targets.len() as f64,
            deviation: 5.0,
        }];
        priors.extend([free(TERM_DEVIATION); TERMS]);
        priors.extend([free(RECIPE_DEVIATION); 3]);
        for (summary, effect, deviation) in [
            (SQUEEZE_EXCITE, weights.squeeze_excite, SQUEEZE_EXCITE_DEVIATION),
            (KERNEL, weights.kernel, KERNEL_DEVIATION),
        ] {
            priors[1 + summary] = Prior {
                mean: effect * self.scale[summary],
                deviation: deviation * self.scale[summary],
            };
        }
        priors
    }

    /// Constant, standardised terms and indicators of the class of recipes.
    fn row(&self, summary: &[f64; SUMMARIES], recipe: Recipe) -> [f64; TERMS + 4] {
        let mut row = [1.0; TERMS + 4];
        let terms = terms(summary, &self.centre);
        for (value, (term, scale)) in row[1..].iter_mut().zip(terms.iter().zip(&self.scale)) {
            *value = term / scale;
        }
        row[TERMS + 1..].copy_from_slice(&recipe_indicators(recipe));
        row
    }

    /// Accuracy on the scale of the model.
    pub(super) fn mean(&self, summary: &[f64; SUMMARIES], recipe: Recipe) -> f64 {
        let row = self.row(summary, recipe);
        let coefficients = self.coefficients.iter().chain(&self.recipe_offsets);
        coefficients
            .zip(row)
            .map(|(coefficient, value)| coefficient * value)
            .sum()
    }

    /// Accuracy on the scale of the model with its deviation.
    pub(super) fn value(&self, summary: &[f64; SUMMARIES], recipe: Recipe) -> (f64, f64) {
        let variance = quadratic_form(&self.covariance, &self.row(summary, recipe));
        (self.mean(summary, recipe), (NOISE.powi(2) + variance.max(0.0)).sqrt())
    }

    /// Returns true if the lists have the lengths that the predictor needs.
    pub(super) fn is_complete(&self) -> bool {
        let size = TERMS + 4;
        (self.centre.len(), self.scale.len()) == (SUMMARIES, TERMS)
            && (self.coefficients.len(), self.recipe_offsets.len()) == (TERMS + 1, 3)
            && self.covariance.len() == size
            && self.covariance.iter().all(|row| row.len() == size)
    }

    fn rounded(mut self, round: impl Fn(f64) -> f64) -> Self {
        let lists = [
            &mut self.centre,
            &mut self.scale,
            &mut self.coefficients,
            &mut self.recipe_offsets,
        ];
        let lists = lists.into_iter().chain(&mut self.covariance);
        lists.flatten().for_each(|number| *number = round(*number));
        self.interval = round(self.interval);
        self
    }
}

/// Centred summaries, squares of width and resolution, and their product.
fn terms(summary: &[f64; SUMMARIES], centre: &[f64]) -> [f64; TERMS] {
    let mut terms = [0.0; TERMS];
    for (term, (value, centre)) in terms.iter_mut().zip(summary.iter().zip(centre)) {
        *term = value - centre;
    }
    let (width, resolution) = (terms[WIDTH], terms[RESOLUTION]);
    terms[SUMMARIES..].copy_from_slice(&[width * width, resolution * resolution, width * resolution]);
    terms
}

/// Number of significant digits of the coefficients, so that their file is readable.
const DIGITS: i32 = 8;

fn round(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    let factor = 10_f64.powi(DIGITS - 1 - number.abs().log10().floor() as i32);
    let rounded = (number * factor).round() / factor;
    // The shortest text of a quotient may have more digits.
    format!("{rounded:.*e}", DIGITS as usize - 1).parse().unwrap_or(rounded)
}

/// Fits all coefficients to the published networks and to networks of Accel-NASBench.
pub fn fit(published: &[PublishedNetwork], accel: &[AccelNetwork]) -> Coefficients {
    let mut structure = StructureWeights::fit(accel);
    let effects = structure.width.iter_mut().chain(&mut structure.depth);
    effects.for_each(|effect| *effect = round(*effect));
    (structure.kernel, structure.squeeze_excite) = (round(structure.kernel), round(structure.squeeze_excite));
    let points = Point::all(published, &structure);
    let all: Vec<&Point> = points.iter().collect();
    let summaries: Vec<[f64; SUMMARIES]> = points.iter().map(|point| point.summary).collect();
    Coefficients::new(
        (points.len(), accel.len()),
        Calibration::fit(&all, &structure).rounded(round),
        structure,
        Range::of(&summaries).rounded(round),
        Interactions::fit(accel).rounded(round),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_eight_digits() {
        assert_eq!(round(1.0 / 3.0), 0.333_333_33);
        assert_eq!(round(-123_456.789_01), -123_456.79);
        assert_eq!(round(0.0), 0.0);
    }
}
