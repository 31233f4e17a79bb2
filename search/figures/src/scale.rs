//! Axis scales: mapping of values to drawing coordinates, and ticks.

/// Ratio of the largest to the smallest value above which an axis of positive values is logarithmic.
const LOG_FROM_RATIO: f64 = 8.0;
/// Ratio of the maximum number of labels of a logarithmic axis to that of a linear one.
const LOG_LABELS: f64 = 1.4;
/// Leading two digits of the labelled ticks of a logarithmic axis, from the densest set to the sparsest.
const LOG_STEPS: [&[u32]; 4] = [&[10, 15, 20, 30, 40, 50, 70], &[10, 20, 50], &[10, 30], &[10]];

/// Tick of an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// Value of the tick.
    pub(crate) value: f64,
    /// Label; minor ticks have none.
    pub(crate) label: Option<String>,
}

/// Scale of an axis: a mapping from a range of values to a range of drawing coordinates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
    /// True for a logarithmic scale, on which equal distances represent equal ratios.
    pub(crate) is_log: bool,
    /// Limits beyond which there are no ticks.
    limits: (f64, f64),
    /// True if ticks are at whole numbers only.
    is_whole: bool,
}

impl Scale {
    /// Creates a scale over positive finite values, logarithmic if they span more than a factor of 8.
    pub(crate) fn positive(values: &[f64], start: f64, end: f64) -> Self {
        let (low, high) = extent(values).unwrap_or((1.0, 5.0));
        if high / low > LOG_FROM_RATIO {
            return Self::logarithmic(values, start, end);
        }
        let (low, high) = if high - low <= high * 1e-6 {
            (low * 0.8, high * 1.2)
        } else {
            let pad = (high - low) * 0.06;
            ((low - pad).max(0.0), high + pad)
        };
        Self::new((low, high), (start, end))
    }

    /// Creates a logarithmic scale over positive finite values.
    pub(crate) fn logarithmic(values: &[f64], start: f64, end: f64) -> Self {
        let (low, high) = extent(values).unwrap_or((1.0, 10.0));
        let pad = (high / low).powf(0.05).max(1.02);
        Self {
            is_log: true,
            ..Self::new((low / pad, high * pad), (start, end))
        }
    }

    /// Creates a linear scale over finite values.
    pub(crate) fn linear(values: &[f64], start: f64, end: f64) -> Self {
        let (low, high) = extent(values).unwrap_or((0.0, 1.0));
        let pad = if high - low <= high.abs() * 1e-6 {
            high.abs().max(1.0) * 0.1
        } else {
            (high - low) * 0.04
        };
        Self::new((low - pad, high + pad), (start, end))
    }

    /// Creates a linear scale over finite values, with ticks at whole numbers only.
    pub(crate) fn whole(values: &[f64], start: f64, end: f64) -> Self {
        Self {
            is_whole: true,
            ..Self::linear(values, start, end)
        }
    }

    /// Creates a linear scale over finite values of a quantity with limits, beyond which there are no ticks.
    pub(crate) fn bounded(values: &[f64], limits: (f64, f64), start: f64, end: f64) -> Self {
        let (low, high) = extent(values).unwrap_or(limits);
        let span = high - low;
        // A very small span is widened on each side by 0.5 % of the range between the limits.
        let least = 0.005 * (limits.1 - limits.0);
        let pad = (span * 0.08).max(if span < least { least } else { 0.0 });
        let room = (limits.0.min(low), (limits.1 + span * 0.03).max(high));
        Self {
            limits,
            ..Self::new(((low - pad).max(room.0), (high + pad).min(room.1)), (start, end))
        }
    }

    fn new((low, high): (f64, f64), (start, end): (f64, f64)) -> Self {
        Self {
            low,
            high,
            start,
            end,
            is_log: false,
            limits: (f64::NEG_INFINITY, f64::INFINITY),
            is_whole: false,
        }
    }

    /// Values at both ends.
    pub(crate) fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Length in drawing units.
    pub(crate) fn length(&self) -> f64 {
        (self.end - self.start).abs()
    }

    /// Drawing coordinate of a value; values outside the range lie beyond the ends of the axis.
    pub(crate) fn position(&self, value: f64) -> f64 {
        let share = if self.is_log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.start + share * (self.end - self.start)
    }

    /// Drawing coordinate of a value, moved to the nearest end of the axis if it lies outside.
    pub(crate) fn clamped(&self, value: f64) -> f64 {
        let inside = value.max(self.low).min(self.high);
        self.position(inside)
    }

    /// Ticks from low to high, as dense as possible with a distance of `gap` between labels. A linear axis has at most `wanted`
    /// labels.
    ///
    /// `extent` returns the length of a label along the axis.
    pub(crate) fn ticks(&self, wanted: usize, gap: f64, extent: impl Fn(&str) -> f64) -> Vec<Tick> {
        let is_clear = |ticks: &[Tick]| {
            let labels: Vec<(f64, f64)> = ticks
                .iter()
                .filter_map(|tick| Some((self.position(tick.value), extent(tick.label.as_ref()?))))
                .collect();
            labels
                .windows(2)
                .all(|pair| (pair[1].0 - pair[0].0).abs() >= f64::midpoint(pair[0].1, pair[1].1) + gap)
        };
        let mut counts = (2..=wanted.max(2)).rev();
        let fitting = counts.find_map(|count| Some(self.ticks_for(count)).filter(|ticks| is_clear(ticks)));
        fitting.unwrap_or_else(|| self.ticks_for(2))
    }

    fn ticks_for(&self, wanted: usize) -> Vec<Tick> {
        if self.is_log {
            let most = (LOG_LABELS * wanted as f64) as usize;
            let count = |ticks: &[Tick]| ticks.iter().filter(|tick| tick.label.is_some()).count();
            let densest = LOG_STEPS
                .iter()
                .map(|steps| self.log_ticks(steps))
                .find(|ticks| count(ticks) <= most);
            // Within less than a decade, round numbers in equal steps are easier to read.
            return densest
                .filter(|ticks| count(ticks) >= 2)
                .unwrap_or_else(|| self.linear_ticks(wanted));
        }
        self.linear_ticks(wanted)
    }

    fn linear_ticks(&self, wanted: usize) -> Vec<Tick> {
        let raw = (self.high - self.low) / wanted as f64;
        let power = 10_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|nice| nice * power)
            .into_iter()
            .filter(|&step| !self.is_whole || is_whole(step))
            .find(|&step| step >= raw * 0.999);
        let smallest = if self.is_whole { 1.0 } else { 0.0 };
        let step = step.unwrap_or(power * 10.0).max(smallest);
        let decimals = (0..9).find(|&places| is_whole(step * 10_f64.powi(places))).unwrap_or(9) as usize;
        let first = (self.low.max(self.limits.0) / step).ceil() as i64;
        let last = (self.high.min(self.limits.1) / step).floor() as i64;
        (first..=last)
            .map(|index| {
                let value = index as f64 * step;
                Tick {
                    value,
                    label: Some(label(value, decimals)),
                }
            })
            .collect()
    }

    fn log_ticks(&self, labelled: &[u32]) -> Vec<Tick> {
        let mut ticks = Vec::new();
        for exponent in (self.low.log10().floor() as i32)..=(self.high.log10().floor() as i32) {
            for tenths in [10, 15, 20, 30, 40, 50, 60, 70, 80, 90] {
                let value = f64::from(tenths) * 10_f64.powi(exponent) / 10.0;
                let is_shown = labelled.contains(&tenths);
                if value < self.low || value > self.high || (tenths == 15 && !is_shown) {
                    continue;
                }
                let decimals = (-exponent + i32::from(tenths == 15)).max(0) as usize;
                ticks.push(Tick {
                    value,
                    label: is_shown.then(|| label(value, decimals)),
                });
            }
        }
        ticks
    }
}

/// Formats the number of a tick, with a typographic minus sign.
fn label(value: f64, decimals: usize) -> String {
    format!("{:.decimals$}", value + 0.0).replace('-', "\u{2212}")
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
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn labels(scale: &Scale) -> Vec<String> {
        let ticks = scale.ticks(8, 0.0, |_| 0.0);
        ticks.into_iter().filter_map(|tick| tick.label).collect()
    }

    fn percent(values: &[f64], start: f64, end: f64) -> Scale {
        Scale::bounded(values, (0.0, 100.0), start, end)
    }

    #[test]
    fn a_narrow_span_is_linear_and_a_wide_one_logarithmic() {
        assert!(!Scale::positive(&[5.0, 39.0], 0.0, 1.0).is_log);
        let wide = Scale::positive(&[1.0, 100.0], 0.0, 1000.0);
        assert!(wide.is_log);
        assert_eq!(labels(&wide), ["1", "2", "5", "10", "20", "50", "100"]);
        assert!((wide.position(10.0) - 500.0).abs() < 1e-9);
    }

    #[test]
    fn ticks_are_round_numbers_inside_the_range() {
        assert_eq!(
            labels(&percent(&[60.0, 75.0], 0.0, 1.0)),
            ["60.0", "62.5", "65.0", "67.5", "70.0", "72.5", "75.0"]
        );
        assert_eq!(
            labels(&percent(&[20.0, 100.0], 1.0, 0.0)).last().map(String::as_str),
            Some("100")
        );
        assert_eq!(
            labels(&Scale::positive(&[0.02, 0.1], 0.0, 1.0))
                .first()
                .map(String::as_str),
            Some("0.02")
        );
        assert_eq!(
            labels(&Scale::bounded(&[-1.0, 1.0], (-1.0, 1.0), 0.0, 1.0)),
            ["\u{2212}1.0", "\u{2212}0.5", "0.0", "0.5", "1.0"]
        );
    }

    #[test]
    fn whole_numbers_are_never_split() {
        assert_eq!(labels(&Scale::whole(&[1.0, 3.0], 0.0, 1.0)), ["1", "2", "3"]);
        assert_eq!(labels(&Scale::whole(&[1.0, 20.0], 0.0, 1.0)), ["5", "10", "15", "20"]);
        assert_eq!(labels(&Scale::whole(&[7.0], 0.0, 1.0)), ["7"]);
    }

    #[test]
    fn one_value_or_none_still_gives_an_axis() {
        for scale in [
            Scale::positive(&[], 0.0, 100.0),
            Scale::positive(&[7.0], 0.0, 100.0),
            Scale::positive(&[7.0, 7.0], 0.0, 100.0),
            Scale::logarithmic(&[], 0.0, 100.0),
            Scale::logarithmic(&[7.0], 0.0, 100.0),
            percent(&[], 0.0, 100.0),
            percent(&[50.0, 50.0], 0.0, 100.0),
            percent(&[0.0], 0.0, 100.0),
            percent(&[100.0], 0.0, 100.0),
        ] {
            assert!(labels(&scale).len() >= 2, "{scale:?}");
            assert!(scale.position(7.0).is_finite());
        }
    }

    #[test]
    fn six_decades_keep_few_labels() {
        let scale = Scale::positive(&[0.01, 10_000.0], 0.0, 1.0);
        assert_eq!(labels(&scale), ["0.01", "0.1", "1", "10", "100", "1000", "10000"]);
    }

    #[test]
    fn part_of_a_decade_has_ticks_in_equal_steps() {
        let scale = Scale::logarithmic(&[21.0, 28.0], 0.0, 1.0);
        assert_eq!(labels(&scale), ["21", "22", "23", "24", "25", "26", "27", "28"]);
    }

    proptest! {
        #[test]
        fn labels_keep_apart_and_ticks_lie_on_the_axis(
            values in vec(1e-3..1e5_f64, 1..20), kind in 0..4_u8, length in 300.0..3000.0_f64, wanted in 3..10_usize,
        ) {
            let scale = match kind {
                0 => Scale::positive(&values, 0.0, length),
                1 => Scale::logarithmic(&values, 0.0, length),
                2 => Scale::whole(&values, 0.0, length),
                _ => Scale::linear(&values, 0.0, length),
            };
            let width = |label: &str| 18.0 * label.len() as f64;
            let ticks = scale.ticks(wanted, 20.0, width);
            let mut end = f64::NEG_INFINITY;
            for tick in &ticks {
                let at = scale.position(tick.value);
                prop_assert!((-1e-6..=length + 1e-6).contains(&at));
                if let Some(label) = &tick.label {
                    let fewest = ticks.iter().filter(|tick| tick.label.is_some()).count() <= 3;
                    prop_assert!(at - width(label) / 2.0 >= end + 20.0 - 1e-6 || fewest);
                    end = at + width(label) / 2.0;
                }
            }
            for value in values {
                prop_assert!((-1e-6..=length + 1e-6).contains(&scale.position(value)));
            }
        }
    }
}
