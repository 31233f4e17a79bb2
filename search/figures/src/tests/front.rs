//! Tests of figures of Pareto fronts.

use super::{Outcome, checked, noise};
use crate::{Best, Budget, Caption, FrontFamily, FrontFigure, FrontPanel, Point, PointMark, Svg};

const SIZE: (u32, u32) = (1600, 1000);

/// Indices of the candidates on the front, and of the dominated ones.
fn split(points: &[(f64, f64)]) -> (Vec<usize>, Vec<usize>) {
    let is_dominated = |&index: &usize| {
        let (latency, accuracy) = points[index];
        let dominates = |&(other, &(ms, top1)): &(usize, &(f64, f64))| {
            let is_better = ms < latency || top1 > accuracy || other < index;
            other != index && ms <= latency && top1 >= accuracy && is_better
        };
        points.iter().enumerate().any(|pair| dominates(&pair))
    };
    let (dominated, mut front): (Vec<usize>, Vec<usize>) = (0..points.len()).partition(is_dominated);
    front.sort_by(|&left, &right| points[left].0.total_cmp(&points[right].0));
    (front, dominated)
}

/// Panel of candidates, with measurements for every second candidate on the front.
fn panel(points: &[(f64, f64)], budget: Option<f64>) -> FrontPanel {
    let (front, dominated) = split(points);
    let mark = |latency: f64| {
        if budget.is_some_and(|budget| latency > budget) {
            PointMark::Hollow
        } else {
            PointMark::Full
        }
    };
    let member = |(order, &index): (usize, &usize)| {
        let (latency, accuracy) = points[index];
        Point {
            x_interval: Some((latency * 0.94, latency * 1.07)),
            measured_x: (order % 2 == 0).then(|| latency * [1.06, 0.97, 1.11][order / 2 % 3]),
            ..Point::new(latency, accuracy)
                .labelled(format!("#{index}"))
                .marked(mark(latency))
        }
    };
    let front: Vec<Point> = front.iter().enumerate().map(member).collect();
    let within = front.iter().filter(|point| point.mark == PointMark::Full);
    let best = within
        .max_by(|left, right| left.y.total_cmp(&right.y))
        .map(|point| Best {
            point: point.clone(),
            lines: vec![
                format!(
                    "best within budget: {}, {:.2} %",
                    point.label.as_deref().unwrap_or_default(),
                    point.y
                ),
                format!("{:.1} ms predicted, {:.1} ms measured", point.x, 1.03 * point.x),
                "2.37 M params, 193 M MAdds, 192 px".to_owned(),
            ],
            legend: "best within budget".to_owned(),
        });
    let dominated = dominated
        .iter()
        .map(|&index| Point::new(points[index].0, points[index].1).marked(mark(points[index].0)));
    FrontPanel {
        title: String::new(),
        latency_title: "predicted latency (ms)".to_owned(),
        accuracy_title: "top-1 accuracy (%)".to_owned(),
        budget: budget.map(|at| Budget {
            at,
            label: format!("budget {at:.1} ms"),
        }),
        dominated: dominated.collect(),
        families: Vec::new(),
        front,
        best,
    }
}

/// Family of references, joined by a line in order.
fn family(name: &str, points: &[(&str, f64, f64)]) -> FrontFamily {
    let point = |&(label, latency, accuracy): &(&str, f64, f64)| Point::new(latency, accuracy).labelled(label);
    FrontFamily {
        name: name.to_owned(),
        points: points.iter().map(point).collect(),
        joined: (0..points.len()).collect(),
    }
}

fn families() -> Vec<FrontFamily> {
    vec![
        family(
            "MobileNetV1",
            &[
                ("V1 0.5× 224", 12.4, 63.9),
                ("V1 0.75× 160", 13.2, 65.2),
                ("V1 1.0× 160", 19.8, 67.9),
            ],
        ),
        family(
            "MobileNetV2",
            &[
                ("V2 0.75× 160", 10.4, 66.3),
                ("V2 0.75× 224", 18.4, 69.8),
                ("V2 1.0× 224", 24.6, 71.6),
            ],
        ),
        family(
            "MobileNetV3-Large",
            &[
                ("V3-Large 0.75× 160", 12.9, 68.8),
                ("V3-Large 0.75× 224", 17.3, 72.9),
                ("V3-Large 1.0× 224", 22.9, 74.4),
            ],
        ),
        family(
            "MobileNetV3-Small",
            &[("V3-Small 0.75× 224", 6.9, 65.2), ("V3-Small 1.0× 224", 8.1, 66.9)],
        ),
    ]
}

/// 58 synthetic candidates.
fn candidates() -> Vec<(f64, f64)> {
    (0..58)
        .map(|number| {
            let latency = 6.0 + 26.0 * noise(number).powf(1.3);
            (
                latency,
                76.0 - 60.0 / (latency + 0.5) - 6.5 * noise(number + 1000).powi(2),
            )
        })
        .collect()
}

fn figure(panels: Vec<FrontPanel>) -> FrontFigure {
    FrontFigure {
        caption: Caption {
            title: "made-up study <demo> & labels".to_owned(),
            subtitle: vec![
                "device: host, ONNX Runtime 1.23, 1 thread, fp32; data: made up".to_owned(),
                "accuracy: validation, 32 px proxy, 4 epochs, 2,000 images".to_owned(),
            ],
            description: "Accuracy over latency of made-up networks.".to_owned(),
        },
        panels,
        notes: Vec::new(),
    }
}

fn draw(panel: FrontPanel) -> Result<Svg, crate::FigureError> {
    figure(vec![panel]).draw()
}

#[test]
fn a_full_study_names_everything_and_loses_no_label() -> Outcome {
    let figure = FrontFigure {
        notes: vec!["not drawn: 1 over budget, not trained; 1 failed".to_owned()],
        ..figure(vec![FrontPanel {
            families: families(),
            ..panel(&candidates(), Some(20.0))
        }])
    };
    let svg = figure.draw()?;
    let document = checked("full", &svg, SIZE)?;
    for text in [
        "<title>made-up study &lt;demo&gt; &amp; labels</title>",
        "<desc>Accuracy over latency of made-up networks.</desc>",
        "budget 20.0 ms",
        "top-1 accuracy (%)",
        "predicted latency (ms)",
        "Pareto front",
        "hollow: over budget",
        "MobileNetV3-Large",
        "V2 0.75× 160",
        "V3-Small 1.0× 224",
        "best within budget: #",
        "not drawn: 1 over budget, not trained; 1 failed",
    ] {
        assert!(document.contains(text), "{text} is missing");
    }
    assert!(!document.contains("found no room"));
    assert_eq!(svg, figure.draw()?, "equal input gives equal bytes");
    Ok(())
}

#[test]
fn a_wide_span_is_logarithmic_and_the_figure_names_it_so() -> Outcome {
    let points: Vec<(f64, f64)> = (0..20)
        .map(|step| {
            let accuracy = 40.0 + 1.8 * f64::from(step) - f64::from(step % 3);
            (1.5 * 1.27_f64.powi(step), accuracy)
        })
        .collect();
    let svg = draw(FrontPanel {
        families: vec![family("GhostNet", &[("GhostNet 1.0× 224", 18.0, 66.0)])],
        ..panel(&points, Some(20.0))
    })?;
    let document = checked("wide", &svg, SIZE)?;
    assert!(document.contains("predicted latency (ms, logarithmic)"));
    Ok(())
}

#[test]
fn degenerate_studies_still_draw() -> Outcome {
    let document = checked("empty", &draw(panel(&[], Some(20.0)))?, SIZE)?;
    assert!(document.contains("no complete candidate yet"));
    checked("one", &draw(panel(&[(12.0, 70.0)], None))?, SIZE)?;
    let equal = [(8.0, 50.0), (12.0, 50.0), (15.0, 50.0), (15.0, 50.0)];
    checked("equal", &draw(panel(&equal, Some(13.0)))?, SIZE)?;
    checked("edges", &draw(panel(&[(3.0, 0.0), (9.0, 100.0)], Some(1.0)))?, SIZE)?;
    let no_budget = checked(
        "no-references",
        &draw(panel(&[(8.0, 51.0), (12.0, 60.0), (15.0, 58.0)], None))?,
        SIZE,
    )?;
    assert!(!no_budget.contains("budget 1"));
    let only_references = FrontPanel {
        families: families(),
        ..panel(&[], Some(10.0))
    };
    checked("only-references", &draw(only_references)?, SIZE)?;
    let not_finite = [(f64::NAN, 50.0), (-1.0, 60.0), (0.0, 60.0), (5.0, f64::INFINITY)];
    checked("not-finite", &draw(panel(&not_finite, Some(f64::NAN)))?, SIZE)?;
    Ok(())
}

#[test]
fn long_titles_and_many_lines_stay_inside() -> Outcome {
    let mut long = figure(vec![FrontPanel {
        latency_title: "latency ".repeat(60),
        accuracy_title: "accuracy ".repeat(60),
        families: families(),
        ..panel(&candidates(), None)
    }]);
    long.caption.title = "a title that goes on and on ".repeat(10);
    long.caption.subtitle = vec!["word ".repeat(80), "w".repeat(400)];
    long.notes = vec!["a remark ".repeat(60)];
    let document = checked("long", &long.draw()?, SIZE)?;
    assert!(document.contains('…'));
    // A caption that leaves too little space increases the height of the figure.
    long.caption.subtitle = vec!["line".to_owned(); 30];
    let high = long.draw()?;
    let height = high.as_str().split('"').nth(5).and_then(|height| height.parse().ok());
    let height = height.expect("the third attribute is the height");
    assert!(height > SIZE.1);
    checked("high", &high, (SIZE.0, height))?;
    Ok(())
}

#[test]
fn thirty_six_references_in_a_cluster_all_keep_their_labels() -> Outcome {
    let mut crowd = Vec::new();
    for (row, width) in ["0.35×", "0.5×", "0.75×", "1.0×", "1.4×", "1.3×"]
        .into_iter()
        .enumerate()
    {
        for (step, resolution) in [96, 128, 160, 192].into_iter().enumerate() {
            let spread = (72 + 4 * row + step) as f64;
            let latency = 9.0 + 3.0 * (spread * 1.7).sin() + step as f64;
            let accuracy = 66.0 + 2.0 * (spread * 2.3).cos() + step as f64 * 0.6;
            crowd.push(Point::new(latency, accuracy).labelled(format!("V2 {width} {resolution}")));
        }
    }
    let mut families = families();
    families[1].points.extend(crowd);
    let svg = draw(FrontPanel {
        families,
        ..panel(&candidates(), Some(15.0))
    })?;
    assert!(!checked("crowded", &svg, SIZE)?.contains("found no room"));
    Ok(())
}

#[test]
fn two_fronts_stand_side_by_side_with_one_legend() -> Outcome {
    let predicted: Vec<(f64, f64)> = candidates();
    let trained: Vec<(f64, f64)> = predicted.iter().map(|&(ms, top1)| (ms * 0.4, top1 - 18.0)).collect();
    let mut left = FrontPanel {
        title: "predicted, ImageNet".to_owned(),
        accuracy_title: "predicted ImageNet top-1 (%)".to_owned(),
        families: families(),
        ..panel(&predicted, Some(20.0))
    };
    for point in &mut left.front {
        point.y_interval = Some((point.y - 1.2, point.y + 1.1));
    }
    let right = FrontPanel {
        title: "trained here, CIFAR-10".to_owned(),
        accuracy_title: "validation top-1 (%)".to_owned(),
        ..panel(&trained, Some(8.0))
    };
    let document = checked("two-fronts", &figure(vec![left, right]).draw()?, (1600, 860))?;
    assert_eq!(super::count(&document, "Pareto front"), 1);
    assert_eq!(super::count(&document, "predicted latency (ms)"), 2);
    Ok(())
}

#[test]
fn a_small_plot_keeps_its_bytes() -> Outcome {
    let svg = draw(FrontPanel {
        families: vec![family("MobileNetV3-Small", &[("V3-Small 0.75× 160", 9.0, 50.0)])],
        ..panel(&[(8.0, 51.0), (12.0, 60.0), (15.0, 58.0), (24.0, 66.0)], Some(20.0))
    })?;
    insta::assert_snapshot!(checked("small", &svg, SIZE)?);
    Ok(())
}
