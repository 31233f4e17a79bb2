//! Tests of preset figures: families over costs, learning curves, and predictions against measurements.

use super::{Outcome, checked, count};
use crate::{
    Agreement, AgreementSeries, Caption, CurvePoint, Family, FamilyFigure, FamilyPoint, FigureError, LearningCurve,
};

fn families() -> FamilyFigure {
    let point = |width: f64, resolution: f64, label: Option<&str>| FamilyPoint {
        costs: vec![width * resolution, 20.0 * width * width * resolution, 3.0 * width],
        accuracy: 60.0 + 8.0 * width + resolution / 40.0,
        label: label.map(str::to_owned),
    };
    let family = |name: &str, shift: f64| Family {
        name: name.to_owned(),
        points: vec![
            point(1.0 + shift, 96.0, None),
            point(1.0 + shift, 224.0, Some("one")),
            point(0.5 + shift, 96.0, None),
            point(0.5 + shift, 224.0, Some("half")),
        ],
        lines: vec![vec![0, 1], vec![2, 3]],
    };
    FamilyFigure {
        caption: Caption {
            title: "made-up families <a> & b".to_owned(),
            subtitle: vec!["nothing was measured".to_owned()],
            description: "Accuracy of two families over three costs.".to_owned(),
        },
        accuracy_title: "top-1 accuracy (%)".to_owned(),
        cost_titles: ["latency (ms)", "multiply-adds (million)", "parameters (million)"]
            .map(str::to_owned)
            .into(),
        families: vec![family("MobileNetV1", 0.0), family("MnasNet-A1", 0.4)],
    }
}

#[test]
fn families_have_every_label_in_every_panel() -> Outcome {
    let figure = families();
    let svg = figure.draw()?;
    let document = checked("families", &svg, (1600, 860))?;
    assert!(document.contains("made-up families &lt;a&gt; &amp; b"));
    for (text, times) in [
        ("one", 6),
        ("half", 6),
        ("latency (ms)", 1),
        ("MnasNet-A1", 1),
        ("top-1 accuracy (%)", 1),
    ] {
        assert_eq!(count(&document, text), times, "{text}");
    }
    assert_eq!(svg, figure.draw()?);
    Ok(())
}

#[test]
fn no_families_are_an_empty_figure() -> Outcome {
    let empty = FamilyFigure {
        families: Vec::new(),
        ..families()
    };
    assert!(checked("no-families", &empty.draw()?, (1600, 860))?.contains("parameters (million)"));
    Ok(())
}

#[test]
fn contradictions_are_named() {
    let mut figure = families();
    figure.families[0].lines.push(vec![0, 9]);
    let error = figure.draw().expect_err("there are four points").to_string();
    assert_eq!(error, "series `MobileNetV1`: a line passes through point 9 of 4");
    let mut figure = families();
    figure.families[1].points[2].costs.pop();
    let error = figure.draw().expect_err("there are three axes").to_string();
    assert_eq!(error, "family `MnasNet-A1`: a point has 2 costs for 3 axes");
}

fn curve(epochs: u32) -> LearningCurve {
    let points = (1..=epochs).map(|epoch| CurvePoint {
        epoch,
        train_loss: 2.0 / f64::from(epoch),
        val_loss: epoch.is_multiple_of(2).then_some(2.2 / f64::from(epoch)),
        accuracy: Some(90.0 - 60.0 / f64::from(epoch)),
    });
    LearningCurve {
        caption: Caption {
            subtitle: vec!["photos".to_owned()],
            ..Caption::new("MobileNetV2 <small>")
        },
        points: points.collect(),
    }
}

#[test]
fn a_learning_curve_has_any_number_of_epochs() -> Outcome {
    for epochs in [0, 1, 2, 30, 600] {
        let curve = curve(epochs);
        let svg = curve.draw()?;
        let document = checked(&format!("curve-{epochs}"), &svg, (1600, 1000))?;
        assert_eq!(
            count(&document, "validation top-1"),
            usize::from(epochs > 0),
            "{epochs}"
        );
        assert_eq!(count(&document, "validation"), usize::from(epochs > 1), "{epochs}");
        assert!(document.contains("&lt;small&gt;") && !document.contains("<desc>"));
        assert_eq!(svg, curve.draw()?);
    }
    Ok(())
}

#[test]
fn losses_that_are_no_numbers_are_left_out() -> Outcome {
    let mut curve = curve(3);
    curve.points[1].train_loss = f64::NAN;
    curve.points[2].val_loss = Some(f64::INFINITY);
    checked("curve-not-finite", &curve.draw()?, (1600, 1000))?;
    Ok(())
}

fn agreement(points: &[(f64, f64)]) -> Agreement {
    let series = |name: &str, is_family| AgreementSeries {
        name: name.to_owned(),
        is_family,
        points: points.to_vec(),
    };
    Agreement {
        caption: Caption {
            subtitle: vec!["predicted and measured".to_owned()],
            ..Caption::new("host")
        },
        series: vec![series("random networks", false), series("MobileNetV2", true)],
    }
}

#[test]
fn agreement_is_drawn_for_any_number_of_points() -> Result<(), FigureError> {
    let many: Vec<(f64, f64)> = (1..90)
        .map(|i| (0.1 * f64::from(i), 0.1 * f64::from(i + i % 3)))
        .collect();
    for points in [vec![], vec![(1.0, 1.02)], vec![(0.0, 1.0), (2.0, f64::NAN)], many] {
        let agreement = agreement(&points);
        let svg = agreement.draw()?;
        let document = checked(&format!("agreement-{}", points.len()), &svg, (1600, 900))?;
        assert!(document.contains("measured (ms") && document.contains(&format!("MobileNetV2 ({})", points.len())));
        assert_eq!(svg, agreement.draw()?);
    }
    Ok(())
}
