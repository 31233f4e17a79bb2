//! Tests of heat maps.

use super::{Outcome, checked, count};
use crate::{Caption, HeatCell, HeatMap};

/// Heat map of accuracy over width and resolution; cells over 12 ms are hatched, and one cell has no value.
fn map(columns: usize, rows: usize) -> HeatMap {
    let cell = |row: usize, column: usize| {
        let (width, resolution) = (0.35 + 0.15 * column as f64, 224.0 - 12.0 * row as f64);
        let accuracy = 76.0 - 6.0 / width - 900.0 / resolution;
        let latency = 14.0 * width * (resolution / 224.0).powi(2);
        HeatCell {
            value: (row + column > 0).then_some(accuracy),
            lines: vec![format!("{accuracy:.1}"), format!("{latency:.1} ms")],
            is_hatched: latency > 12.0,
        }
    };
    HeatMap {
        caption: Caption {
            title: "MobileNetV2: width and resolution".to_owned(),
            subtitle: vec!["predicted ImageNet top-1 and latency on host".to_owned()],
            description: "Accuracy grows to the upper right.".to_owned(),
        },
        x_title: "width multiplier".to_owned(),
        columns: (0..columns)
            .map(|column| format!("{:.2}", 0.35 + 0.15 * column as f64))
            .collect(),
        y_title: "resolution (px)".to_owned(),
        rows: (0..rows).map(|row| format!("{}", 224 - 12 * row)).collect(),
        value_title: "predicted top-1 (%)".to_owned(),
        cells: (0..rows)
            .map(|row| (0..columns).map(|column| cell(row, column)).collect())
            .collect(),
        best: (columns > 3).then(|| (1, 3, "best within 12 ms".to_owned())),
        hatched: "over the budget of 12 ms".to_owned(),
        height: 900,
    }
}

#[test]
fn a_grid_of_width_and_resolution() -> Outcome {
    let map = map(7, 7);
    let svg = map.draw()?;
    let document = checked("heat-map", &svg, (1600, 900))?;
    assert_eq!(count(&document, "best within 12 ms"), 1);
    assert_eq!(count(&document, "over the budget of 12 ms"), 1);
    assert!(document.contains("<desc>Accuracy grows to the upper right.</desc>"));
    assert_eq!(svg, map.draw()?);
    Ok(())
}

#[test]
fn grids_of_any_size_are_drawn() -> Outcome {
    for (columns, rows) in [(0, 0), (1, 1), (40, 3), (3, 16)] {
        let svg = map(columns, rows).draw()?;
        checked(
            &format!("heat-map-{columns}-{rows}"),
            &svg,
            (1600, if rows > 15 { 910 } else { 900 }),
        )?;
    }
    Ok(())
}

#[test]
fn contradictions_are_named() {
    let mut ragged = map(4, 3);
    ragged.cells[1].pop();
    let error = ragged.draw().expect_err("a cell is missing").to_string();
    assert_eq!(error, "row `212`: 3 cells for 4 columns");
    let mut outside = map(4, 3);
    outside.best = Some((3, 0, String::new()));
    assert!(outside.draw().is_err());
}
