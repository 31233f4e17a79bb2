//! Listings: rows of text under headings, fitted to the terminal by leaving out the columns that matter least.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

const RULE: LineStyle = LineStyle::none().fill('─').junction('─');
/// A line above, below and under the headings, none between rows or columns.
pub(super) const RULES: TableStyle = TableStyle::new()
    .top_border(RULE)
    .header_separator(RULE)
    .bottom_border(RULE);

/// The heading of a column, and how the column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading {
    text: &'static str,
    numeric: bool,
    expendable: u8,
}

impl Heading {
    /// A column of text, aligned to the left.
    pub const fn text(text: &'static str) -> Self {
        Self {
            text,
            numeric: false,
            expendable: 0,
        }
    }

    /// A column of numbers, aligned to the right.
    pub const fn number(text: &'static str) -> Self {
        Self {
            text,
            numeric: true,
            expendable: 0,
        }
    }

    /// Leaves the column out where the terminal is too narrow, columns with a higher `order` first; 0 always stays.
    #[must_use]
    pub const fn expendable(mut self, order: u8) -> Self {
        self.expendable = order;
        self
    }
}

/// A table without a final newline, one cell for each heading in every row. `width` is the terminal's; `None` means as
/// wide as needed.
///
/// Columns are left out in the order of their headings until the table fits; where that is not enough, cells break into lines.
pub fn listing(headings: &[Heading], rows: &[Vec<String>], width: Option<u16>) -> String {
    fitting_listing(headings, rows, width).unwrap_or_else(|| {
        let mut table = build(headings, rows, 0);
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        table.trim_fmt()
    })
}

/// Like [`listing`], but `None` where cells would break into lines.
pub fn fitting_listing(headings: &[Heading], rows: &[Vec<String>], width: Option<u16>) -> Option<String> {
    let most = headings.iter().map(|heading| heading.expendable).max().unwrap_or(0);
    (0..=most).rev().find_map(|keep| {
        let table = build(headings, rows, keep);
        let widest = table.lines().map(|line| visible_width(&line)).max().unwrap_or(0);
        let fits = width.is_none_or(|width| widest <= usize::from(width));
        fits.then(|| table.trim_fmt())
    })
}

fn build(headings: &[Heading], rows: &[Vec<String>], keep: u8) -> Table {
    let mut table = Table::new();
    table
        .load_style(RULES)
        .set_content_arrangement(ContentArrangement::Disabled)
        .force_no_tty();
    let kept: Vec<usize> = (0..headings.len())
        .filter(|&column| headings[column].expendable <= keep)
        .collect();
    table.set_header(kept.iter().map(|&column| headings[column].text));
    for row in rows {
        table.add_row(kept.iter().map(|&column| row[column].as_str()));
    }
    for (place, &column) in kept.iter().enumerate() {
        if let Some(set) = table.column_mut(place).filter(|_| headings[column].numeric) {
            set.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Characters of a line without escape sequences; every character in the tables is one column wide.
pub(super) fn visible_width(line: &str) -> usize {
    let mut width = 0;
    let mut escape = false;
    for character in line.trim_end().chars() {
        match character {
            '\u{1b}' => escape = true,
            'm' if escape => escape = false,
            _ if escape => {}
            _ => width += 1,
        }
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADINGS: [Heading; 4] = [
        Heading::text("name"),
        Heading::number("params").expendable(1),
        Heading::number("MAdds"),
        Heading::text("source").expendable(2),
    ];

    fn shown(width: Option<u16>) -> String {
        let row = |name: &str| {
            [name, "3.50 M", "301 M", "a long title of a paper"]
                .map(str::to_owned)
                .to_vec()
        };
        listing(&HEADINGS, &[row("mobilenet-v2"), row("one with a longer name")], width)
    }

    #[test]
    fn a_listing_loses_its_least_important_columns_first() {
        insta::assert_snapshot!(shown(None));
        for (width, lost) in [(200, &[][..]), (60, &["source"]), (36, &["source", "params"])] {
            let text = shown(Some(width));
            for heading in ["name", "params", "MAdds", "source"] {
                assert_eq!(text.contains(heading), !lost.contains(&heading), "{width}: {text}");
            }
            assert_eq!(text.lines().count(), 6, "{text}");
        }
    }

    #[test]
    fn what_still_does_not_fit_breaks_into_lines() {
        let text = shown(Some(24));
        assert!(text.lines().all(|line| visible_width(line) <= 24), "{text}");
        assert!(text.contains("301 M"), "{text}");
    }
}
