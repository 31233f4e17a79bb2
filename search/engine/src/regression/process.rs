//! A Gaussian process over the networks of a space.

use nalgebra::{Cholesky, DMatrix, DVector};

use super::fit::{PRIOR_OBSERVATIONS, Problem};
use super::{Covariance, Encoder, Encoding, Hyperparameters};

/// A network as input of the regression.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its decisions.
    pub encoding: Encoding,
    /// Its values in the named columns of the regression, such as the logarithm of its multiply-adds.
    pub columns: Vec<f64>,
}

/// Normal distribution of an unknown value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Belief {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the value, without the noise of an observation.
    pub deviation: f64,
    /// Standard deviation of an observation of the value, noise included.
    pub observed_deviation: f64,
}

/// Shift and scale that make a set of values have mean 0 and standard deviation 1.
#[derive(Debug, Clone, Copy)]
struct Standard {
    mean: f64,
    deviation: f64,
}

impl Standard {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count().max(1) as f64;
        let mean = values.clone().sum::<f64>() / count;
        let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let deviation = variance.sqrt();
        Self {
            mean,
            // Values that are all equal, up to rounding, are only shifted.
            deviation: if deviation > 1e-9 * (1.0 + mean.abs()) {
                deviation
            } else {
                1.0
            },
        }
    }

    fn apply(self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }
}

/// A Gaussian process (Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, chapters 2 and 5) with a
/// [`Covariance`] over the decisions of a space, given observations.
#[derive(Debug, Clone)]
pub struct GaussianProcess {
    parameters: Hyperparameters,
    covariance: Covariance,
    networks: Vec<Sample>,
    /// Standardised.
    targets: Vec<f64>,
    columns: Vec<Standard>,
    target: Standard,
    /// Inverse of the lower Cholesky factor.
    inverse: DMatrix<f64>,
    weights: DVector<f64>,
    variance: f64,
}

/// Networks predicted at a time: bounds the memory of a prediction.
const CHUNK: usize = 256;

impl GaussianProcess {
    /// Hyper-parameters of the greatest posterior density found in `steps` steps, from the centre of their priors or from
    /// earlier ones.
    ///
    /// A step takes some `n³` multiply-adds for `n` observations: under a millisecond for 100.
    pub fn tune(
        encoder: &Encoder,
        samples: &[(&Sample, f64)],
        start: Option<&Hyperparameters>,
        steps: usize,
    ) -> Hyperparameters {
        let (columns, target) = standards(samples);
        let rows: Vec<Vec<f64>> = samples
            .iter()
            .map(|(sample, _)| standardised(&columns, sample))
            .collect();
        let networks: Vec<(&Encoding, &[f64])> = samples
            .iter()
            .zip(&rows)
            .map(|((sample, _), row)| (&sample.encoding, row.as_slice()))
            .collect();
        let targets = DVector::from_iterator(samples.len(), samples.iter().map(|(_, value)| target.apply(*value)));
        Problem::new(encoder, &networks, targets).maximise(start, steps)
    }

    /// The process given observations; `None` without any, or where rounding leaves no positive definite covariance.
    pub fn condition(encoder: &Encoder, parameters: Hyperparameters, samples: &[(&Sample, f64)]) -> Option<Self> {
        let (columns, target) = standards(samples);
        let network = |(sample, _): &(&Sample, f64)| Sample {
            encoding: sample.encoding.clone(),
            columns: standardised(&columns, sample),
        };
        let networks: Vec<Sample> = samples.iter().map(network).collect();
        if networks.is_empty() {
            return None;
        }
        let covariance = Covariance::new(encoder, &parameters);
        let mut process = Self {
            parameters,
            covariance,
            networks,
            targets: samples.iter().map(|(_, value)| target.apply(*value)).collect(),
            columns,
            target,
            inverse: DMatrix::zeros(0, 0),
            weights: DVector::zeros(0),
            variance: 1.0,
        };
        process.factorise()?;
        Some(process)
    }

    fn factorise(&mut self) -> Option<()> {
        let count = self.networks.len();
        let between = |row: usize, column: usize| {
            let noise = if row == column { self.parameters.noise } else { 0.0 };
            self.covariance
                .between(pair(&self.networks[row]), pair(&self.networks[column]))
                + noise
        };
        let mut matrix = DMatrix::zeros(count, count);
        for row in 0..count {
            for column in 0..=row {
                matrix[(row, column)] = between(row, column);
            }
        }
        let lower = Cholesky::new(matrix)?.unpack();
        self.inverse = lower.solve_lower_triangular(&DMatrix::identity(count, count))?;
        let whitened = &self.inverse * DVector::from_column_slice(&self.targets);
        self.variance = (whitened.norm_squared() + PRIOR_OBSERVATIONS) / (count as f64 + PRIOR_OBSERVATIONS);
        self.weights = self.inverse.tr_mul(&whitened);
        Some(())
    }

    /// The same process, given that these networks have the values that it expects of them (the "kriging believer" of
    /// Ginsbourger et al., 2010): means stay and uncertainty around them shrinks.
    #[must_use]
    pub fn believing(mut self, networks: &[&Sample]) -> Self {
        if networks.is_empty() {
            return self;
        }
        let beliefs = self.predict(networks);
        let before = self.clone();
        for (network, belief) in networks.iter().zip(beliefs) {
            self.networks.push(Sample {
                encoding: network.encoding.clone(),
                columns: standardised(&self.columns, network),
            });
            self.targets.push(self.target.apply(belief.mean));
        }
        let variance = self.variance;
        if self.factorise().is_none() {
            return before;
        }
        // Expected values carry no information about the variance.
        self.variance = variance;
        self
    }

    /// Predicts the values of networks, in their order.
    pub fn predict(&self, networks: &[&Sample]) -> Vec<Belief> {
        let mut beliefs = Vec::with_capacity(networks.len());
        for chunk in networks.chunks(CHUNK) {
            let rows: Vec<Vec<f64>> = chunk
                .iter()
                .map(|network| standardised(&self.columns, network))
                .collect();
            let mut shared = DMatrix::zeros(self.networks.len(), chunk.len());
            for (at, (network, row)) in chunk.iter().zip(&rows).enumerate() {
                for (observed, value) in self.networks.iter().zip(shared.column_mut(at).iter_mut()) {
                    *value = self.covariance.between((&network.encoding, row), pair(observed));
                }
            }
            let means = shared.tr_mul(&self.weights);
            let whitened = &self.inverse * &shared;
            for (at, row) in rows.iter().enumerate() {
                let explained = whitened.column(at).norm_squared();
                let variance = self.variance * (self.covariance.variance(row) - explained).max(0.0);
                let observed = variance + self.variance * self.parameters.noise;
                beliefs.push(Belief {
                    mean: self.target.mean + self.target.deviation * means[at],
                    deviation: self.target.deviation * variance.sqrt(),
                    observed_deviation: self.target.deviation * observed.sqrt(),
                });
            }
        }
        beliefs
    }

    /// Its hyper-parameters.
    pub fn parameters(&self) -> &Hyperparameters {
        &self.parameters
    }
}

fn pair(sample: &Sample) -> (&Encoding, &[f64]) {
    (&sample.encoding, &sample.columns)
}

fn standards(samples: &[(&Sample, f64)]) -> (Vec<Standard>, Standard) {
    let width = samples.first().map_or(0, |(sample, _)| sample.columns.len());
    let column = |at: usize| Standard::of(samples.iter().map(move |(sample, _)| sample.columns[at]));
    let target = Standard::of(samples.iter().map(|(_, value)| *value));
    ((0..width).map(column).collect(), target)
}

fn standardised(columns: &[Standard], sample: &Sample) -> Vec<f64> {
    columns
        .iter()
        .zip(&sample.columns)
        .map(|(column, value)| column.apply(*value))
        .collect()
}
