//! References beside the front: a table, a CSV file, and the rows of the JSON document.

use std::path::{Path, PathBuf};

use serde::Serialize;

use mnas_engine::files::write_atomically;

use super::listing::{Heading, listing};
use super::{ReportError, to_csv_text, units};

/// A reference beside the candidates of its study. Differences are positive where the candidates are ahead.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReferenceRow {
    /// Name, width and resolution.
    pub name: String,
    /// Its top-1 accuracy in percent.
    pub top1: f64,
    /// Its latency in milliseconds, as measured where it was measured; `None` without a device.
    pub latency_ms: Option<f64>,
    /// Its multiply-adds.
    pub macs: u64,
    /// True if it keeps every constraint.
    pub within_budget: bool,
    /// True if some candidate is at least as accurate and as small, and better in one.
    pub dominated: bool,
    /// Points by which the most accurate candidate that is not larger is ahead.
    pub points: Option<f64>,
    /// Milliseconds by which the fastest candidate that is as accurate is ahead; `None` without a device.
    pub ms: Option<f64>,
    /// Multiply-adds by which the smallest candidate that is as accurate is ahead, where networks are compared on them.
    pub macs_saved: Option<f64>,
}

/// Writes `references.csv` into `folder` and returns its path; `None` where there are no references.
pub fn write_references(folder: &Path, rows: &[ReferenceRow]) -> Result<Option<PathBuf>, ReportError> {
    if rows.is_empty() {
        return Ok(None);
    }
    let path = folder.join("references.csv");
    write_atomically(&path, to_csv_text(rows)?.as_bytes())?;
    Ok(Some(path))
}

const HEADINGS: [Heading; 6] = [
    Heading::text("reference"),
    Heading::number("accuracy").expendable(2),
    Heading::number("latency").expendable(1),
    Heading::text("dominated"),
    Heading::number("at its size"),
    Heading::number("at its accuracy"),
];

/// The references with the lead of the candidates over each: in points at equal latency, in latency at equal accuracy.
///
/// Without a device, networks are compared on multiply-adds.
pub fn references_table(rows: &[ReferenceRow], width: Option<u16>) -> String {
    let has_device = rows.iter().any(|row| row.latency_ms.is_some());
    let mut headings = HEADINGS;
    headings[2] = Heading::number(if has_device { "latency" } else { "MAdds" }).expendable(1);
    headings[4] = Heading::number(if has_device { "at its latency" } else { "at its MAdds" });
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    listing(&headings, &rows, width)
}

fn cells(row: &ReferenceRow) -> Vec<String> {
    let size = row
        .latency_ms
        .map_or_else(|| units::count(row.macs), units::milliseconds);
    let points = row
        .points
        .map_or_else(|| "none as small".to_owned(), |points| format!("{points:+.2} points"));
    let saved = match (row.ms, row.macs_saved) {
        (Some(ms), _) => units::lead(ms, "ms"),
        (None, Some(macs)) => units::lead(macs / 1e6, "M"),
        (None, None) => "none as accurate".to_owned(),
    };
    let dominated = match (row.dominated, row.within_budget) {
        (true, true) => "yes",
        (true, false) => "yes, over budget",
        (false, true) => "no",
        (false, false) => "no, over budget",
    };
    vec![
        row.name.clone(),
        units::percent(row.top1),
        size,
        dominated.to_owned(),
        points,
        saved,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<ReferenceRow> {
        let row = |name: &str, points, ms| ReferenceRow {
            name: name.to_owned(),
            top1: 61.25,
            latency_ms: Some(8.4),
            macs: 68_000_000,
            within_budget: true,
            dominated: points > Some(0.0) && ms >= Some(0.0),
            points,
            ms,
            macs_saved: None,
        };
        vec![
            row("MobileNetV1 0.5x 160", Some(5.5), Some(3.25)),
            row("MobileNetV3-Small 0.35x 96", None, Some(-0.4)),
            ReferenceRow {
                within_budget: false,
                ..row("MobileNetV3-Large 1.25x 224", Some(-1.0), None)
            },
        ]
    }

    #[test]
    fn the_lead_over_every_reference_is_a_number_or_says_why_not() {
        insta::assert_snapshot!(references_table(&rows(), None));
        let mut without_device = rows();
        for row in &mut without_device {
            (row.latency_ms, row.ms, row.macs_saved) = (None, None, Some(12.5e6));
        }
        let table = references_table(&without_device, None);
        assert!(
            table.contains("at its MAdds") && table.contains("12.5 M less") && table.contains("68.0 M"),
            "{table}"
        );
    }

    #[test]
    fn the_file_has_units_in_its_columns() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write_references(folder.path(), &[]).unwrap(), None);
        let path = write_references(folder.path(), &rows()).unwrap().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            text.starts_with("name,top1,latency_ms,macs,within_budget,dominated,points,ms,macs_saved\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 4);
    }
}
