//! References as text: all of them in one table, or one with everything that was published of it.

use super::rows::{Point, Row};
use crate::report::{Heading, listing, units};

/// One line for each reference.
pub fn overview(rows: &[Row], width: Option<u16>) -> String {
    let headings = [
        Heading::text("name"),
        Heading::number("input").expendable(1),
        Heading::number("params"),
        Heading::number("MAdds"),
        Heading::number("top-1"),
        Heading::number("latency"),
        Heading::text("measured on").expendable(2),
    ];
    let cells: Vec<Vec<String>> = rows.iter().map(overview_cells).collect();
    listing(&headings, &cells, width)
}

fn overview_cells(row: &Row) -> Vec<String> {
    let first = row.latencies.first();
    let device = first
        .and_then(|latency| latency.device.clone())
        .map(|device| match row.latencies.len() - 1 {
            0 => device,
            more => format!("{device}, {more} more"),
        });
    vec![
        row.name.clone(),
        format!("{} px", row.resolution),
        units::count(row.params),
        units::count(row.macs),
        optional(row.imagenet_top1, percent),
        optional(first.map(|latency| latency.latency_ms), units::milliseconds),
        device.unwrap_or_default(),
    ]
}

/// What it is, and a line for each published figure; sources are numbered and stand below.
pub fn one(row: &Row, width: Option<u16>) -> String {
    let headings = [
        Heading::number("width"),
        Heading::number("input"),
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
        format!("{} px", point.resolution),
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
