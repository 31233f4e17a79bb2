//! Tables as CSV, units in the column names: `trials.csv` and `front.csv`, written by polars with one row per network,
//! and the rows that other commands print.

use std::path::{Path, PathBuf};

use polars::prelude::{Column, CsvWriter, DataFrame, PolarsResult, SerWriter as _};
use serde::Serialize;

use super::ReportError;
use super::point::ReportRow;
use mnas_engine::files::write_atomically;

/// All rows as CSV with a header: trials in their order, then rows that are no trial, by name.
///
/// An absent value is an empty field. Floating-point numbers are written in the shortest form that reads back equal.
pub fn trials_csv(rows: &[ReportRow]) -> Result<Vec<u8>, ReportError> {
    let mut sorted: Vec<&ReportRow> = rows.iter().collect();
    sorted.sort_by(|left, right| {
        let key = |row: &ReportRow| (row.trial.is_none(), row.trial);
        key(left)
            .cmp(&key(right))
            .then_with(|| left.name.cmp(&right.name))
            .then_with(|| left.id.cmp(&right.id))
    });
    to_csv(&sorted)
}

/// The rows on the front as CSV with the columns of [`trials_csv`], from the fastest to the slowest.
pub fn front_csv(rows: &[ReportRow]) -> Result<Vec<u8>, ReportError> {
    let mut sorted: Vec<&ReportRow> = rows.iter().filter(|row| row.on_front).collect();
    let latency = |row: &ReportRow| row.axis_latency_ms().unwrap_or(f64::INFINITY);
    sorted.sort_by(|left, right| {
        latency(left)
            .total_cmp(&latency(right))
            .then(left.trial.cmp(&right.trial))
    });
    to_csv(&sorted)
}

/// Writes `trials.csv` and `front.csv` into `folder` and returns their paths; each replaces its predecessor in one step.
pub fn write_tables(folder: &Path, rows: &[ReportRow]) -> Result<[PathBuf; 2], ReportError> {
    let trials = folder.join("trials.csv");
    write_atomically(&trials, &trials_csv(rows)?)?;
    let front = folder.join("front.csv");
    write_atomically(&front, &front_csv(rows)?)?;
    Ok([trials, front])
}

/// Any rows as CSV text: a column for each field of `T`, which is flat. An absent value is an empty field.
pub fn to_csv_text<T: Serialize>(rows: &[T]) -> Result<String, ReportError> {
    let problem = |reason: String| ReportError::Csv { reason };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|error| problem(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| problem(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| problem(error.to_string()))
}

fn to_csv(rows: &[&ReportRow]) -> Result<Vec<u8>, ReportError> {
    let write = || -> PolarsResult<Vec<u8>> {
        let mut frame = data_frame(rows)?;
        let mut bytes = Vec::new();
        CsvWriter::new(&mut bytes).finish(&mut frame)?;
        Ok(bytes)
    };
    write().map_err(|error| ReportError::Csv {
        reason: error.to_string(),
    })
}

fn data_frame(rows: &[&ReportRow]) -> PolarsResult<DataFrame> {
    let text = |name: &str, value: &dyn Fn(&ReportRow) -> String| {
        // An empty text as null: polars writes it as `""` otherwise.
        let present = |row: &&ReportRow| Some(value(row)).filter(|text| !text.is_empty());
        Column::new(name.into(), rows.iter().map(present).collect::<Vec<Option<String>>>())
    };
    let flag = |name: &str, value: &dyn Fn(&ReportRow) -> bool| {
        Column::new(name.into(), rows.iter().map(|row| value(row)).collect::<Vec<bool>>())
    };
    let number = |name: &str, value: &dyn Fn(&ReportRow) -> Option<f64>| {
        let finite = |row: &&ReportRow| value(row).filter(|number| number.is_finite());
        Column::new(name.into(), rows.iter().map(finite).collect::<Vec<Option<f64>>>())
    };
    let count = |name: &str, value: &dyn Fn(&ReportRow) -> Option<u64>| {
        Column::new(
            name.into(),
            rows.iter().map(|row| value(row)).collect::<Vec<Option<u64>>>(),
        )
    };
    DataFrame::new(
        rows.len(),
        vec![
            count("trial", &|row| row.trial),
            text("kind", &|row| row.kind.to_string()),
            text("name", &|row| row.name.clone()),
            text("id", &|row| row.id.clone()),
            text("status", &|row| row.status.to_string()),
            flag("on_front", &|row| row.on_front),
            flag("within_budget", &|row| row.within_budget),
            number("accuracy_percent", &|row| row.accuracy),
            number("latency_predicted_ms", &|row| row.latency_ms),
            number("latency_low_ms", &|row| row.latency_low_ms),
            number("latency_high_ms", &|row| row.latency_high_ms),
            number("latency_measured_ms", &|row| row.measured_ms),
            count("params", &|row| Some(row.params)),
            count("macs", &|row| Some(row.macs)),
            count("peak_activation_bytes", &|row| Some(row.peak_activation_bytes)),
            count("resolution_px", &|row| Some(u64::from(row.resolution))),
            number("train_seconds", &|row| row.train_seconds),
            text("architecture", &|row| row.architecture.clone()),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{reference, row, study};
    use super::super::point::{RowKind, RowStatus, mark_front};
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    const HEADER: &str = "trial,kind,name,id,status,on_front,within_budget,accuracy_percent,latency_predicted_ms,\
        latency_low_ms,latency_high_ms,latency_measured_ms,params,macs,peak_activation_bytes,resolution_px,train_seconds,architecture";

    #[test]
    fn columns_are_stable_and_absent_values_empty() -> Outcome {
        let mut rows = vec![
            reference("MobileNetV2 1.0x 224", 20.5, 71.25),
            row(RowKind::Candidate, 1, 12.25, 60.5),
        ];
        rows.push(ReportRow {
            trial: Some(0),
            status: RowStatus::Failed,
            architecture: "a, \"quoted\" one".to_owned(),
            ..ReportRow::new(RowKind::Candidate, "abc")
        });
        rows[1].latency_low_ms = Some(f64::NAN);
        mark_front(&mut rows, Some(13.0));
        let csv = String::from_utf8(trials_csv(&rows)?)?;
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[0], HEADER);
        assert_eq!(
            lines[1],
            r#"0,candidate,,abc,failed,false,false,,,,,,0,0,0,0,,"a, ""quoted"" one""#
        );
        assert!(lines[2].starts_with("1,candidate,,"), "{}", lines[2]);
        assert!(
            lines[2].contains(",complete,true,true,60.5,12.25,,13.10"),
            "{}",
            lines[2]
        );
        assert!(lines[3].starts_with(",reference,MobileNetV2 1.0x 224,"), "{}", lines[3]);
        assert_eq!(lines.len(), 4);
        Ok(())
    }

    #[test]
    fn the_front_is_sorted_by_latency_and_holds_candidates_only() -> Outcome {
        let rows = study(Some(20.0));
        let csv = String::from_utf8(front_csv(&rows)?)?;
        let latencies: Vec<f64> = csv
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(8).unwrap_or_default().parse())
            .collect::<Result<_, _>>()?;
        assert_eq!(latencies.len(), rows.iter().filter(|row| row.on_front).count());
        assert!(latencies.is_sorted());
        assert!(!csv.contains("reference"));
        Ok(())
    }

    #[test]
    fn no_rows_still_have_a_header() -> Outcome {
        assert_eq!(String::from_utf8(front_csv(&[])?)?.trim_end(), HEADER);
        let folder = tempfile::tempdir()?;
        let paths = write_tables(folder.path(), &study(None))?;
        assert_eq!(std::fs::read_to_string(&paths[0])?.lines().count(), 73);
        Ok(())
    }
}
