//! The plot: rank correlation over cost.

use mnas_figures::{Axis, AxisKind, Caption, Guide, LabelRank, Panel, Point, Series, SeriesStyle, XyFigure};

use super::rows::{Row, RowKind};

/// Cost in minutes at which rankings without a measurable cost are drawn.
const LEAST_MINUTES: f64 = 1e-4;

/// Texts that the rows do not hold.
pub struct Words {
    pub space: String,
    pub truth: String,
    pub networks: usize,
}

/// One panel for all networks and one for the better half.
pub fn figure(rows: &[Row], words: &Words) -> XyFigure {
    let panel = |title: &str, values: fn(&Row) -> [Option<f64>; 3]| {
        let axis = Axis::new(
            format!("processor time for {} networks (min)", words.networks),
            AxisKind::Logarithmic,
        );
        let correlation = Axis::new("Kendall's tau with true accuracy", AxisKind::Linear).including([0.0]);
        let panel = Panel::new(axis, correlation, series(rows, values)).titled(title);
        Panel {
            guides: vec![Guide::Level {
                at: 0.0,
                band: (0.0, 0.0),
            }],
            ..panel
        }
    };
    let caption = Caption {
        title: format!("Rankings of {} without training, and their agreement with truth", words.space),
        subtitle: vec![
            format!(
                "{} distinct networks of {}; bars are 95 % bootstrap intervals; rankings that follow from the architecture stand at {LEAST_MINUTES} min",
                words.networks, words.truth
            ),
            "gp-20 and gp-50: Gaussian processes given 20 and 50 true labels, judged on the other networks; the cost of labels of unknown cost is not drawn"
                .to_owned(),
        ],
        description: format!(
            "Kendall's tau of {} rankings of {} networks over their cost, for all networks and for the better half.",
            rows.len(),
            words.networks
        ),
    };
    XyFigure::new(
        caption,
        vec![
            panel("all networks", |row| [row.tau, row.tau_low, row.tau_high]),
            panel("better half", |row| {
                [row.tau_better_half, row.tau_better_half_low, row.tau_better_half_high]
            }),
        ],
    )
}

fn series(rows: &[Row], values: fn(&Row) -> [Option<f64>; 3]) -> Vec<Series> {
    let kinds = [
        (RowKind::Free, "architecture alone"),
        (RowKind::Signal, "forward passes"),
        (RowKind::Predictor, "predictor with true labels"),
    ];
    let of_kind = |(number, (kind, name)): (usize, (RowKind, &str))| {
        let points = rows.iter().filter(|row| row.kind == kind).filter_map(|row| {
            let [value, low, high] = values(row);
            Some(Point {
                y_interval: low.zip(high),
                ..Point::new(row.cpu_minutes.max(LEAST_MINUTES), value?).labelled(row.name.clone())
            })
        });
        Series {
            labels: LabelRank::Required,
            ..Series::new(name, SeriesStyle::nth(number), points.collect())
        }
    };
    kinds.into_iter().enumerate().map(of_kind).collect()
}
