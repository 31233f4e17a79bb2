//! References as text: all of them in one table, or one with everything that was published of it.

use super::rows::{Point, Row};
use crate::report::{Heading, listing, units};

/// One line for each reference.
pub fn overview(rows: &[Row], width: Option<u16>) -> String {
    let headings = [
        Heading::text("name"),
        Heading::number("px").expendable(1),
        Heading::number("params"),
        Heading::number("MAdds"),
        Heading::number("top-1"),
        // A latency means nothing without its device: both columns are shown or neither.
        Heading::number("latency").expendable(2),
        Heading::text("on").expendable(2),
    ];
    let cells: Vec<Vec<String>> = rows.iter().map(overview_cells).collect();
    listing(&headings, &cells, width)
}

fn overview_cells(row: &Row) -> Vec<String> {
    let first = row.latencies.first();
    vec![
        row.name.clone(),
        row.resolution.to_string(),
        units::count(row.params),
        units::count(row.macs),
        optional(row.imagenet_top1, percent),
        optional(first.map(|latency| latency.latency_ms), units::milliseconds),
        first
            .and_then(|latency| latency.device.as_deref())
            .map_or_else(String::new, hardware),
    ]
}

/// A device without the details of how it was used: `Pixel 4 CPU, 4 threads` is a `Pixel 4`.
fn hardware(device: &str) -> String {
    let ends = [" mobile", " CPU", " (", ","]
        .into_iter()
        .filter_map(|end| device.find(end));
    device[..ends.min().unwrap_or(device.len())].to_owned()
}

/// Description of a reference with a line for each published figure; sources are numbered and stand below.
pub fn one(row: &Row, width: Option<u16>) -> String {
    let headings = [
        Heading::number("width"),
        Heading::number("px"),
        Heading::number("params"),
        Heading::number("MAdds"),
        Heading::number("published params").expendable(2),
        Heading::number("published MAdds").expendable(3),
        Heading::number("top-1"),
        Heading::number("top-5").expendable(1),
        Heading::number("latency"),
        Heading::text("measured on"),
        Heading::number("source"),
    ];
    let mut sources: Vec<&str> = Vec::new();
    let cells: Vec<Vec<String>> = row
        .published
        .iter()
        .map(|point| {
            let source = point.source.as_deref().unwrap_or_default();
            let number = sources.iter().position(|known| *known == source).unwrap_or_else(|| {
                sources.push(source);
                sources.len() - 1
            });
            point_cells(point, number + 1)
        })
        .collect();
    let mut lines = vec![
        format!("{}: {}", row.name, row.title),
        row.paper.clone(),
        format!(
            "{} parameters, {} multiply-adds at width {:?} and {} px",
            units::grouped(row.params),
            units::grouped(row.macs),
            row.width,
            row.resolution
        ),
        format!(
            "widths {}; input sides {} px",
            join(&row.widths),
            join(&row.resolutions)
        ),
    ];
    if row.published.is_empty() {
        lines.push("no published accuracy or latency is known".to_owned());
        return lines.join("\n");
    }
    lines.push(listing(&headings, &cells, width));
    lines.extend(
        sources
            .iter()
            .enumerate()
            .map(|(index, source)| format!("[{}] {source}", index + 1)),
    );
    lines.join("\n")
}

fn point_cells(point: &Point, source: usize) -> Vec<String> {
    let millions = |value: f64| format!("{value} M");
    vec![
        format!("{:?}", point.width),
        point.resolution.to_string(),
        units::count(point.params),
        units::count(point.macs),
        optional(point.published_params_millions, millions),
        optional(point.published_macs_millions, millions),
        optional(point.top1, percent),
        optional(point.top5, percent),
        optional(point.latency_ms, units::milliseconds),
        point.device.clone().unwrap_or_default(),
        format!("[{source}]"),
    ]
}

fn percent(value: f64) -> String {
    format!("{value:.1} %")
}

fn optional(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), show)
}

fn join<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use mnas_space::Reference;

    use super::*;

    fn rows() -> Vec<Row> {
        let rows = Reference::all().iter().map(Row::of).collect::<Result<_, _>>();
        rows.unwrap_or_else(|error| panic!("{error}"))
    }

    fn widest(text: &str) -> usize {
        let lines = text.lines().filter(|line| line.starts_with([' ', '─']));
        lines.map(|line| line.chars().count()).max().unwrap_or(0)
    }

    #[test]
    fn all_references_fit_a_hundred_columns_with_their_latencies() {
        let rows = rows();
        let text = overview(&rows, Some(100));
        assert_eq!(text.lines().count(), rows.len() + 4, "{text}");
        assert!(widest(&text) <= 100 && text.contains("latency"), "{text}");
        assert_eq!(text, overview(&rows, None));
        let narrow = overview(&rows, Some(80));
        assert!(widest(&narrow) <= 80 && !narrow.contains("latency"), "{narrow}");
    }

    #[test]
    fn everything_published_of_a_reference_fits_a_terminal() {
        for row in rows() {
            for width in [80, 120] {
                let text = one(&row, Some(width));
                assert!(widest(&text) <= usize::from(width), "{text}");
            }
        }
    }

    #[test]
    fn a_device_is_known_by_its_hardware() {
        for (device, expected) in [
            ("Pixel 1 CPU large core", "Pixel 1"),
            ("Pixel 1 mobile CPU", "Pixel 1"),
            ("Samsung Galaxy S8 CPU, int8 engine", "Samsung Galaxy S8"),
            ("Snapdragon 855 CPU 1 thread (Paddle-Lite)", "Snapdragon 855"),
            ("iPhone 13 CoreML", "iPhone 13 CoreML"),
        ] {
            assert_eq!(hardware(device), expected);
        }
    }
}
