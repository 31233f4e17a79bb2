//! The table of the report and its closing lines.

use std::fmt::Write as _;
use std::time::Duration;

use super::rows::{Row, RowKind, best_predictor, label_counts};
use crate::report::{Heading, listing, units};

const HEADINGS: [Heading; 9] = [
    Heading::text("ranked by"),
    Heading::number("tau"),
    Heading::number("95 %").expendable(1),
    Heading::number("better half"),
    Heading::number("95 %").expendable(2),
    Heading::number("top tenth"),
    Heading::number("rho").expendable(3),
    Heading::number("rho better half").expendable(4),
    Heading::number("CPU time"),
];

/// The table of all rows.
pub fn table(rows: &[Row], width: Option<u16>) -> String {
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    listing(&HEADINGS, &cells, width)
}

fn cells(row: &Row) -> Vec<String> {
    let cost = units::seconds(60.0 * row.cpu_minutes);
    let cost = match (row.kind, row.label_cost_is_unknown) {
        (RowKind::Free, _) => "none".to_owned(),
        (_, true) => format!("{cost} + {} labels", row.labels),
        _ => cost,
    };
    vec![
        row.name.clone(),
        correlation(row.tau),
        interval(row.tau_low, row.tau_high),
        correlation(row.tau_better_half),
        interval(row.tau_better_half_low, row.tau_better_half_high),
        correlation(row.tau_top_tenth),
        correlation(row.rho),
        correlation(row.rho_better_half),
        cost,
    ]
}

fn correlation(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}

fn interval(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{low:.2} to {high:.2}"),
        _ => "–".to_owned(),
    }
}

/// The evaluator to use, and the gain that labels would give.
pub fn advice(rows: &[Row], best: Option<&Row>, time: Duration, workers: usize) -> String {
    let mut text = match best {
        Some(best) => format!(
            "within {} on {workers} worker{}: {}, tau {} over all and {} over the better half",
            humantime::format_duration(time),
            if workers == 1 { "" } else { "s" },
            usage(best),
            correlation(best.tau),
            correlation(best.tau_better_half),
        ),
        None => "no ranking agrees with the truth in this time".to_owned(),
    };
    for labels in label_counts() {
        let Some(row) = best_predictor(rows, labels) else {
            continue;
        };
        let _ = write!(
            text,
            "\nwith {labels} true labels: {}, tau {} over all and {} over the better half of the other networks",
            row.name,
            correlation(row.tau),
            correlation(row.tau_better_half)
        );
    }
    text
}

/// The flag that chooses an evaluator; predictors are fitted by the strategy `model`.
fn usage(row: &Row) -> String {
    match row.kind {
        RowKind::Free | RowKind::Signal => format!("--evaluator proxy:{}", row.name),
        RowKind::Predictor => format!("{} trainings and --strategy model ({})", row.labels, row.name),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::best_within;
    use super::super::rows::testing::row;
    use super::*;

    #[test]
    fn labels_of_unknown_cost_are_named_and_never_recommended_within_a_time() {
        let rows = [
            row("params", Some(0.2), 0.0, 0),
            row("naswot", Some(0.75), 0.5, 0),
            row("gp-20", Some(0.8), 0.1, 20),
        ];
        let text = table(&rows, None);
        assert!(text.contains("6.0 s + 20 labels") && text.contains("30 s"), "{text}");
        let time = Duration::from_mins(2);
        let text = advice(&rows, best_within(&rows, 2.0), time, 2);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "within 2m on 2 workers: --evaluator proxy:naswot, tau 0.75 over all and – over the better half",
                "with 20 true labels: gp-20, tau 0.80 over all and – over the better half of the other networks"
            ]
        );
        let nothing = advice(&rows[..0], None, time, 1);
        assert_eq!(nothing, "no ranking agrees with the truth in this time");
    }
}
