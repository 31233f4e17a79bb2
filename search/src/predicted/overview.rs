//! A predicted ImageNet front beside the front of a study that was trained, in one picture.

use mnas_engine::imagenet::Recipe;
use mnas_figures::{Arrangement, Caption, Legend, LegendEntry, Palette, Panel, XyFigure};

use super::figure::{FRONT, OTHERS, legend, panel};
use super::outcome::PredictedOutcome;
use crate::report::{PlotSpec, ReportRow, front_figure};

/// Screen that a picture is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Panels side by side, 1600 pixels wide.
    Wide,
    /// Panels one above the other, 760 pixels wide, for phones.
    Narrow,
}

/// Both fronts, each with the kind of its accuracies in its title.
pub fn overview(outcome: &PredictedOutcome, (rows, spec): (&[ReportRow], &PlotSpec), form: Form) -> XyFigure {
    let (trained, trained_legend) = trained_panel(rows, spec);
    let mut predicted = panel(outcome).titled(format!("ImageNet on {}: predicted, nothing trained", outcome.device));
    // Small panels have room for the emphasised families alone.
    predicted.series.retain(|series| series.name != OTHERS);
    // The front's line is that of the trained one: one entry for both.
    let mut entries: Vec<LegendEntry> = Vec::new();
    for entry in legend(&predicted).into_iter().chain(trained_legend) {
        let has_twin = entry.text == FRONT || entries.iter().any(|one| one.text == entry.text);
        if !has_twin {
            entries.push(entry);
        }
    }
    let mut subtitle = vec![format!(
        "ImageNet: networks of space {} predicted as if trained {}; published networks at their published accuracy",
        outcome.space,
        Recipe::default().description()
    )];
    subtitle.extend(spec.subtitle.iter().cloned());
    let caption = Caption {
        title: "Networks found by mnas beside MobileNetV1, V2 and V3".to_owned(),
        subtitle,
        description: description(outcome, rows, spec),
    };
    let figure = XyFigure {
        legend: Legend::Entries(entries),
        ..XyFigure::new(caption, vec![predicted, trained])
    };
    match form {
        Form::Wide => figure,
        Form::Narrow => XyFigure {
            arrangement: Arrangement::Column,
            width: 760,
            height: 1640,
            ..figure
        },
    }
}

fn trained_panel(rows: &[ReportRow], spec: &PlotSpec) -> (Panel, Vec<LegendEntry>) {
    let mut palette = Palette::default();
    let front = front_figure(rows, spec).panels.into_iter().next();
    // A study's figure has one panel.
    let front = front.unwrap_or_else(|| mnas_figures::FrontPanel {
        title: String::new(),
        latency_title: spec.latency_title.clone(),
        accuracy_title: spec.accuracy_title.clone(),
        budget: None,
        front: Vec::new(),
        dominated: Vec::new(),
        families: Vec::new(),
        best: None,
    });
    let panel = front
        .panel(&mut palette)
        .titled(format!("study {}: trained networks", spec.title));
    (panel, front.legend(&mut palette))
}

/// Alternative text.
fn description(outcome: &PredictedOutcome, rows: &[ReportRow], spec: &PlotSpec) -> String {
    let best = outcome.best().map_or_else(String::new, |best| {
        format!(", up to a predicted {:.1} %", best.predicted.top1)
    });
    let front = rows.iter().filter(|row| row.on_front).count();
    let accuracy = rows
        .iter()
        .filter(|row| row.on_front)
        .filter_map(|row| row.accuracy)
        .reduce(f64::max);
    let accuracy = accuracy.map_or_else(String::new, |accuracy| format!(", up to {accuracy:.1} %"));
    format!(
        "Two panels of accuracy over latency, each with MobileNetV1, V2, V3-Large and V3-Small. First: the predicted ImageNet front \
         on {} of {} networks{best}. Second: study {}, a front of {front} trained networks{accuracy}.",
        outcome.device,
        outcome.front.members.len(),
        spec.title
    )
}
