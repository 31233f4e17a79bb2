//! Figures of a comparison.

use mnas_engine::front::pareto_front;
use mnas_engine::problem::{Metric, Problem};
use mnas_figures::{Axis, AxisKind, Caption, Lines, MarkerSize, Panel, Point, Series, SeriesStyle, XyFigure};

use super::{ComparedStudy, Comparison, Step};

/// Quantity on the horizontal axis of a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Trials settled.
    Trials,
    /// Time worked.
    Time,
}

/// The fronts: accuracy over each other objective, the trials behind them as dots.
pub fn fronts_figure(comparison: &Comparison, caption: Caption) -> XyFigure {
    let Some(first) = comparison.studies.first() else {
        return XyFigure::new(caption, Vec::new());
    };
    let costs = first.problem.objectives.iter().copied();
    let mut costs: Vec<Metric> = costs.filter(|metric| *metric != Metric::Accuracy).collect();
    if costs.is_empty() {
        costs.push(first.problem.size_metric());
    }
    let panels = costs.into_iter().map(|cost| fronts_panel(comparison, cost));
    XyFigure::new(caption, panels.collect())
}

fn fronts_panel(comparison: &Comparison, cost: Metric) -> Panel {
    let mut below = Vec::new();
    let mut fronts = Vec::new();
    let mut title = String::new();
    for (index, study) in comparison.studies.iter().enumerate() {
        title = axis_title(&study.problem, cost);
        let style = style(index);
        let mut points = points(study, cost);
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        let minimised: Vec<[f64; 2]> = points.iter().map(|(x, y)| [*x, -*y]).collect();
        let front = pareto_front(&minimised);
        let members = front.iter().map(|index| Point::new(points[*index].0, points[*index].1));
        fronts.push(Series::new(&study.name, style, members.collect()).joined(Lines::Front));
        let dots = points.iter().map(|(x, y)| Point::new(*x, *y));
        below.push(Series {
            is_background: true,
            ..Series::new("", style.sized(MarkerSize::Dot), dots.collect())
        });
    }
    below.extend(fronts);
    Panel {
        empty_message: "no complete trial yet".to_owned(),
        ..Panel::new(Axis::positive(title), Axis::percent(accuracy_title(comparison)), below)
    }
}

/// Cost and accuracy of every trial that keeps the constraints.
fn points(study: &ComparedStudy, cost: Metric) -> Vec<(f64, f64)> {
    let trials = study.state.trials().iter().filter_map(|trial| {
        let costs = trial.known_costs();
        let is_kept = study.problem.violation(&costs).is_none();
        let x = costs.value(cost)? / unit(cost);
        is_kept.then_some((x, trial.accuracy()?))
    });
    trials.collect()
}

/// Shortest time that is drawn, in seconds: journals have a resolution of milliseconds.
const LEAST_SECONDS: f64 = 1e-3;

/// Share of the trials after which hypervolumes are drawn: those of the first trials would compress the scale of all others.
const FIRST_SHARE: f64 = 0.05;

/// Best accuracy and hypervolume over trials or over time.
pub fn course_figure(comparison: &Comparison, progress: Progress, caption: Caption) -> XyFigure {
    let (title, kind, divisor) = match progress {
        Progress::Trials => ("trials settled", AxisKind::Whole, 1.0),
        Progress::Time => {
            let steps = comparison.studies.iter().filter_map(|study| study.course.steps.last());
            let (title, divisor) = time_unit(steps.map(|step| step.seconds).fold(0.0, f64::max));
            (title, AxisKind::Positive, divisor)
        }
    };
    let x = |step: &Step| match progress {
        Progress::Trials => step.trials as f64,
        Progress::Time => step.seconds.max(LEAST_SECONDS) / divisor,
    };
    let from_zero = (progress == Progress::Trials).then_some(0.0);
    let panel = |y: Axis, least: f64, value: fn(&Step) -> Option<f64>| {
        let series = comparison.studies.iter().enumerate().map(|(index, study)| {
            let points = changes(&study.course.steps, x, |step| {
                value(step).filter(|value| *value >= least)
            });
            Series {
                // A line needs two points; a single one is a dot.
                marker_step: usize::from(points.len() < 2),
                ..Series::new(&study.name, style(index), points).joined(Lines::Steps)
            }
        });
        Panel {
            empty_message: "no complete trial yet".to_owned(),
            ..Panel::new(Axis::new(title, kind).including(from_zero), y, series.collect())
        }
    };
    let best = Axis::percent(format!("best {}", accuracy_title(comparison)));
    let volume = Axis::percent("hypervolume (% of the box)");
    let least = least_volume(comparison);
    XyFigure::new(
        caption,
        vec![
            panel(best, 0.0, |step| step.best),
            panel(volume, least, |step| Some(step.hypervolume_percent)),
        ],
    )
}

/// The least hypervolume of a study after the first trials.
fn least_volume(comparison: &Comparison) -> f64 {
    let after_the_first = comparison.studies.iter().filter_map(|study| {
        let steps = &study.course.steps;
        let first = (FIRST_SHARE * steps.len() as f64).ceil() as usize;
        steps.get(first.min(steps.len().checked_sub(1)?))
    });
    let volumes = after_the_first.map(|step| step.hypervolume_percent);
    volumes.fold(f64::INFINITY, f64::min).min(100.0)
}

/// The steps at which a value changes, and the last one.
fn changes(steps: &[Step], x: impl Fn(&Step) -> f64, value: impl Fn(&Step) -> Option<f64>) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let Some(y) = value(step) else { continue };
        let is_last = index + 1 == steps.len();
        if is_last || points.last().is_none_or(|point| point.y.to_bits() != y.to_bits()) {
            points.push(Point::new(x(step), y));
        }
    }
    points
}

/// The unit in which a time is shown, with its title and its seconds.
fn time_unit(seconds: f64) -> (&'static str, f64) {
    if seconds >= 3.0 * 3600.0 {
        ("time (h)", 3600.0)
    } else if seconds >= 300.0 {
        ("time (min)", 60.0)
    } else if seconds >= 1.0 {
        ("time (s)", 1.0)
    } else {
        ("time (ms)", 1e-3)
    }
}

fn accuracy_title(comparison: &Comparison) -> &'static str {
    let is_trained = |study: &ComparedStudy| study.config.training().is_some();
    if comparison.studies.iter().any(is_trained) {
        "validation top-1 accuracy (%)"
    } else {
        "recorded top-1 accuracy (%)"
    }
}

/// Title of the axis of a cost, unit included.
fn axis_title(problem: &Problem, cost: Metric) -> String {
    match cost {
        Metric::Latency(device) => format!("latency on {} (ms)", problem.devices[device].name),
        Metric::Macs => "multiply-adds (millions)".to_owned(),
        Metric::Params => "parameters (millions)".to_owned(),
        Metric::PeakActivationBytes => "peak activation memory (MiB)".to_owned(),
        Metric::FileBytes => "size of the weights (MiB)".to_owned(),
        Metric::Accuracy => "accuracy (%)".to_owned(),
    }
}

/// Divisor of a cost in its axis' unit.
fn unit(cost: Metric) -> f64 {
    match cost {
        Metric::Macs | Metric::Params => 1e6,
        Metric::PeakActivationBytes | Metric::FileBytes => 1_048_576.0,
        Metric::Latency(_) | Metric::Accuracy => 1.0,
    }
}

/// The style of a study by its place.
fn style(index: usize) -> SeriesStyle {
    SeriesStyle::nth(index)
}
