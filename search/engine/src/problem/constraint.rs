//! Hard constraints.

use std::fmt;

use mnas_space::Architecture;

use super::{Costs, Metric};

/// A hard constraint: a network whose metric is above the bound is never evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constraint {
    /// The bounded quantity; never [`Metric::Accuracy`].
    pub metric: Metric,
    /// The largest value that is accepted, in the metric's unit.
    pub at_most: f64,
}

/// Reason why a network may not be evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Violation {
    /// The limits of the search space itself.
    Space,
    /// A constraint of the problem.
    Constraint {
        /// The constraint.
        constraint: Constraint,
        /// The network's value.
        value: f64,
    },
}

/// A constraint that no network of the space keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Infeasible {
    /// The constraint.
    pub constraint: Constraint,
    /// The least value in the space.
    pub least: f64,
    /// The network that has it.
    pub architecture: Architecture,
}

/// The first of some constraints that these costs break.
pub fn violation(constraints: &[Constraint], costs: &Costs) -> Option<Violation> {
    constraints.iter().find_map(|constraint| {
        let value = costs.value(constraint.metric)?;
        (value > constraint.at_most).then_some(Violation::Constraint {
            constraint: *constraint,
            value,
        })
    })
}

impl Constraint {
    /// The bound with its unit, such as `20 ms` or `4.00 M`.
    pub fn bound(&self) -> impl fmt::Display {
        Quantity(self.metric, self.at_most)
    }
}

/// A value of a metric with its unit, such as `20 ms` or `4.00 M`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity(pub Metric, pub f64);

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(metric, value) = *self;
        match metric {
            Metric::Accuracy => write!(f, "{value:.2} %"),
            Metric::Latency(_) => write!(f, "{} ms", rounded(value)),
            Metric::Macs | Metric::Params => scaled(f, value, 1e3, ["", " k", " M", " G"]),
            Metric::PeakActivationBytes | Metric::FileBytes => scaled(f, value, 1024.0, [" B", " KiB", " MiB", " GiB"]),
        }
    }
}

/// Four significant digits, without zeros at the end.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

fn scaled(f: &mut fmt::Formatter<'_>, value: f64, step: f64, units: [&str; 4]) -> fmt::Result {
    let mut unit = 0;
    let mut shown = value;
    while shown >= step && unit + 1 < units.len() {
        shown /= step;
        unit += 1;
    }
    if unit == 0 {
        write!(f, "{shown}{}", units[0])
    } else {
        write!(f, "{}{}", rounded(shown), units[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_units() {
        for (metric, value, text) in [
            (Metric::Latency(0), 20.0, "20 ms"),
            (Metric::Latency(0), 0.123_456, "0.1235 ms"),
            (Metric::Params, 999.0, "999"),
            (Metric::Params, 3_504_872.0, "3.505 M"),
            (Metric::Macs, 1_500.0, "1.5 k"),
            (Metric::FileBytes, 1_048_576.0, "1 MiB"),
            (Metric::PeakActivationBytes, 512.0, "512 B"),
            (Metric::Accuracy, 71.878, "71.88 %"),
        ] {
            assert_eq!(Quantity(metric, value).to_string(), text);
        }
    }
}
