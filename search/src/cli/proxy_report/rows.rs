//! Rows of the report: every signal, mean of signals and predictor with its rank correlations and its cost.

use std::time::Instant;

use mnas_engine::ranking::{Agreement, Estimate, KnownNetwork, Labelled, Score, Signal, Standard, held_out};
use mnas_engine::regression::{Encoder, Sample};
use mnas_space::{Genotype, SearchSpace};
use serde::Serialize;

use super::measure::Values;

/// Numbers of true labels that predictors are given.
const LABELS: [usize; 2] = [20, 50];

/// Kind of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// Follows from the architecture alone.
    Free,
    /// Measured in forward passes of networks with random weights.
    Signal,
    /// Gaussian process given true labels.
    Predictor,
}

/// A way to rank candidates, a row of the table, the CSV file and the JSON document.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub name: String,
    pub kind: RowKind,
    /// True labels that it is given; correlations are those on the other networks.
    pub labels: usize,
    pub tau: Option<f64>,
    pub tau_low: Option<f64>,
    pub tau_high: Option<f64>,
    pub tau_better_half: Option<f64>,
    pub tau_better_half_low: Option<f64>,
    pub tau_better_half_high: Option<f64>,
    pub tau_top_tenth: Option<f64>,
    pub tau_top_tenth_low: Option<f64>,
    pub tau_top_tenth_high: Option<f64>,
    pub rho: Option<f64>,
    pub rho_better_half: Option<f64>,
    pub rho_top_tenth: Option<f64>,
    /// Processor time for all networks, in minutes; labels included where their cost is known.
    pub cpu_minutes: f64,
    /// True if the cost of its labels is unknown and not in `cpu_minutes`.
    pub label_cost_is_unknown: bool,
}

impl Row {
    fn new(name: String, kind: RowKind, agreement: &Agreement, cpu_seconds: f64) -> Self {
        let low = |estimate: Estimate| estimate.interval.map(|(low, _)| low);
        let high = |estimate: Estimate| estimate.interval.map(|(_, high)| high);
        let Agreement {
            tau,
            tau_better_half,
            tau_top_tenth,
            rho,
            rho_better_half,
            rho_top_tenth,
        } = *agreement;
        Self {
            name,
            kind,
            labels: 0,
            tau: tau.value,
            tau_low: low(tau),
            tau_high: high(tau),
            tau_better_half: tau_better_half.value,
            tau_better_half_low: low(tau_better_half),
            tau_better_half_high: high(tau_better_half),
            tau_top_tenth: tau_top_tenth.value,
            tau_top_tenth_low: low(tau_top_tenth),
            tau_top_tenth_high: high(tau_top_tenth),
            rho: rho.value,
            rho_better_half: rho_better_half.value,
            rho_top_tenth: rho_top_tenth.value,
            cpu_minutes: cpu_seconds / 60.0,
            label_cost_is_unknown: false,
        }
    }
}

/// Networks with the inputs of all rows.
pub struct Networks<'a> {
    pub space: &'a SearchSpace,
    pub known: &'a [(Genotype, KnownNetwork)],
    /// Signals of forward passes, in the order of the networks.
    pub measured: &'a [Values],
    pub seed: u64,
    /// Processor time of a label in seconds, where it is known.
    pub label_cpu_seconds: Option<f64>,
}

/// Values of a signal for all networks.
struct Column {
    signal: Signal,
    values: Vec<f64>,
    cpu_seconds: f64,
}

impl Networks<'_> {
    /// Rows of these scores, then of the predictors. A score is left out where one of its signals has no value for a network;
    /// its signals are returned with their number of networks without a value.
    pub fn rows(&self, scores: &[Score]) -> (Vec<Row>, Vec<(Signal, usize)>) {
        let mut columns: Vec<Column> = Vec::new();
        let mut undefined = Vec::new();
        let signals = scores.iter().flat_map(Score::signals).copied();
        for signal in signals {
            let is_known = columns.iter().any(|column| column.signal == signal);
            if is_known || undefined.iter().any(|(one, _)| *one == signal) {
                continue;
            }
            match self.column(signal) {
                Ok(column) => columns.push(column),
                Err(missing) => undefined.push((signal, missing)),
            }
        }
        let mut rows: Vec<Row> = scores
            .iter()
            .filter_map(|score| self.score_row(score, &columns))
            .collect();
        rows.extend(self.predictor_rows(&columns));
        (rows, undefined)
    }

    /// The values of a signal, or the number of networks that lack one.
    fn column(&self, signal: Signal) -> Result<Column, usize> {
        let started = Instant::now();
        let (values, cpu_seconds): (Vec<Option<f64>>, f64) = if signal.is_free() {
            let values = self.known.iter();
            let values = values
                .map(|(_, known)| signal.of_architecture(&known.architecture))
                .collect();
            (values, started.elapsed().as_secs_f64())
        } else {
            let measured = || self.measured.iter().map(|values| values.get(&signal));
            let seconds = measured().flatten().map(|measured| measured.cpu_seconds).sum();
            (measured().map(|measured| measured?.value).collect(), seconds)
        };
        let missing = values.iter().filter(|value| value.is_none()).count();
        if missing > 0 {
            return Err(missing);
        }
        Ok(Column {
            signal,
            values: values.into_iter().flatten().collect(),
            cpu_seconds,
        })
    }

    /// The mean of standardised signals, and its agreement.
    fn score_row(&self, score: &Score, columns: &[Column]) -> Option<Row> {
        let find = |signal: &Signal| columns.iter().find(|column| column.signal == *signal);
        let parts: Vec<&Column> = score.signals().iter().map(find).collect::<Option<_>>()?;
        let mut sums = vec![0.0; self.known.len()];
        for part in &parts {
            let standard = Standard::of(part.signal, &part.values);
            for (sum, &value) in sums.iter_mut().zip(&part.values) {
                *sum += standard.standardise(value);
            }
        }
        let pairs = sums.into_iter().zip(self.known.iter().map(|(_, known)| known.accuracy));
        let agreement = Agreement::of(&[pairs.collect()], self.seed);
        let is_free = score.signals().iter().all(|signal| signal.is_free());
        let kind = if is_free { RowKind::Free } else { RowKind::Signal };
        let cpu_seconds = parts.iter().map(|part| part.cpu_seconds).sum();
        Some(Row::new(score.to_string(), kind, &agreement, cpu_seconds))
    }

    /// Gaussian processes over the choices of the space, alone and with linear terms in all signals.
    fn predictor_rows(&self, columns: &[Column]) -> Vec<Row> {
        let encoder = Encoder::new(self.space);
        let mut rows = Vec::new();
        for (name, columns) in [("gp", &[][..]), ("gp-signals", columns)] {
            let labelled = |(at, (genotype, known)): (usize, &(Genotype, KnownNetwork))| Labelled {
                sample: Sample {
                    encoding: encoder.encode(genotype),
                    columns: columns.iter().map(|column| column.values[at]).collect(),
                },
                accuracy: known.accuracy,
            };
            let labelled: Vec<Labelled> = self.known.iter().enumerate().map(labelled).collect();
            let signals: f64 = columns.iter().map(|column| column.cpu_seconds).sum();
            for labels in LABELS {
                let started = Instant::now();
                let sets = held_out(&encoder, &labelled, labels, self.seed);
                if sets.is_empty() {
                    continue;
                }
                let fit = started.elapsed().as_secs_f64() / sets.len() as f64;
                let labels_seconds = self.label_cpu_seconds.unwrap_or(0.0) * labels as f64;
                let agreement = Agreement::of(&sets, self.seed);
                let seconds = signals + fit + labels_seconds;
                rows.push(Row {
                    labels,
                    label_cost_is_unknown: self.label_cpu_seconds.is_none(),
                    ..Row::new(format!("{name}-{labels}"), RowKind::Predictor, &agreement, seconds)
                });
            }
        }
        rows
    }
}

/// The row with the greatest tau among those that rank all networks within `cpu_minutes`. Predictors count where the cost of
/// their labels is known.
pub fn best_within(rows: &[Row], cpu_minutes: f64) -> Option<&Row> {
    let affordable = rows
        .iter()
        .filter(|row| !row.label_cost_is_unknown && row.cpu_minutes <= cpu_minutes);
    greatest(affordable)
}

/// The predictor with the greatest tau among those with this number of labels.
pub fn best_predictor(rows: &[Row], labels: usize) -> Option<&Row> {
    greatest(
        rows.iter()
            .filter(|row| row.kind == RowKind::Predictor && row.labels == labels),
    )
}

/// Numbers of labels of the predictors among rows.
pub fn label_counts() -> impl Iterator<Item = usize> {
    LABELS.into_iter()
}

fn greatest<'a>(rows: impl Iterator<Item = &'a Row>) -> Option<&'a Row> {
    let ranked = rows.filter_map(|row| Some((row, row.tau?)));
    let best = ranked
        .max_by(|(one, tau), (other, value)| tau.total_cmp(value).then(other.cpu_minutes.total_cmp(&one.cpu_minutes)));
    best.map(|(row, _)| row)
}

#[cfg(test)]
pub(super) mod testing;

#[cfg(test)]
mod tests {
    use super::testing::row;
    use super::*;

    #[test]
    fn the_best_is_affordable_and_needs_no_labels_of_unknown_cost() {
        let rows = [
            row("free", Some(0.5), 0.0, 0),
            row("cheap", Some(0.6), 1.0, 0),
            row("dear", Some(0.8), 5.0, 0),
            row("undefined", None, 0.0, 0),
            row("gp-20", Some(0.9), 0.1, 20),
        ];
        let name = |minutes: f64| best_within(&rows, minutes).map(|row| row.name.as_str());
        assert_eq!(name(0.5), Some("free"));
        assert_eq!(name(2.0), Some("cheap"));
        assert_eq!(name(10.0), Some("dear"));
        assert_eq!(best_predictor(&rows, 20).map(|row| row.name.as_str()), Some("gp-20"));
        assert!(best_predictor(&rows, 50).is_none());
    }
}
