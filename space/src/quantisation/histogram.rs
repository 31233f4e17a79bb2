//! Histogram of a tensor's values over calibration images, and the choice of a range from it.

use super::range::Range;

/// Bins on each side of 0.
const BINS: usize = 2048;
/// Exponent of the smallest limit. Values below `2^MIN_EXPONENT / BINS` are indistinguishable from 0.
const MIN_EXPONENT: i32 = -20;
/// Number of bounds tried on each side of 0 for [`Clipping::SquaredError`].
const CANDIDATES: usize = 100;
/// Number of steps between the least and the greatest 8-bit integer.
const STEPS: f64 = 255.0;

/// Rule for choosing the range of a tensor; values outside the range are clipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clipping {
    /// Range from the least to the greatest value: no value of the calibration images is clipped.
    Extremes,
    /// Range that clips at most this percentage of the values on each side: 0.01 keeps 99.99 % below the upper bound.
    Percent(f64),
    /// Range with the least mean squared error of the quantised values.
    SquaredError,
}

/// Histogram of the values of a tensor, independent of the order in which they are added.
///
/// Bins are equally wide and extend to the same limit on both sides of 0. The limit is a power of 2; when a value exceeds
/// it, the limit doubles and adjacent bins are merged.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Counts of negative and positive values by magnitude.
    sides: [Vec<u64>; 2],
    exponent: i32,
    zeros: u64,
    low: f32,
    high: f32,
    is_finite: bool,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            sides: [vec![0; BINS], vec![0; BINS]],
            exponent: MIN_EXPONENT,
            zeros: 0,
            low: 0.0,
            high: 0.0,
            is_finite: true,
        }
    }
}

impl Histogram {
    /// Histogram without values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds values.
    pub fn add(&mut self, values: &[f32]) {
        let (low, high) = values
            .iter()
            .fold((0f32, 0f32), |(low, high), &value| (low.min(value), high.max(value)));
        // `min` and `max` ignore NaN, and infinity has no bin.
        if !values.iter().all(|value| value.is_finite()) {
            self.is_finite = false;
            return;
        }
        self.low = self.low.min(low);
        self.high = self.high.max(high);
        while f64::from(high.max(-low)) >= limit(self.exponent) {
            self.double();
        }
        let bins_per_unit = (BINS as f64 / limit(self.exponent)) as f32;
        for &value in values {
            if value == 0.0 {
                self.zeros += 1;
            } else {
                // Exact, since the width of bins is a power of 2, and less than BINS because of the limit.
                let bin = (value.abs() * bins_per_unit) as usize;
                self.sides[usize::from(value > 0.0)][bin] += 1;
            }
        }
    }

    fn double(&mut self) {
        self.exponent += 1;
        for side in &mut self.sides {
            for bin in 0..BINS / 2 {
                side[bin] = side[2 * bin] + side[2 * bin + 1];
            }
            side[BINS / 2..].fill(0);
        }
    }

    /// Range chosen by a rule; `None` if a value was not finite.
    pub fn range(&self, clipping: Clipping) -> Option<Range> {
        let (low, high) = match clipping {
            Clipping::Extremes => (self.low, self.high),
            Clipping::Percent(percent) => self.clipped_share(percent / 100.0),
            Clipping::SquaredError => self.least_squared_error(),
        };
        if !self.is_finite {
            return None;
        }
        Range::new(low, high)
    }

    /// Bounds beyond each of which at most this share of all values lies.
    fn clipped_share(&self, share: f64) -> (f32, f32) {
        let total = self.zeros + self.sides.iter().flatten().sum::<u64>();
        let allowed = (share * total as f64) as u64;
        let width = limit(self.exponent) / BINS as f64;
        let [low, high] = [0, 1].map(|side| {
            let mut clipped = 0;
            let kept = self.sides[side].iter().rposition(|count| {
                clipped += count;
                clipped > allowed
            });
            kept.map_or(0.0, |bin| (width * (bin + 1) as f64) as f32)
        });
        ((-low).max(self.low), high.min(self.high))
    }

    /// Bounds with the least sum of squared errors. The error of a value within the range is the rounding error, uniform
    /// within a step; that of a value outside is its distance to the bound. A value of exactly 0 has no error.
    fn least_squared_error(&self) -> (f32, f32) {
        let extremes = [-f64::from(self.low), f64::from(self.high)];
        let tails = [0, 1].map(|side| self.tails(side, extremes[side]));
        let mut best = (f64::INFINITY, 0.0, 0.0);
        for low in &tails[0] {
            for high in &tails[1] {
                let step = (low.bound + high.bound) / STEPS;
                let error = low.error + high.error + step * step / 12.0 * (low.inside + high.inside);
                if error < best.0 {
                    best = (error, low.bound, high.bound);
                }
            }
        }
        (-best.1 as f32, best.2 as f32)
    }

    /// Candidate bounds on one side of 0, from the extreme value down to a fraction of it.
    fn tails(&self, side: usize, extreme: f64) -> Vec<Tail> {
        let candidates = if extreme == 0.0 { 1 } else { CANDIDATES };
        let width = limit(self.exponent) / BINS as f64;
        let bounds = (1..=candidates).rev().map(|n| extreme * n as f64 / candidates as f64);
        bounds
            .map(|bound| {
                let mut tail = Tail {
                    bound,
                    error: 0.0,
                    inside: 0.0,
                };
                for (bin, &count) in self.sides[side].iter().enumerate() {
                    let (count, beyond) = (count as f64, width * (bin as f64 + 0.5) - bound);
                    if beyond > 0.0 {
                        tail.error += count * beyond * beyond;
                    } else {
                        tail.inside += count;
                    }
                }
                tail
            })
            .collect()
    }
}

/// Bound on one side of 0, with the squared error of the values beyond it and the number of values within.
struct Tail {
    bound: f64,
    error: f64,
    inside: f64,
}

fn limit(exponent: i32) -> f64 {
    f64::from(exponent).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[f32]) -> Histogram {
        let mut histogram = Histogram::new();
        histogram.add(values);
        histogram
    }

    fn bounds(histogram: &Histogram, clipping: Clipping) -> (f32, f32) {
        let range = histogram.range(clipping).unwrap();
        (range.low(), range.high())
    }

    /// Sum of squared errors of 8-bit values, computed from the definition of quantisation.
    fn squared_error(values: &[f32], (low, high): (f32, f32)) -> f64 {
        let step = f64::from(high - low) / STEPS;
        let zero = (f64::from(low) / step).round();
        let error = |&value: &f32| {
            let quantised = (f64::from(value) / step).round().clamp(zero, zero + STEPS);
            (f64::from(value) - quantised * step).powi(2)
        };
        values.iter().map(error).sum()
    }

    #[test]
    fn extremes_are_exact() {
        let values = [0.3, -0.1, 7.25, 0.0];
        assert_eq!(bounds(&histogram(&values), Clipping::Extremes), (-0.1, 7.25));
        assert_eq!(bounds(&histogram(&[2.0, 3.0]), Clipping::Extremes), (0.0, 3.0));
        assert_eq!(bounds(&histogram(&[]), Clipping::SquaredError), (0.0, 0.0));
    }

    #[test]
    fn the_order_of_values_does_not_matter() {
        let values: Vec<f32> = (0..1000)
            .map(|n| (n as f32 * 0.37).sin() * (n as f32 * 0.01).exp())
            .collect();
        let mut parts = Histogram::new();
        for value in values.iter().rev() {
            parts.add(&[*value]);
        }
        assert_eq!(parts, histogram(&values));
    }

    #[test]
    fn a_percentage_of_the_values_is_clipped() {
        let values: Vec<f32> = (0..10_000).map(|n| n as f32 / 1000.0).collect();
        let (low, high) = bounds(&histogram(&values), Clipping::Percent(1.0));
        assert!(low == 0.0 && (high - 9.9).abs() < 0.02, "{low} {high}");
        assert_eq!(bounds(&histogram(&values), Clipping::Percent(0.0)), (0.0, 9.999));
    }

    #[test]
    fn a_range_by_squared_error_is_better_than_the_extremes() {
        // Approximately normal, with one outlier.
        let wave = |n: usize, step: f32| (n as f32 * step).sin();
        let mut values: Vec<f32> = (0..200_000)
            .map(|n| wave(n, 0.7) + wave(n, 1.3) + wave(n, 2.9))
            .collect();
        values.push(40.0);
        let histogram = histogram(&values);
        let [least, extremes] =
            [Clipping::SquaredError, Clipping::Extremes].map(|rule| squared_error(&values, bounds(&histogram, rule)));
        assert!(least < 0.9 * extremes, "{least} {extremes}");
    }

    #[test]
    fn zeros_do_not_narrow_a_range() {
        let values: Vec<f32> = (0..1000).map(|n| n as f32 / 1000.0).collect();
        let many_zeros: Vec<f32> = values.iter().copied().chain(vec![0.0; 9000]).collect();
        let [range, with_zeros] =
            [values, many_zeros].map(|values| bounds(&histogram(&values), Clipping::SquaredError));
        assert_eq!(range, with_zeros);
    }

    #[test]
    fn values_that_are_not_numbers_have_no_range() {
        assert_eq!(histogram(&[1.0, f32::NAN]).range(Clipping::Extremes), None);
        assert_eq!(histogram(&[f32::INFINITY]).range(Clipping::SquaredError), None);
    }
}
