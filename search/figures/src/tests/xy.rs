//! Tests of general figures: hypervolume over trials, rank correlation over cost, and placement of text.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Outcome, checked, count, noise, texts};
use crate::{
    Annotation, Arrangement, Axis, AxisKind, Caption, FigureError, Guide, LabelRank, Legend, Lines, Panel, Point,
    Series, SeriesStyle, XyFigure,
};

/// Figure of the hypervolume of studies over their trials, with one series per strategy.
fn hypervolume() -> XyFigure {
    let study = |number: usize, name: &str, rate: f64| {
        let mut best = 0.0_f64;
        let points = (1..=240_u32).map(|trial| {
            let reached = 900.0 * (1.0 - (-rate * f64::from(trial)).exp());
            best = best.max(reached * (0.8 + 0.2 * noise(u64::from(trial) + 1000 * number as u64)));
            Point::new(f64::from(trial), best)
        });
        Series {
            marker_step: 48,
            ..Series::new(name, SeriesStyle::nth(number), points.collect()).joined(Lines::Steps)
        }
    };
    let series = ["random", "evolution", "NSGA-II", "local", "model"]
        .iter()
        .zip([0.006, 0.012, 0.014, 0.02, 0.03])
        .enumerate()
        .map(|(number, (name, rate))| study(number, name, rate));
    let panel = Panel::new(
        Axis::new("trials", AxisKind::Whole),
        Axis::new("hypervolume (ms × points)", AxisKind::Linear).including([0.0]),
        series.collect(),
    );
    let caption = Caption {
        title: "Strategies on one recorded table".to_owned(),
        subtitle: vec!["area between the front found so far and (20 ms, 50 %)".to_owned()],
        description: "Hypervolume of five strategies over 240 trials.".to_owned(),
    };
    XyFigure::new(caption, vec![panel])
}

/// Figure of the rank correlation of signals over their cost, with intervals.
fn correlation() -> XyFigure {
    let signals = [
        ("parameters", 0.0004, 0.52),
        ("multiply-adds", 0.0004, 0.61),
        ("synflow", 0.02, 0.58),
        ("zen score", 0.05, 0.44),
        ("gradient norm", 0.08, 0.31),
        ("NASWOT", 0.09, 0.66),
        ("one epoch", 12.0, 0.71),
        ("four epochs", 50.0, 0.83),
    ];
    let points = signals.map(|(name, cost, tau)| Point {
        y_interval: Some((tau - 0.08, tau + 0.06)),
        ..Point::new(cost, tau).labelled(name)
    });
    let series = Series {
        labels: LabelRank::Required,
        ..Series::new("all networks", SeriesStyle::nth(0), points.to_vec())
    };
    let better = points.map(|point| Point {
        label: None,
        y_interval: Some((point.y - 0.3, point.y - 0.12)),
        ..Point::new(point.x * 1.15, point.y - 0.2)
    });
    let better = Series::new("better half", SeriesStyle::nth(1), better.to_vec());
    let panel = Panel {
        guides: vec![Guide::Level {
            at: 0.0,
            band: (-0.05, 0.05),
        }],
        annotation: Some(Annotation {
            at: (50.0, 0.83),
            lines: vec!["four epochs: 0.83".to_owned(), "50 CPU minutes a network".to_owned()],
        }),
        ..Panel::new(
            Axis::new("cost of a network (CPU minutes)", AxisKind::Logarithmic),
            Axis::new(
                "rank correlation with the truth",
                AxisKind::Bounded { low: -1.0, high: 1.0 },
            ),
            vec![series, better],
        )
    };
    XyFigure::new(
        Caption::new("Signals: how well they rank, and what they cost"),
        vec![panel],
    )
}

#[test]
fn hypervolume_of_several_studies() -> Outcome {
    let document = checked("hypervolume", &hypervolume().draw()?, (1600, 1000))?;
    for name in ["random", "evolution", "NSGA-II", "local", "model"] {
        assert_eq!(count(&document, name), 1, "{name}");
    }
    assert!(document.contains("<desc>Hypervolume of five strategies over 240 trials.</desc>"));
    Ok(())
}

#[test]
fn rank_correlation_over_cost() -> Outcome {
    let document = checked("correlation", &correlation().draw()?, (1600, 1000))?;
    assert!(document.contains("cost of a network (CPU minutes, logarithmic)"));
    assert_eq!(count(&document, "NASWOT"), 1);
    Ok(())
}

#[test]
fn panels_may_share_an_axis_and_have_legends_of_their_own() -> Outcome {
    for (name, arrangement) in [("shared-x", Arrangement::SharedX), ("shared-y", Arrangement::SharedY)] {
        let mut panels = vec![correlation().panels.remove(0), correlation().panels.remove(0)];
        for (panel, title) in panels.iter_mut().zip(["first data set", "second data set"]) {
            panel.title = title.to_owned();
            panel.annotation = None;
        }
        let figure = XyFigure {
            arrangement,
            legend: Legend::PerPanel,
            ..XyFigure::new(Caption::new("two data sets"), panels)
        };
        let document = checked(name, &figure.draw()?, (1600, 860))?;
        assert_eq!(count(&document, "second data set"), 1);
        assert_eq!(count(&document, "better half"), 2);
    }
    Ok(())
}

#[test]
fn panels_that_share_an_axis_have_it_alike() -> Outcome {
    let mut figure = XyFigure {
        arrangement: Arrangement::SharedY,
        ..XyFigure::new(
            Caption::new("two data sets"),
            [correlation(), correlation()]
                .map(|figure| figure.panels[0].clone())
                .into(),
        )
    };
    figure.panels[1].y.includes.push(-1.0);
    let document = checked("shared-includes", &figure.draw()?, (1600, 860))?;
    assert_eq!(
        count(&document, "\u{2212}1.0"),
        1,
        "the first panel has the labels of both"
    );
    figure.panels[1].y.kind = AxisKind::Linear;
    let error = figure.draw().expect_err("one axis is bounded").to_string();
    assert_eq!(
        error,
        "panel 2: the axis that it shares with the panel before is of another kind"
    );
    Ok(())
}

#[test]
fn a_required_label_without_room_is_counted() -> Outcome {
    let mut figure = correlation();
    figure.panels[0].annotation = None;
    figure.panels[0].series[0].points[2].label = Some("a name that is much too long ".repeat(12));
    let document = checked("lost-label", &figure.draw()?, (1600, 1000))?;
    assert_eq!(count(&document, "1 label found no room"), 1);
    Ok(())
}

#[test]
fn figures_without_panels_points_or_words_are_drawn() -> Outcome {
    for (name, panels) in [
        ("no-panel", Vec::new()),
        (
            "no-point",
            vec![Panel::new(
                Axis::new("", AxisKind::Linear),
                Axis::new("", AxisKind::Logarithmic),
                vec![Series::new("", SeriesStyle::nth(0), Vec::new()).joined(Lines::Front)],
            )],
        ),
    ] {
        let figure = XyFigure::new(Caption::new("a figure with a title and nothing else in it"), panels);
        checked(name, &figure.draw()?, (1600, 1000))?;
    }
    Ok(())
}

#[test]
fn text_that_xml_does_not_allow_is_drawn_all_the_same() -> Outcome {
    let mut figure = correlation();
    figure.caption.title = "bell \u{7} & null \u{0} <b> \"q\" 漢字".to_owned();
    figure.panels[0].series[0].name = "\u{FFFF}]]>".to_owned();
    checked("odd-text", &figure.draw()?, (1600, 1000))?;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn no_text_of_any_figure_touches_another(
        raw in vec((prop_oneof![0.01..100.0_f64, 1.0..1e6_f64], -5.0..105.0_f64, "[A-Za-z0-9 .×#]{1,24}"), 0..30),
        kinds in (0..5_u8, 0..5_u8), panels in 1..4_usize, shared in 0..3_u8, budget in prop::option::of(0.01..200.0_f64),
    ) {
        let axis = |title: &str, kind: u8| {
            let kind = match kind {
                0 => AxisKind::Linear,
                1 => AxisKind::Whole,
                2 => AxisKind::Bounded { low: 0.0, high: 100.0 },
                3 => AxisKind::Positive,
                _ => AxisKind::Logarithmic,
            };
            Axis::new(title, kind)
        };
        let points = |rank| Series {
            labels: rank,
            ..Series::new(
                format!("{rank:?}"),
                SeriesStyle::nth(rank as usize),
                raw.iter().map(|(x, y, label)| Point::new(*x, *y).labelled(label.trim())).collect(),
            )
        };
        let panel = |index: usize| Panel {
            title: format!("panel {index}"),
            guides: budget.map(|at| Guide::Budget { at, label: format!("budget {at:.1} ms") }).into_iter().collect(),
            ..Panel::new(
                axis("latency (ms)", kinds.0),
                axis("accuracy (%)", kinds.1),
                vec![points([LabelRank::Required, LabelRank::Preferred, LabelRank::Optional][index % 3])],
            )
        };
        let figure = XyFigure {
            arrangement: [Arrangement::Row, Arrangement::SharedX, Arrangement::SharedY][usize::from(shared)],
            notes: vec!["a remark".to_owned()],
            ..XyFigure::new(Caption::new("any figure"), (0..panels).map(panel).collect())
        };
        let svg = figure.draw().map_err(|error: FigureError| TestCaseError::fail(error.to_string()))?;
        let texts = texts(svg.as_str());
        for (index, (text, rect)) in texts.iter().enumerate() {
            for (other, other_rect) in &texts[..index] {
                prop_assert!(!rect.intersects(other_rect), "`{text}` touches `{other}`");
            }
        }
    }
}
