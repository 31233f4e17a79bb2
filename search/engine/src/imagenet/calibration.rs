//! Model of published accuracies.

use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use super::algebra::{Prior, matrix, moments, quadratic_form, regress};
use super::features::Aggregates;
use super::published::{PublishedNetwork, Recipe};
use super::range::SUMMARIES;
use super::structure::StructureWeights;
use super::transform::{NOISE, from_percent};

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
/// Share of left-out networks inside of the interval.
const INSIDE: f64 = 0.9;

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

    pub(super) fn rounded(mut self, round: impl Fn(f64) -> f64) -> Self {
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
