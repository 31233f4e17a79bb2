//! Rows for tests.

use mnas_engine::ranking::Agreement;

use super::{Row, RowKind};

/// A row with the cost of its labels unknown, where it has any.
pub fn row(name: &str, tau: Option<f64>, cpu_minutes: f64, labels: usize) -> Row {
    let kind = match (labels, cpu_minutes > 0.0) {
        (0, false) => RowKind::Free,
        (0, true) => RowKind::Signal,
        _ => RowKind::Predictor,
    };
    Row {
        tau,
        labels,
        label_cost_is_unknown: labels > 0,
        ..Row::new(name.to_owned(), kind, &Agreement::default(), 60.0 * cpu_minutes)
    }
}
