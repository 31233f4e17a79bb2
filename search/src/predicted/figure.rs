//! A predicted front as a panel and as a figure of its own.

use mnas_engine::imagenet::{PredictedMember, Recipe};
use mnas_figures::{
    Annotation, Axis, Caption, Color, Guide, IntervalMark, LabelRank, Legend, LegendEntry, Lines, Marker, MarkerSize,
    Palette, Panel, Point, PointMark, Series, SeriesStyle, Symbol, XyFigure,
};

use super::outcome::{PredictedOutcome, Reference, thinned};
use super::published::{EMPHASISED, family_lines};
use super::systems::published_systems;
use crate::report::units;

/// Members of the front whose intervals are drawn.
const INTERVALS: usize = 14;

/// Name of the front in legends.
pub(super) const FRONT: &str = "predicted front";
/// Name of all published networks that are not emphasised.
pub(super) const OTHERS: &str = "other published networks";

/// Style of published networks that are not emphasised.
fn others_style() -> SeriesStyle {
    SeriesStyle::new(Color::new(120, 126, 134), Marker::Plus).sized(MarkerSize::Small)
}

/// Figure of one predicted front.
pub fn figure(outcome: &PredictedOutcome) -> XyFigure {
    let panel = panel(outcome);
    let caption = Caption {
        title: format!("Predicted ImageNet front on {}, and published networks", outcome.device),
        subtitle: vec![
            format!(
                "front: networks of space {}, predicted as if trained {}, nothing was trained; pale bars: 90 % intervals",
                outcome.space,
                Recipe::default().description()
            ),
            "published networks: accuracy as published; numbers are width multipliers, lines join resolutions (in V3 the widths)"
                .to_owned(),
            format!(
                "latency predicted on {}: {}",
                outcome.device, outcome.device_description
            ),
        ],
        description: description(outcome),
    };
    XyFigure {
        legend: Legend::Entries(legend(&panel)),
        notes: notes(outcome),
        ..XyFigure::new(caption, vec![panel])
    }
}

/// Alternative text.
fn description(outcome: &PredictedOutcome) -> String {
    let budget = outcome.budget_ms.map_or_else(String::new, |budget| {
        format!(" under a budget of {}", units::milliseconds(budget))
    });
    let best = outcome.best().map_or_else(String::new, |best| {
        format!(", up to a predicted {:.1} %", best.predicted.top1)
    });
    let dominated = outcome
        .shown_references()
        .into_iter()
        .filter(|reference| reference.dominated)
        .map(|reference| reference.network.name())
        .collect::<Vec<_>>();
    let dominated = if dominated.is_empty() {
        String::new()
    } else {
        format!("; the front dominates {}", dominated.join(", "))
    };
    format!(
        "ImageNet top-1 over latency on {}: a predicted front of {} networks{budget}{best}, beside {} published networks, \
         MobileNetV1, V2, V3-Large and V3-Small emphasised{dominated}.",
        outcome.device,
        outcome.front.members.len(),
        outcome.references.len()
    )
}

/// Slowest latency that is drawn: that of the slowest emphasised network or of the front.
fn slowest_drawn(outcome: &PredictedOutcome) -> f64 {
    let emphasised = outcome
        .references
        .iter()
        .filter(|reference| reference.emphasised().is_some())
        .map(Reference::latency_ms);
    let best = outcome.best().map(|best| at(best).0);
    emphasised.chain(best).fold(0.0, f64::max)
}

fn notes(outcome: &PredictedOutcome) -> Vec<String> {
    let slowest = slowest_drawn(outcome);
    let left_out = outcome
        .references
        .iter()
        .filter(|reference| reference.latency_ms() > slowest);
    match left_out.count() {
        0 => Vec::new(),
        count => vec![format!("{count} slower published networks are in references.csv only")],
    }
}

/// Latency and predicted accuracy of a member.
fn at(member: &PredictedMember) -> (f64, f64) {
    let latency = member.proposal.costs.latency.first();
    (
        latency.map_or(f64::NAN, |latency| latency.latency.0),
        member.predicted.top1,
    )
}

/// Panel of a predicted front: published networks, the front with intervals, the best network and the budget.
pub fn panel(outcome: &PredictedOutcome) -> Panel {
    let mut palette = Palette::default();
    let mut series = vec![others(outcome)];
    series.extend(EMPHASISED.iter().map(|(title, _)| family(outcome, title, &mut palette)));
    series.extend(systems(outcome, &mut palette));
    let members = &outcome.front.members;
    let line = members.iter().map(|member| Point::new(at(member).0, at(member).1));
    series.push(Series {
        marker_step: 0,
        ..Series::new(FRONT, SeriesStyle::FRONT, line.collect()).joined(Lines::Front)
    });
    let bars = thinned(members, INTERVALS).into_iter().map(|member| Point {
        y_interval: Some((member.predicted.low, member.predicted.high)),
        mark: PointMark::Minor,
        ..Point::new(at(member).0, at(member).1)
    });
    series.push(Series {
        intervals: IntervalMark::Band,
        ..Series::new("", SeriesStyle::FRONT, bars.collect())
    });
    series.extend(outcome.best().map(|best| {
        let point = Point::new(at(best).0, at(best).1);
        Series::new(best_legend(outcome), SeriesStyle::BEST, vec![point])
    }));
    series.retain(|series| !series.points.is_empty());
    let budget = outcome.budget_ms.map(|at| Guide::Budget {
        at,
        label: format!("budget {}", units::milliseconds(at)),
    });
    Panel {
        guides: budget.into_iter().collect(),
        annotation: outcome.best().map(|best| Annotation {
            at: at(best),
            lines: vec![
                format!(
                    "predicted {:.1} % at {}",
                    best.predicted.top1,
                    units::milliseconds(at(best).0)
                ),
                format!(
                    "90 % interval {:.1} to {:.1}, distance {:.2}",
                    best.predicted.low, best.predicted.high, best.predicted.distance
                ),
            ],
        }),
        empty_message: "no network was found".to_owned(),
        ..Panel::new(
            Axis::positive(format!("predicted latency on {} (ms)", outcome.device)),
            Axis::percent("ImageNet top-1, predicted or published (%)"),
            series,
        )
    }
}

fn best_legend(outcome: &PredictedOutcome) -> &'static str {
    if outcome.budget_ms.is_some() {
        "best within budget"
    } else {
        "most accurate"
    }
}

/// Entries of the legend for a panel's named series, the front's interval among them.
pub fn legend(panel: &Panel) -> Vec<LegendEntry> {
    let mut entries = Vec::new();
    for series in panel.series.iter().filter(|series| !series.name.is_empty()) {
        if series.name == FRONT {
            entries.push(LegendEntry::new(Symbol::Line(SeriesStyle::FRONT), FRONT));
            entries.push(LegendEntry::new(
                Symbol::Interval(SeriesStyle::FRONT),
                "predicted interval",
            ));
        } else {
            entries.push(series.legend_entry());
        }
    }
    entries
}

fn others(outcome: &PredictedOutcome) -> Series {
    let slowest = slowest_drawn(outcome);
    let points = outcome
        .references
        .iter()
        .filter(|reference| reference.emphasised().is_none() && reference.latency_ms() <= slowest)
        .map(|reference| Point::new(reference.latency_ms(), reference.network.top1));
    Series {
        is_background: true,
        ..Series::new(OTHERS, others_style(), points.collect())
    }
}

/// A family of published networks with lines along widths or resolutions.
fn family(outcome: &PredictedOutcome, title: &str, palette: &mut Palette) -> Series {
    let of_family = outcome
        .references
        .iter()
        .filter(|reference| reference.emphasised() == Some(title));
    let mut members: Vec<&Reference> = of_family.collect();
    members.sort_by_key(|reference| reference.costs.macs);
    let widths: Vec<f64> = members.iter().map(|reference| reference.network.width).collect();
    let (lines, labelled) = family_lines(&widths);
    let points = members.iter().zip(labelled).map(|(reference, is_labelled)| {
        let point = Point::new(reference.latency_ms(), reference.network.top1);
        if is_labelled {
            point.labelled(format!("{:?}", reference.network.width))
        } else {
            point.marked(PointMark::Minor)
        }
    });
    let style = palette.family(title).sized(MarkerSize::Medium);
    Series::new(title, style, points.collect()).joined(Lines::Paths(lines))
}

/// Published results of other systems on the device.
fn systems(outcome: &PredictedOutcome, palette: &mut Palette) -> Option<Series> {
    let slowest = slowest_drawn(outcome);
    let mut systems = published_systems(&outcome.device);
    systems.retain(|system| system.latency_ms <= slowest);
    let name = format!("{}, published and measured", systems.first()?.system);
    let points = systems.iter().map(|system| Point::new(system.latency_ms, system.top1));
    let style = palette.family(&name).sized(MarkerSize::Medium);
    Some(Series {
        labels: LabelRank::Optional,
        ..Series::new(name, style, points.collect())
    })
}
