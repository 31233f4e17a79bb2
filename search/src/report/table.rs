//! The closing table on the terminal: the front and the references side by side, the best network marked.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table};

use super::listing::{RULES, visible_width};
use super::point::{ReportRow, RowKind, best_row, epochs_differ};
use super::units;

/// Options of a table's layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableOptions {
    /// Columns of the terminal; `None` (no terminal) means as wide as needed.
    pub width: Option<u16>,
    /// True if colour and bold may be used.
    pub color: bool,
}

/// One column: heading, alignment, and text of a cell.
struct TableColumn {
    heading: &'static str,
    numeric: bool,
    /// Columns with a higher number are left out first where the terminal is narrow; 0 always stays.
    expendable: u8,
    value: fn(&Line<'_>) -> String,
}

/// A row with its properties among all rows.
struct Line<'a> {
    row: &'a ReportRow,
    rank: Option<usize>,
    best: bool,
}

/// Heading of the column that is left out where no network has a prediction.
const PREDICTED: &str = "ImageNet, predicted";

/// Heading of the accuracies; scores have their own.
const ACCURACY: &str = "accuracy";

/// Heading of the column that is left out where all networks of a study are trained equally long.
const EPOCHS: &str = "epochs";

const ABSENT: &str = "–";

const COLUMNS: [TableColumn; 11] = [
    TableColumn {
        heading: "rank",
        numeric: true,
        expendable: 1,
        value: |line| line.rank.map_or_else(String::new, |rank| rank.to_string()),
    },
    TableColumn {
        heading: "network",
        numeric: false,
        expendable: 0,
        value: |line| line.row.label(),
    },
    TableColumn {
        heading: ACCURACY,
        numeric: true,
        expendable: 0,
        value: |line| match line.row.accuracy {
            Some(score) if line.row.is_score && score.is_finite() => format!("{score:.1}"),
            accuracy => optional(accuracy, units::percent),
        },
    },
    TableColumn {
        heading: EPOCHS,
        numeric: true,
        expendable: 0,
        value: |line| {
            line.row
                .epochs
                .map_or_else(|| ABSENT.to_owned(), |epochs| epochs.to_string())
        },
    },
    TableColumn {
        heading: "predicted",
        numeric: true,
        expendable: 0,
        value: |line| optional(line.row.latency_ms, units::milliseconds),
    },
    TableColumn {
        heading: "measured",
        numeric: true,
        expendable: 2,
        value: |line| optional(line.row.measured_ms, units::milliseconds),
    },
    TableColumn {
        heading: PREDICTED,
        numeric: true,
        expendable: 6,
        value: |line| optional(line.row.imagenet_top1, |top1| format!("{top1:.1} %")),
    },
    TableColumn {
        heading: "params",
        numeric: true,
        expendable: 3,
        value: |line| units::count(line.row.params),
    },
    TableColumn {
        heading: "MAdds",
        numeric: true,
        expendable: 4,
        value: |line| units::count(line.row.macs),
    },
    TableColumn {
        heading: "input",
        numeric: true,
        expendable: 5,
        value: |line| format!("{} px", line.row.resolution),
    },
    TableColumn {
        heading: "note",
        numeric: false,
        expendable: 0,
        value: note,
    },
];

fn optional(value: Option<f64>, format: fn(f64) -> String) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(|| ABSENT.to_owned(), format)
}

fn note(line: &Line<'_>) -> String {
    let mut notes = Vec::new();
    if line.best {
        notes.push("best");
    }
    if line.row.kind == RowKind::Reference {
        notes.push("reference");
    }
    if !line.row.within_budget {
        notes.push("over budget");
    }
    notes.join(", ")
}

/// The front, ranked from the most accurate, with the complete references among it, as a table without a final newline.
///
/// Reads `on_front` and `within_budget` of the rows: call [`mark_front`](super::mark_front) first. Where the terminal is
/// too narrow, columns are left out (predicted ImageNet accuracy, input, multiply-adds, parameters, measured, rank, in this order), never wrapped.
pub fn closing_table(rows: &[ReportRow], options: TableOptions) -> String {
    let lines = lines(rows);
    if lines.is_empty() {
        return "no complete candidate yet".to_owned();
    }
    for keep in (0..=6).rev() {
        let table = build(&lines, keep, epochs_differ(rows), options);
        let widest = table.lines().map(|line| visible_width(&line)).max().unwrap_or(0);
        if keep == 0 || options.width.is_none_or(|width| widest <= usize::from(width)) {
            return table.trim_fmt();
        }
    }
    String::new()
}

fn lines(rows: &[ReportRow]) -> Vec<Line<'_>> {
    let best = best_row(rows);
    let mut shown: Vec<(usize, &ReportRow)> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.point().is_some() && (row.on_front || row.kind == RowKind::Reference))
        .collect();
    let accuracy = |row: &ReportRow| row.point().map_or(f64::NEG_INFINITY, |point| point.1);
    shown.sort_by(|left, right| {
        accuracy(right.1)
            .total_cmp(&accuracy(left.1))
            .then(left.0.cmp(&right.0))
    });
    let mut rank = 0;
    shown
        .into_iter()
        .map(|(index, row)| {
            rank += usize::from(row.on_front);
            Line {
                row,
                rank: row.on_front.then_some(rank),
                best: best == Some(index),
            }
        })
        .collect()
}

fn build(lines: &[Line<'_>], keep: u8, with_epochs: bool, options: TableOptions) -> Table {
    let is_predicted = lines.iter().any(|line| line.row.imagenet_top1.is_some());
    let columns: Vec<&TableColumn> = COLUMNS
        .iter()
        .filter(|column| column.expendable <= keep)
        .filter(|column| match column.heading {
            PREDICTED => is_predicted,
            EPOCHS => with_epochs,
            _ => true,
        })
        .collect();
    let mut table = Table::new();
    table
        .load_style(RULES)
        .set_content_arrangement(ContentArrangement::Disabled);
    if options.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let align = |cell: Cell, column: &TableColumn| {
        cell.set_alignment(if column.numeric {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        })
    };
    let has_scores = lines.iter().any(|line| line.row.is_score);
    let heading = |column: &TableColumn| match column.heading {
        ACCURACY if has_scores => "score",
        heading => heading,
    };
    table.set_header(columns.iter().map(|column| align(Cell::new(heading(column)), column)));
    for line in lines {
        table.add_row(columns.iter().map(|column| {
            let cell = align(Cell::new((column.value)(line)), column);
            match (options.color, line.best, line.row.kind) {
                (true, true, _) => cell.fg(Color::Green).add_attribute(Attribute::Bold),
                (true, false, RowKind::Reference) => cell.fg(Color::DarkGrey),
                _ => cell,
            }
        }));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{reference, row};
    use super::super::point::mark_front;
    use super::*;

    fn rows() -> Vec<ReportRow> {
        let mut rows = vec![
            row(RowKind::Candidate, 3, 9.21, 62.4),
            row(RowKind::Candidate, 11, 18.3, 70.25),
            row(RowKind::Candidate, 17, 25.0, 73.1),
            row(RowKind::Candidate, 18, 26.0, 60.0),
            reference("MobileNetV2 0.75x 160", 10.4, 61.9),
        ];
        rows[1].measured_ms = Some(19.6);
        mark_front(&mut rows);
        crate::report::fixture::mark_budget(&mut rows, Some(20.0));
        rows
    }

    #[test]
    fn the_table_reads_from_the_most_accurate_down() {
        let table = closing_table(&rows(), TableOptions::default());
        let body: Vec<&str> = table.lines().filter(|line| line.contains('%')).map(str::trim).collect();
        assert_eq!(body.len(), 4);
        assert!(
            body[0].starts_with('1') && body[0].contains("#17") && body[0].ends_with("over budget"),
            "{table}"
        );
        assert!(
            body[1].contains("#11") && body[1].contains("19.6 ms") && body[1].ends_with("best"),
            "{table}"
        );
        assert!(body[2].contains("#3") && body[2].contains('–'), "{table}");
        assert!(
            body[3].starts_with("MobileNetV2 0.75x 160") && body[3].ends_with("reference"),
            "{table}"
        );
        assert!(!table.contains('\u{1b}'));
    }

    #[test]
    fn the_table_keeps_its_look() {
        insta::assert_snapshot!(closing_table(&rows(), TableOptions::default()));
        insta::assert_snapshot!(closing_table(
            &rows(),
            TableOptions {
                width: Some(72),
                color: false
            }
        ));
    }

    #[test]
    fn predictions_are_a_column_where_there_are_some() {
        let mut rows = rows();
        assert!(!closing_table(&rows, TableOptions::default()).contains("predicted,"));
        rows[0].imagenet_top1 = Some(61.26);
        let table = closing_table(&rows, TableOptions::default());
        assert!(
            table.contains("ImageNet, predicted") && table.contains("61.3 %"),
            "{table}"
        );
    }

    #[test]
    fn epochs_are_a_column_where_they_differ() {
        let mut rows = rows();
        for row in &mut rows {
            row.epochs = Some(9);
        }
        assert!(!closing_table(&rows, TableOptions::default()).contains("epochs"));
        rows[0].epochs = Some(3);
        let table = closing_table(&rows, TableOptions::default());
        assert!(table.contains("epochs"), "{table}");
        // The most accurate of the longest trainings within the budget is the best.
        let best = table.lines().find(|line| line.contains("best")).unwrap_or_default();
        assert!(best.contains("#11") && best.contains(" 9 "), "{table}");
    }

    #[test]
    fn a_narrow_terminal_loses_columns_not_lines() {
        for width in [60_u16, 80, 100, 200] {
            for color in [false, true] {
                let table = closing_table(
                    &rows(),
                    TableOptions {
                        width: Some(width),
                        color,
                    },
                );
                let widest = table.lines().map(visible_width).max().unwrap_or(0);
                assert!(width == 60 || widest <= usize::from(width), "{width}: {table}");
                assert_eq!(table.lines().filter(|line| line.contains('%')).count(), 4);
            }
        }
        assert!(
            !closing_table(
                &rows(),
                TableOptions {
                    width: Some(60),
                    color: false
                }
            )
            .contains("MAdds")
        );
        assert!(
            closing_table(
                &rows(),
                TableOptions {
                    width: Some(200),
                    color: true
                }
            )
            .contains('\u{1b}')
        );
    }

    #[test]
    fn no_results_say_so() {
        assert_eq!(closing_table(&[], TableOptions::default()), "no complete candidate yet");
    }
}
