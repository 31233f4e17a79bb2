//! Figures of a study: its rows as the plain input of [`mnas_figures`], and the files written from them.

use std::path::{Path, PathBuf};

use mnas_figures::{Best, Budget, Caption, FrontFamily, FrontFigure, FrontPanel, Point, PointMark, Svg};

use super::ReportError;
use super::point::{ReportRow, RowKind, RowStatus, best_row, epochs_differ, front_of};
use super::units;
use mnas_engine::files::write_atomically;

/// Texts and budget of a study's figure.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotSpec {
    /// Headline: the study's name.
    pub title: String,
    /// Lines below it, each wrapped to the width: device, runtime and threads; data set; fidelity.
    pub subtitle: Vec<String>,
    /// The latency budget in milliseconds, if the study has one.
    pub budget_ms: Option<f64>,
    /// Title of the vertical axis, unit included; by default `top-1 accuracy (%)`.
    pub accuracy_title: String,
    /// Title of the horizontal axis, unit included; by default `predicted latency (ms)`.
    pub latency_title: String,
}

impl PlotSpec {
    /// A spec with this title, no subtitle, no budget and the default axis titles.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: Vec::new(),
            budget_ms: None,
            accuracy_title: "top-1 accuracy (%)".to_owned(),
            latency_title: "predicted latency (ms)".to_owned(),
        }
    }

    /// The budget, where it is positive and finite.
    fn budget(&self) -> Option<f64> {
        self.budget_ms.filter(|budget| budget.is_finite() && *budget > 0.0)
    }
}

/// Writes `front.svg` and `front.png` into `folder` and returns their paths; each replaces its predecessor in one step.
///
/// Reads `on_front` and `within_budget` of the rows: call [`mark_front`](super::mark_front) first.
pub fn write_plots(folder: &Path, rows: &[ReportRow], spec: &PlotSpec) -> Result<[PathBuf; 2], ReportError> {
    write_figure(folder, "front", &front_figure(rows, spec).draw()?)
}

/// Writes `<name>.svg`, in which text stays text, and `<name>.png` into `folder` and returns their paths; each replaces its
/// predecessor in one step.
pub fn write_figure(folder: &Path, name: &str, figure: &Svg) -> Result<[PathBuf; 2], ReportError> {
    let svg = folder.join(format!("{name}.svg"));
    write_atomically(&svg, figure.as_str().as_bytes())?;
    let png = folder.join(format!("{name}.png"));
    write_atomically(&png, &figure.to_png()?)?;
    Ok([svg, png])
}

/// The figure of a study: accuracy over latency with the front, the candidates, the references and the budget.
pub fn front_figure(rows: &[ReportRow], spec: &PlotSpec) -> FrontFigure {
    front_figure_with_best(rows, spec, best_row(rows))
}

/// [`front_figure`] with the index of the best network.
pub fn front_figure_with_best(rows: &[ReportRow], spec: &PlotSpec, best: Option<usize>) -> FrontFigure {
    let mut drawn: Vec<Drawn<'_>> = rows.iter().filter_map(|row| Some((row, row.point()?))).collect();
    drawn.sort_by(|left, right| left.1.0.total_cmp(&right.1.0));
    let candidates = |on_front: bool| {
        let wanted = move |(row, _): &&Drawn<'_>| row.kind == RowKind::Candidate && row.on_front == on_front;
        drawn.iter().filter(wanted)
    };
    let budget = spec.budget();
    let with_epochs = epochs_differ(rows);
    let front = candidates(true).map(|&(row, at)| Point {
        x_interval: interval(row),
        ..point(row, at, budget).labelled(with_length(row.label(), row, with_epochs))
    });
    let dominated = candidates(false).map(|&(row, at)| point(row, at, budget));
    let best = best.and_then(|index| {
        let row = &rows[index];
        let label = with_length(row.label(), row, with_epochs);
        Some(described(
            row,
            &label,
            point(row, row.point()?, budget),
            budget.is_some(),
        ))
    });
    let panel = FrontPanel {
        title: String::new(),
        latency_title: spec.latency_title.clone(),
        accuracy_title: spec.accuracy_title.clone(),
        budget: budget.map(|at| Budget {
            at,
            label: format!("budget {}", units::milliseconds(at)),
        }),
        front: front.collect(),
        dominated: dominated.collect(),
        families: families(&drawn, rows, budget, with_epochs),
        best,
    };
    FrontFigure {
        caption: Caption {
            title: spec.title.clone(),
            subtitle: spec.subtitle.clone(),
            description: description(&panel),
        },
        notes: notes(rows, &panel),
        panels: vec![panel],
    }
}

/// A row with its point (latency in ms, accuracy in percent).
type Drawn<'a> = (&'a ReportRow, (f64, f64));

/// A label with the length of the training, where trainings of a study differ in it.
fn with_length(label: String, row: &ReportRow, with_epochs: bool) -> String {
    match row.epochs.filter(|_| with_epochs) {
        Some(epochs) => format!("{label} ({})", units::epochs(epochs)),
        None => label,
    }
}

/// A row's point without label and interval.
fn point(row: &ReportRow, (latency, accuracy): (f64, f64), budget: Option<f64>) -> Point {
    let is_over = budget.is_some() && !row.within_budget;
    Point {
        mark: if is_over { PointMark::Hollow } else { PointMark::Full },
        // A measurement is drawn where there is a prediction to join it to.
        measured_x: row.latency_ms.and(row.measured_ms),
        ..Point::new(latency, accuracy)
    }
}

/// The ends of a prediction's interval in milliseconds.
fn interval(row: &ReportRow) -> Option<(f64, f64)> {
    let (low, high) = (row.latency_low_ms?, row.latency_high_ms?);
    (low.is_finite() && high.is_finite() && low < high).then_some((low, high))
}

/// Families of references in the order of the rows, their members in that of latency; a line joins those that no member of
/// the family dominates.
fn families(drawn: &[Drawn<'_>], rows: &[ReportRow], budget: Option<f64>, with_epochs: bool) -> Vec<FrontFamily> {
    let mut families: Vec<FrontFamily> = Vec::new();
    let references = rows
        .iter()
        .filter(|row| row.kind == RowKind::Reference && row.point().is_some());
    for name in references.map(|row| family_of(&row.name)) {
        if families.iter().any(|family| family.name == name) {
            continue;
        }
        let belongs = |(row, _): &&Drawn<'_>| row.kind == RowKind::Reference && family_of(&row.name) == name;
        let members: Vec<_> = drawn.iter().filter(belongs).collect();
        let places: Vec<(f64, f64)> = members.iter().map(|(_, at)| *at).collect();
        let points = members
            .iter()
            .map(|&&(row, at)| point(row, at, budget).labelled(with_length(reference_label(row), row, with_epochs)));
        families.push(FrontFamily {
            points: points.collect(),
            joined: front_of(&places),
            name,
        });
    }
    families
}

/// Family of a reference's name: everything before the first word that starts with a digit (`MobileNetV2 0.75x 160`).
fn family_of(name: &str) -> String {
    let words: Vec<&str> = name
        .split_whitespace()
        .take_while(|word| !word.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    if words.is_empty() {
        name.trim().to_owned()
    } else {
        words.join(" ")
    }
}

/// A reference's label: its name without `MobileNet`, which the legend spells out, and with a proper multiplication sign.
fn reference_label(row: &ReportRow) -> String {
    let name = row.label();
    let short = match name.get(..9) {
        Some(prefix) if prefix.eq_ignore_ascii_case("mobilenet") => name[9..].trim_start_matches(['-', ' ']).to_owned(),
        _ => name.clone(),
    };
    let words: Vec<String> = short
        .split_whitespace()
        .map(|word| match word.strip_suffix('x') {
            Some(number) if number.parse::<f64>().is_ok() => format!("{number}×"),
            _ => word.to_owned(),
        })
        .collect();
    if words.is_empty() { name } else { words.join(" ") }
}

/// The best network with its description.
fn described(row: &ReportRow, label: &str, point: Point, has_budget: bool) -> Best {
    let legend = if has_budget {
        "best within budget"
    } else {
        "most accurate"
    };
    let accuracy = row.accuracy_text().unwrap_or_default();
    let predicted = row
        .latency_ms
        .map(|value| format!("{} predicted", units::milliseconds(value)));
    let measured = row
        .measured_ms
        .map(|value| format!("{} measured", units::milliseconds(value)));
    let latencies: Vec<String> = predicted.into_iter().chain(measured).collect();
    let counts = format!(
        "{} params, {} MAdds, {} px",
        units::count(row.params),
        units::count(row.macs),
        row.resolution
    );
    let lines = [format!("{legend}: {label}, {accuracy}"), latencies.join(", "), counts];
    Best {
        point,
        // Without a device there are no latencies.
        lines: lines.into_iter().filter(|line| !line.is_empty()).collect(),
        legend: legend.to_owned(),
    }
}

/// Alternative text of the figure.
fn description(panel: &FrontPanel) -> String {
    let references: usize = panel.families.iter().map(|family| family.points.len()).sum();
    let mut text = format!(
        "{} over {}: {} networks on the Pareto front, {} dominated candidates, {references} published networks of {} families",
        panel.accuracy_title,
        panel.latency_title,
        panel.front.len(),
        panel.dominated.len(),
        panel.families.len()
    );
    for part in panel
        .budget
        .iter()
        .map(|budget| &budget.label)
        .chain(panel.best.iter().flat_map(|best| &best.lines))
    {
        text += "; ";
        text += part;
    }
    text + "."
}

/// Remarks below the figure.
fn notes(rows: &[ReportRow], panel: &FrontPanel) -> Vec<String> {
    let mut notes: Vec<String> = not_drawn(rows).into_iter().collect();
    let has_candidates = !panel.front.is_empty() || !panel.dominated.is_empty();
    if has_candidates && panel.best.is_none() {
        notes.push("no candidate is within the budget".to_owned());
    }
    notes
}

/// Rows that the figure leaves out, by reason.
fn not_drawn(rows: &[ReportRow]) -> Option<String> {
    let count = |what: &str, wanted: &dyn Fn(&ReportRow) -> bool| {
        let number = rows.iter().filter(|row| wanted(row)).count();
        (number > 0).then(|| format!("{number} {what}"))
    };
    let parts: Vec<String> = [
        count("failed", &|row| row.status == RowStatus::Failed),
        count("unfinished", &|row| row.status == RowStatus::Pending),
        count("without accuracy or latency", &|row| {
            row.status == RowStatus::Complete && row.continued_by.is_none() && row.point().is_none()
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| format!("not drawn: {}", parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{row, study};
    use super::super::point::mark_front;
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn spec(budget_ms: Option<f64>) -> PlotSpec {
        PlotSpec {
            subtitle: vec![
                "device: host, ONNX Runtime 1.23, 1 thread, fp32; data: made up".to_owned(),
                "accuracy: validation, 32 px proxy, 4 epochs, 2,000 images".to_owned(),
            ],
            budget_ms,
            ..PlotSpec::new("made-up study <demo> & labels")
        }
    }

    fn candidates(points: &[(f64, f64)], budget_ms: Option<f64>) -> Vec<ReportRow> {
        let numbered = (0..).zip(points);
        let mut rows: Vec<ReportRow> = numbered
            .map(|(number, &(latency, accuracy))| row(RowKind::Candidate, number, latency, accuracy))
            .collect();
        mark_front(&mut rows);
        crate::report::fixture::mark_budget(&mut rows, budget_ms);
        rows
    }

    #[test]
    fn a_full_study_names_everything_and_loses_no_label() -> Outcome {
        let rows = study(Some(20.0));
        let svg = front_figure(&rows, &spec(Some(20.0))).draw()?;
        for text in [
            "made-up study &lt;demo&gt; &amp; labels",
            "budget 20.0 ms",
            "top-1 accuracy (%)",
            "predicted latency (ms)",
            "Pareto front",
            "MobileNetV3-Large",
            "V2 0.75× 160",
            "V3-Small 1.0× 224",
            "best within budget: MobileNetV3-Large 0.75x 224",
            "12 published networks of 4 families; budget 20.0 ms; best within budget: MobileNetV3-Large",
        ] {
            assert!(svg.as_str().contains(text), "{text} is missing");
        }
        assert!(!svg.as_str().contains("found no room"));
        Ok(())
    }

    #[test]
    fn every_row_with_a_point_is_drawn_once() {
        let rows = study(Some(20.0));
        let figure = front_figure(&rows, &spec(Some(20.0)));
        let panel = &figure.panels[0];
        let members = panel.families.iter().flat_map(|family| &family.points);
        let drawn: Vec<&Point> = panel.front.iter().chain(&panel.dominated).chain(members).collect();
        assert_eq!(drawn.len(), rows.iter().filter(|row| row.point().is_some()).count());
        let hollow = drawn.iter().filter(|point| point.mark == PointMark::Hollow).count();
        let over = rows
            .iter()
            .filter(|row| row.point().is_some() && !row.within_budget)
            .count();
        assert_eq!(hollow, over);
        assert!(
            panel
                .front
                .windows(2)
                .all(|pair| pair[0].x < pair[1].x && pair[0].y < pair[1].y)
        );
        for family in &panel.families {
            assert!(family.joined.iter().all(|&member| member < family.points.len()));
        }
    }

    #[test]
    fn studies_without_results_say_why() -> Outcome {
        let pending: Vec<ReportRow> = (0..5)
            .map(|number| ReportRow::new(RowKind::Candidate, format!("{number}")))
            .collect();
        let svg = front_figure(&pending, &spec(Some(20.0))).draw()?;
        assert!(svg.as_str().contains("no complete candidate yet") && svg.as_str().contains("not drawn: 5 unfinished"));
        let slow = candidates(&[(12.0, 70.0)], Some(10.0));
        let svg = front_figure(&slow, &spec(Some(10.0))).draw()?;
        assert!(svg.as_str().contains("no candidate is within the budget"));
        let svg = front_figure(&[], &spec(None)).draw()?;
        assert!(!svg.as_str().contains("budget"));
        Ok(())
    }

    #[test]
    fn a_budget_that_nothing_can_meet_is_not_drawn() {
        for budget in [f64::NAN, 0.0, -1.0] {
            assert!(
                front_figure(&study(None), &spec(Some(budget))).panels[0]
                    .budget
                    .is_none()
            );
        }
    }

    #[test]
    fn labels_state_the_epochs_where_they_differ() {
        let labels = |rows: &[ReportRow]| {
            let panel = front_figure(rows, &spec(None)).panels.remove(0);
            let references = panel.families.into_iter().flat_map(|family| family.points);
            let points = panel.front.into_iter().chain(references);
            points.filter_map(|point| point.label).collect::<Vec<String>>()
        };
        let mut rows = study(None);
        for row in &mut rows {
            row.epochs = Some(9);
        }
        assert!(labels(&rows).iter().all(|label| !label.contains("epoch")));
        rows[0].epochs = Some(1);
        let labels = labels(&rows);
        assert!(
            !labels.is_empty()
                && labels
                    .iter()
                    .all(|label| label.ends_with(" epochs)") || label.ends_with("(1 epoch)"))
        );
    }

    #[test]
    fn a_family_is_the_words_before_width_and_resolution() {
        assert_eq!(family_of("MobileNetV2 0.75x 160"), "MobileNetV2");
        assert_eq!(family_of("MobileNetV3-Large 1.0x"), "MobileNetV3-Large");
        assert_eq!(family_of("MobileNet V3 Small 0.75x 224"), "MobileNet V3 Small");
        assert_eq!(family_of("mobilenet-v1"), "mobilenet-v1");
        assert_eq!(family_of("224"), "224");
    }

    #[test]
    fn both_files_are_written() -> Outcome {
        let folder = tempfile::tempdir()?;
        let paths = write_plots(folder.path(), &study(Some(20.0)), &spec(Some(20.0)))?;
        assert_eq!(std::fs::read(&paths[1])?[..4], *b"\x89PNG");
        assert!(std::fs::read_to_string(&paths[0])?.contains("<title>made-up study"));
        Ok(())
    }
}
