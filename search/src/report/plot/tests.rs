use super::super::fixture::{reference, row, study};
use super::super::point::{RowKind, mark_front};
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

/// Draws both forms, and leaves them in the folder named by `MNAS_PLOT_TEST_OUT` if it is set, to be looked at.
fn draw(name: &str, rows: &[ReportRow], spec: &PlotSpec) -> Result<String, Box<dyn std::error::Error>> {
    let svg = render_svg(rows, spec)?;
    let png = render_png(rows, spec)?;
    assert!(svg.starts_with("<svg width=\"1600\" height=\"1000\""));
    assert!(svg.trim_end().ends_with("</svg>"));
    let size = image::load_from_memory_with_format(&png, image::ImageFormat::Png)?;
    assert_eq!((size.width(), size.height()), (1600, 1000));
    if let Some(folder) = std::env::var_os("MNAS_PLOT_TEST_OUT") {
        let folder = PathBuf::from(folder);
        std::fs::write(folder.join(format!("{name}.svg")), &svg)?;
        std::fs::write(folder.join(format!("{name}.png")), &png)?;
    }
    Ok(svg)
}

fn candidates(points: &[(f64, f64)], budget_ms: Option<f64>) -> Vec<ReportRow> {
    let numbered = (0..).zip(points);
    let mut rows: Vec<ReportRow> = numbered
        .map(|(number, &(latency, accuracy))| row(RowKind::Candidate, number, latency, accuracy))
        .collect();
    mark_front(&mut rows, budget_ms);
    rows
}

#[test]
fn a_full_study_names_everything_and_loses_no_label() -> Outcome {
    let rows = study(Some(20.0));
    let svg = draw("full", &rows, &spec(Some(20.0)))?;
    for text in [
        "made-up study &lt;demo&gt; &amp; labels",
        "budget 20.0 ms",
        "top-1 accuracy (%)",
        "predicted latency (ms)",
        "Pareto front",
        "MobileNetV3-Large",
        "V2 0.75× 160",
        "V3-Small 1.0× 224",
        "best within budget: #",
        "not drawn: 1 over budget, not trained; 1 failed",
    ] {
        assert!(svg.contains(text), "{text} is missing");
    }
    assert!(!svg.contains("found no room"));
    assert_eq!(
        svg,
        render_svg(&rows, &spec(Some(20.0)))?,
        "equal input gives equal bytes"
    );
    Ok(())
}

#[test]
fn a_wide_span_is_logarithmic_and_says_so() -> Outcome {
    let points: Vec<(f64, f64)> = (0..20)
        .map(|step| {
            (
                1.5 * 1.27_f64.powi(step),
                40.0 + 1.8 * f64::from(step) - f64::from(step % 3),
            )
        })
        .collect();
    let mut rows = candidates(&points, Some(20.0));
    rows.push(reference("GhostNet 1.0x 224", 18.0, 66.0));
    mark_front(&mut rows, Some(20.0));
    let svg = draw("wide", &rows, &spec(Some(20.0)))?;
    assert!(svg.contains("predicted latency (ms, logarithmic)"));
    assert!(svg.contains("GhostNet"));
    Ok(())
}

#[test]
fn degenerate_studies_still_draw() -> Outcome {
    let no_accuracy: Vec<ReportRow> = (0..5)
        .map(|number| ReportRow::new(RowKind::Candidate, format!("{number}")))
        .collect();
    let svg = draw("empty", &no_accuracy, &spec(Some(20.0)))?;
    assert!(svg.contains("no complete candidate yet") && svg.contains("not drawn: 5 unfinished"));
    draw("nothing", &[], &spec(None))?;
    draw("one", &candidates(&[(12.0, 70.0)], None), &spec(None))?;
    draw(
        "equal",
        &candidates(&[(8.0, 50.0), (12.0, 50.0), (15.0, 50.0), (15.0, 50.0)], Some(13.0)),
        &spec(Some(13.0)),
    )?;
    draw(
        "edges",
        &candidates(&[(3.0, 0.0), (9.0, 100.0)], Some(1.0)),
        &spec(Some(1.0)),
    )?;
    let svg = draw(
        "no-references",
        &candidates(&[(8.0, 51.0), (12.0, 60.0), (15.0, 58.0)], None),
        &spec(None),
    )?;
    assert!(!svg.contains("budget"));
    let mut only: Vec<ReportRow> = vec![reference("MobileNetV2 1.0x 224", 20.0, 70.0)];
    mark_front(&mut only, Some(10.0));
    draw("only-references", &only, &spec(Some(10.0)))?;
    Ok(())
}

#[test]
fn long_titles_and_many_lines_stay_inside() -> Outcome {
    let long = "a title that goes on and on ".repeat(10);
    let rows = study(None);
    let spec = PlotSpec {
        subtitle: vec!["word ".repeat(80), "w".repeat(400)],
        ..PlotSpec::new(long)
    };
    let svg = draw("long", &rows, &spec)?;
    assert!(svg.contains('…'));
    Ok(())
}

#[test]
fn thirty_six_references_in_a_cluster_all_keep_their_labels() -> Outcome {
    let mut rows = study(Some(15.0));
    for width in ["0.35x", "0.5x", "0.75x", "1.0x", "1.4x", "1.3x"] {
        for (step, resolution) in [96, 128, 160, 192].into_iter().enumerate() {
            let spread = rows.len() as f64;
            let latency = 9.0 + 3.0 * (spread * 1.7).sin() + step as f64;
            rows.push(reference(
                &format!("MobileNetV2 {width} {resolution}"),
                latency,
                66.0 + 2.0 * (spread * 2.3).cos() + step as f64 * 0.6,
            ));
        }
    }
    mark_front(&mut rows, Some(15.0));
    let svg = draw("crowded", &rows, &spec(Some(15.0)))?;
    assert!(!svg.contains("found no room"));
    Ok(())
}

#[test]
fn both_files_are_written() -> Outcome {
    let folder = tempfile::tempdir()?;
    let paths = write_plots(folder.path(), &study(Some(20.0)), &spec(Some(20.0)))?;
    assert_eq!(std::fs::read(&paths[1])?[..4], *b"\x89PNG");
    assert!(std::fs::read_to_string(&paths[0])?.contains("<title>made-up study"));
    Ok(())
}

#[test]
fn a_small_plot_keeps_its_bytes() -> Outcome {
    let mut rows = candidates(&[(8.0, 51.0), (12.0, 60.0), (15.0, 58.0), (24.0, 66.0)], Some(20.0));
    rows[1].measured_ms = Some(12.75);
    rows.push(reference("MobileNetV3-Small 0.75x 160", 9.0, 50.0));
    mark_front(&mut rows, Some(20.0));
    let svg = draw("small", &rows, &spec(Some(20.0)))?;
    insta::assert_snapshot!(svg);
    Ok(())
}
