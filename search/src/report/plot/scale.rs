//! Axis scales: from a value to a drawing coordinate, and the ticks between.

/// A span wider than this ratio is drawn on a logarithmic latency axis.
const LOG_FROM_RATIO: f64 = 8.0;

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// Value at which it stands.
    pub(super) value: f64,
    /// Its label; minor ticks have none.
    pub(super) label: Option<String>,
}

/// One axis: a range of values laid over a range of drawing coordinates.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
    /// Whether equal distances are equal ratios.
    pub(super) log: bool,
    /// No tick above this (accuracy ends at 100 %).
    highest_tick: f64,
}

impl Scale {
    /// A latency axis over positive finite values in milliseconds, logarithmic when they span more than 8x.
    pub(super) fn latency(values: &[f64], start: f64, end: f64) -> Self {
        let (low, high) = extent(values).unwrap_or((1.0, 10.0));
        let log = high / low > LOG_FROM_RATIO;
        let (low, high) = if log {
            let pad = (high / low).powf(0.05);
            (low / pad, high * pad)
        } else if high - low <= high * 1e-6 {
            (low * 0.8, high * 1.2)
        } else {
            let pad = (high - low) * 0.06;
            ((low - pad).max(0.0), high + pad)
        };
        Self {
            low,
            high,
            start,
            end,
            log,
            highest_tick: f64::INFINITY,
        }
    }

    /// An axis over finite values of any kind.
    pub(super) fn linear(values: &[f64], start: f64, end: f64) -> Self {
        let (low, high) = extent(values).unwrap_or((0.0, 1.0));
        let pad = if high - low <= high.abs() * 1e-6 {
            high.abs().max(1.0) * 0.1
        } else {
            (high - low) * 0.04
        };
        Self {
            low: low - pad,
            high: high + pad,
            start,
            end,
            log: false,
            highest_tick: f64::INFINITY,
        }
    }

    /// An accuracy axis over finite values in percent; never shows ticks outside 0 to 100.
    pub(super) fn accuracy(values: &[f64], start: f64, end: f64) -> Self {
        let (low, high) = extent(values).unwrap_or((0.0, 100.0));
        let pad = ((high - low) * 0.08).max(if high - low < 0.5 { 0.5 } else { 0.0 });
        let low = if low >= 0.0 { (low - pad).max(0.0) } else { low - pad };
        let room = (high + pad).min((100.0 + (high - low) * 0.03).max(high));
        Self {
            low,
            high: room,
            start,
            end,
            log: false,
            highest_tick: 100.0,
        }
    }

    /// The values at both ends.
    pub(super) fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Drawing coordinate of a value; values outside the range land outside the axis.
    pub(super) fn position(&self, value: f64) -> f64 {
        let share = if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.start + share * (self.end - self.start)
    }

    /// Ticks from low to high; about `wanted` of them carry labels on a linear axis.
    pub(super) fn ticks(&self, wanted: usize) -> Vec<Tick> {
        if self.log {
            self.log_ticks()
        } else {
            self.linear_ticks(wanted)
        }
    }

    fn linear_ticks(&self, wanted: usize) -> Vec<Tick> {
        let raw = (self.high - self.low) / wanted as f64;
        let power = 10_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|nice| nice * power)
            .into_iter()
            .find(|&step| step >= raw * 0.999);
        let step = step.unwrap_or(power * 10.0);
        let decimals = (0..9).find(|&places| is_whole(step * 10_f64.powi(places))).unwrap_or(9) as usize;
        let first = (self.low / step).ceil() as i64;
        let last = (self.high.min(self.highest_tick) / step).floor() as i64;
        (first..=last)
            .map(|index| {
                let value = index as f64 * step;
                Tick {
                    value,
                    label: Some(format!("{value:.decimals$}")),
                }
            })
            .collect()
    }

    fn log_ticks(&self) -> Vec<Tick> {
        let decades = (self.high / self.low).log10();
        let labelled: &[u32] = if decades < 1.35 {
            &[10, 15, 20, 30, 40, 50, 70]
        } else if decades < 2.6 {
            &[10, 20, 50]
        } else if decades < 4.5 {
            &[10, 30]
        } else {
            &[10]
        };
        let mut ticks = Vec::new();
        for exponent in (self.low.log10().floor() as i32)..=(self.high.log10().floor() as i32) {
            for tenths in [10, 15, 20, 30, 40, 50, 60, 70, 80, 90] {
                let value = f64::from(tenths) * 10_f64.powi(exponent) / 10.0;
                let shown = labelled.contains(&tenths);
                if value < self.low || value > self.high || (tenths == 15 && !shown) {
                    continue;
                }
                let decimals = (-exponent + i32::from(tenths == 15)).max(0) as usize;
                ticks.push(Tick {
                    value,
                    label: shown.then(|| format!("{value:.decimals$}")),
                });
            }
        }
        ticks
    }
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6
}

fn extent(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<String> {
        scale.ticks(8).into_iter().filter_map(|tick| tick.label).collect()
    }

    #[test]
    fn a_narrow_span_is_linear_and_a_wide_one_logarithmic() {
        assert!(!Scale::latency(&[5.0, 39.0], 0.0, 1.0).log);
        let wide = Scale::latency(&[1.0, 100.0], 0.0, 1000.0);
        assert!(wide.log);
        assert_eq!(labels(&wide), ["1", "2", "5", "10", "20", "50", "100"]);
        assert!((wide.position(10.0) - 500.0).abs() < 1e-9);
    }

    #[test]
    fn ticks_are_round_numbers_inside_the_range() {
        assert_eq!(
            labels(&Scale::accuracy(&[60.0, 75.0], 0.0, 1.0)),
            ["60.0", "62.5", "65.0", "67.5", "70.0", "72.5", "75.0"]
        );
        assert_eq!(
            labels(&Scale::accuracy(&[20.0, 100.0], 1.0, 0.0))
                .last()
                .map(String::as_str),
            Some("100")
        );
        assert_eq!(
            labels(&Scale::latency(&[0.02, 0.1], 0.0, 1.0))
                .first()
                .map(String::as_str),
            Some("0.02")
        );
    }

    #[test]
    fn one_value_or_none_still_gives_an_axis() {
        for scale in [
            Scale::latency(&[], 0.0, 100.0),
            Scale::latency(&[7.0], 0.0, 100.0),
            Scale::latency(&[7.0, 7.0], 0.0, 100.0),
            Scale::accuracy(&[], 0.0, 100.0),
            Scale::accuracy(&[50.0, 50.0], 0.0, 100.0),
            Scale::accuracy(&[0.0], 0.0, 100.0),
            Scale::accuracy(&[100.0], 0.0, 100.0),
        ] {
            assert!(scale.ticks(8).len() >= 2, "{scale:?}");
            assert!(scale.position(7.0).is_finite());
        }
    }

    #[test]
    fn six_decades_keep_few_labels() {
        let scale = Scale::latency(&[0.01, 10_000.0], 0.0, 1.0);
        assert_eq!(labels(&scale), ["0.01", "0.1", "1", "10", "100", "1000", "10000"]);
    }
}
