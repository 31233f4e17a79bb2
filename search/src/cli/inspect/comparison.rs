//! Two networks side by side.

use serde::Serialize;

use super::alignment::{Pair, align};
use super::network::{InspectedNetwork, Layer, shape};
use crate::report::{Heading, listing, units};

/// Two networks and their corresponding layers; as JSON, the fields of the first network with the second one beside them.
#[derive(Debug, Serialize)]
pub struct Comparison {
    #[serde(flatten)]
    a: InspectedNetwork,
    vs: InspectedNetwork,
    /// Ratios of the second network's costs to the first network's.
    ratios: Ratios,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Ratios {
    params: f64,
    macs: f64,
    peak_activation_bytes: f64,
}

/// Layers that correspond, by their index; null where the other has no such layer.
#[derive(Debug, Serialize)]
struct Row {
    layer: Option<usize>,
    vs_layer: Option<usize>,
    /// True if both are the same block on the same input.
    same: bool,
}

/// Corresponding layers as a row of CSV; absent values are empty.
#[derive(Debug, Serialize)]
pub struct CsvRow<'a> {
    same: bool,
    a_name: Option<&'a str>,
    a_block: Option<&'a str>,
    a_input: Option<String>,
    a_output: Option<String>,
    a_params: Option<u64>,
    a_macs: Option<u64>,
    a_activation_bytes: Option<u64>,
    b_name: Option<&'a str>,
    b_block: Option<&'a str>,
    b_input: Option<String>,
    b_output: Option<String>,
    b_params: Option<u64>,
    b_macs: Option<u64>,
    b_activation_bytes: Option<u64>,
}

impl Comparison {
    pub fn new(a: InspectedNetwork, b: InspectedNetwork) -> Self {
        let ratio = |of: fn(&InspectedNetwork) -> u64| of(&b) as f64 / of(&a).max(1) as f64;
        let rows = align(&a.layers, &b.layers).into_iter().map(|Pair { a: i, b: j }| Row {
            layer: i,
            vs_layer: j,
            same: i.zip(j).is_some_and(|(i, j)| same(&a.layers[i], &b.layers[j])),
        });
        Self {
            ratios: Ratios {
                params: ratio(|network| network.params),
                macs: ratio(|network| network.macs),
                peak_activation_bytes: ratio(|network| network.peak_activation_bytes),
            },
            rows: rows.collect(),
            a,
            vs: b,
        }
    }

    fn layers(&self) -> impl Iterator<Item = (bool, Option<&Layer>, Option<&Layer>)> {
        self.rows.iter().map(|row| {
            let (a, b) = (&self.a.layers, &self.vs.layers);
            (row.same, row.layer.map(|i| &a[i]), row.vs_layer.map(|j| &b[j]))
        })
    }

    /// Corresponding layers side by side, totals and their ratios below.
    pub fn text(&self, width: Option<u16>) -> String {
        let rows: Vec<Vec<String>> = self.layers().map(|(_, a, b)| cells(a, b)).collect();
        let headings = [
            Heading::text("A: block"),
            Heading::number("out").expendable(2),
            Heading::number("params").expendable(3),
            Heading::number("MAdds").expendable(1),
            Heading::text("B: block"),
            Heading::number("out").expendable(2),
            Heading::number("params").expendable(3),
            Heading::number("MAdds").expendable(1),
            Heading::number("MAdds B/A"),
        ];
        format!(
            "A  {}\nB  {}\n{}\n{}",
            self.a.title(),
            self.vs.title(),
            listing(&headings, &rows, width),
            self.totals(width),
        )
    }

    fn totals(&self, width: Option<u16>) -> String {
        let (a, b) = (&self.a, &self.vs);
        let line = |what: &str, show: fn(u64) -> String, of: fn(&InspectedNetwork) -> u64| {
            vec![what.to_owned(), show(of(a)), show(of(b)), ratio(of(a), of(b))]
        };
        let same = self.rows.iter().filter(|row| row.same).count();
        let shared = |network: &InspectedNetwork| format!("{same} of {}", network.layers.len());
        let rows = [
            line("parameters", units::grouped, |network| network.params),
            line("multiply-adds", units::grouped, |network| network.macs),
            line("peak activation memory", units::bytes, |network| {
                network.peak_activation_bytes
            }),
            line("input side in pixels", units::grouped, |network| {
                u64::from(network.resolution)
            }),
            self.imagenet(),
            vec![
                "layers the same in both".to_owned(),
                shared(a),
                shared(b),
                String::new(),
            ],
        ];
        let headings = [
            Heading::text("in all"),
            Heading::number("A"),
            Heading::number("B"),
            Heading::number("B/A"),
        ];
        listing(&headings, &rows, width)
    }

    /// Predicted ImageNet accuracies and their difference in points.
    fn imagenet(&self) -> Vec<String> {
        let (a, b) = (&self.a.imagenet, &self.vs.imagenet);
        let cell = |cell: Option<String>| cell.unwrap_or_else(|| "–".to_owned());
        let difference = a.predicted_top1.zip(b.predicted_top1).map(|(a, b)| b - a);
        vec![
            "predicted ImageNet top-1".to_owned(),
            cell(a.cell()),
            cell(b.cell()),
            difference.map_or_else(String::new, |points| format!("{points:+.1} points")),
        ]
    }

    /// One row for each pair of corresponding layers.
    pub fn csv_rows(&self) -> Vec<CsvRow<'_>> {
        self.layers()
            .map(|(same, a, b)| CsvRow {
                same,
                a_name: a.map(|layer| layer.name.as_str()),
                a_block: a.map(|layer| layer.block.as_str()),
                a_input: a.map(|layer| shape(layer.input)),
                a_output: a.map(|layer| shape(layer.output)),
                a_params: a.map(|layer| layer.params),
                a_macs: a.map(|layer| layer.macs),
                a_activation_bytes: a.map(|layer| layer.activation_bytes),
                b_name: b.map(|layer| layer.name.as_str()),
                b_block: b.map(|layer| layer.block.as_str()),
                b_input: b.map(|layer| shape(layer.input)),
                b_output: b.map(|layer| shape(layer.output)),
                b_params: b.map(|layer| layer.params),
                b_macs: b.map(|layer| layer.macs),
                b_activation_bytes: b.map(|layer| layer.activation_bytes),
            })
            .collect()
    }
}

fn same(a: &Layer, b: &Layer) -> bool {
    a.block == b.block && a.input == b.input
}

/// `0.72x`; below a tenth with three digits.
fn ratio(a: u64, b: u64) -> String {
    if a == b {
        return "=".to_owned();
    }
    if a == 0 {
        return "–".to_owned();
    }
    let ratio = b as f64 / a as f64;
    if ratio < 0.1 {
        format!("{}x", units::significant(ratio))
    } else {
        format!("{ratio:.2}x")
    }
}

fn cells(a: Option<&Layer>, b: Option<&Layer>) -> Vec<String> {
    let shows: [fn(&Layer) -> String; 4] = [
        |layer| layer.block.clone(),
        |layer| shape(layer.output),
        |layer| units::count(layer.params),
        |layer| units::count(layer.macs),
    ];
    let absent = || "–".to_owned();
    let mut cells: Vec<String> = shows.iter().map(|show| a.map_or_else(absent, show)).collect();
    cells.extend(shows.iter().map(|show| match (a.map(show), b.map(show)) {
        (Some(a), Some(b)) if a == b => "=".to_owned(),
        (_, b) => b.unwrap_or_else(absent),
    }));
    cells.push(match (a, b) {
        (Some(a), Some(b)) => ratio(a.macs, b.macs),
        (Some(_), None) => "A only".to_owned(),
        _ => "B only".to_owned(),
    });
    cells
}

#[cfg(test)]
mod tests {
    use mnas_space::Reference;

    use super::*;

    fn network(name: &str) -> InspectedNetwork {
        let reference = Reference::named(name).unwrap();
        InspectedNetwork::of(&reference.architecture(1.0, 224, 1000).unwrap(), name.to_owned())
    }

    #[test]
    fn a_comparison_fits_a_terminal() {
        let comparison = Comparison::new(network("mobilenet-v2"), network("mobilenet-v3-large"));
        for width in [80, 100, 120, 160] {
            let text = comparison.text(Some(width));
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(widest <= usize::from(width), "{width}: {text}");
            let rows = text
                .lines()
                .filter(|line| line.contains("_k") || line.contains("head_"));
            assert_eq!(rows.count(), comparison.rows.len(), "{text}");
        }
    }

    #[test]
    fn what_is_the_same_is_not_repeated() {
        let comparison = Comparison::new(network("mobilenet-v2"), network("mobilenet-v2"));
        let text = comparison.text(None);
        assert_eq!(text.matches("ir_k3_e6_c160_nr6").count(), 2, "{text}");
        assert!(comparison.rows.iter().all(|row| row.same));
        assert!(text.contains("20 of 20"), "{text}");
        assert!((comparison.ratios.macs - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn ratios_are_of_the_second_to_the_first() {
        assert_eq!(ratio(200, 100), "0.50x");
        assert_eq!(ratio(1_968_680, 322), "0.000164x");
        assert_eq!(ratio(7, 7), "=");
        assert_eq!(ratio(0, 7), "–");
    }
}
