//! One network layer by layer, with its exact costs.

use mnas_engine::imagenet::{Predictor, Recipe};
use mnas_space::{ACTIVATION_BYTES, Architecture, Cost, KeyLayer, Shape};
use serde::Serialize;

use crate::report::{Heading, listing, units};

/// A network, its totals and its layers.
#[derive(Debug, Serialize)]
pub struct InspectedNetwork {
    pub name: String,
    pub id: String,
    pub architecture: String,
    pub params: u64,
    pub batch_norm_params: u64,
    pub folded_params: u64,
    pub macs: u64,
    pub resolution: u32,
    pub peak_activation_bytes: u64,
    pub imagenet: Imagenet,
    pub layers: Vec<Layer>,
}

/// Predicted ImageNet top-1 in percent with its 90 % interval, or the reason why there is none.
#[derive(Debug, Serialize)]
pub struct Imagenet {
    pub predicted_top1: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Distance from the centre of the published networks, 1 for the farthest of them.
    pub distance: Option<f64>,
    pub refused: Option<String>,
}

/// One layer: a block or the head.
#[derive(Debug, Clone, Serialize)]
pub struct Layer {
    pub name: String,
    /// Notation of the block in architecture strings.
    pub block: String,
    /// Channels, height and width.
    pub input: [u32; 3],
    /// Channels, height and width.
    pub output: [u32; 3],
    pub params: u64,
    pub macs: u64,
    /// Share of the network's multiply-adds in percent.
    pub macs_share_percent: f64,
    /// The size of the layer's output.
    pub activation_bytes: u64,
    /// Largest memory of the activations that exist at once while the layer runs.
    pub peak_activation_bytes: u64,
    /// The block type's short name, or `head`.
    #[serde(skip)]
    pub kind: &'static str,
    #[serde(skip)]
    pub stride: u32,
}

/// A layer as a row of CSV.
#[derive(Debug, Serialize)]
pub struct CsvRow<'a> {
    name: &'a str,
    block: &'a str,
    input_channels: u32,
    input_height_px: u32,
    input_width_px: u32,
    output_channels: u32,
    output_height_px: u32,
    output_width_px: u32,
    params: u64,
    macs: u64,
    macs_share_percent: f64,
    activation_bytes: u64,
    peak_activation_bytes: u64,
}

impl InspectedNetwork {
    /// Counts `architecture`, which is called `name`.
    pub fn of(architecture: &Architecture, name: String) -> Self {
        let cost = architecture.cost();
        let layers = architecture.layers().map(|layer| {
            let part = Cost::of(&layer.key.graph());
            let block = layer.key.to_string();
            Layer {
                name: layer.scope.to_string(),
                block: block.split('@').next().unwrap_or_default().to_owned(),
                input: sides(layer.key.input),
                output: sides(layer.output),
                params: part.params,
                macs: part.macs,
                macs_share_percent: 100.0 * part.macs as f64 / cost.macs.max(1) as f64,
                activation_bytes: layer.output.elements() * ACTIVATION_BYTES,
                peak_activation_bytes: part.peak_activation_bytes,
                kind: layer.key.kind(),
                stride: match layer.key.layer {
                    KeyLayer::Block(block) => block.stride(),
                    KeyLayer::Head(_) => 1,
                },
            }
        });
        Self {
            name,
            id: architecture.id().to_string(),
            architecture: architecture.to_string(),
            params: cost.params,
            batch_norm_params: cost.batch_norm_params,
            folded_params: cost.folded_params,
            macs: cost.macs,
            resolution: architecture.resolution,
            peak_activation_bytes: cost.peak_activation_bytes,
            imagenet: Imagenet::of(architecture),
            layers: layers.collect(),
        }
    }

    /// Heading of the network: its name, and its id where that differs.
    pub fn title(&self) -> String {
        if self.name == self.id {
            format!("network {}", self.id)
        } else {
            format!("{} (id {})", self.name, self.id)
        }
    }

    /// The layers as a table, the totals below it.
    pub fn text(&self, width: Option<u16>) -> String {
        let rows: Vec<Vec<String>> = self.layers.iter().map(Layer::cells).collect();
        let headings = [
            Heading::text("layer"),
            Heading::text("block"),
            Heading::number("in").expendable(2),
            Heading::number("out"),
            Heading::number("params"),
            Heading::number("MAdds"),
            Heading::number("share"),
            Heading::number("output").expendable(1),
            Heading::number("peak").expendable(3),
        ];
        format!(
            "{}\n{}\n{} parameters ({} of them batch-norm)\n{} multiply-adds at {} px\n{} peak activation memory, one image in 32-bit floats\n{}\n{}",
            self.title(),
            listing(&headings, &rows, width),
            units::grouped(self.params),
            units::grouped(self.batch_norm_params),
            units::grouped(self.macs),
            self.resolution,
            units::bytes(self.peak_activation_bytes),
            self.imagenet.text(),
            self.architecture,
        )
    }

    /// One row per layer.
    pub fn csv_rows(&self) -> Vec<CsvRow<'_>> {
        self.layers.iter().map(Layer::csv_row).collect()
    }
}

impl Imagenet {
    /// Predicts for `architecture` with 1000 classes, whatever its own number.
    fn of(architecture: &Architecture) -> Self {
        match Predictor::embedded().predict(architecture) {
            Ok(predicted) => Self {
                predicted_top1: Some(predicted.top1),
                low: Some(predicted.low),
                high: Some(predicted.high),
                distance: Some(predicted.distance),
                refused: None,
            },
            Err(reason) => Self {
                predicted_top1: None,
                low: None,
                high: None,
                distance: None,
                refused: Some(reason.to_string()),
            },
        }
    }

    /// Prediction in figures, or the reason why there is none.
    fn text(&self) -> String {
        let (Some(top1), Some(interval)) = (self.cell(), self.interval()) else {
            let reason = self.refused.as_deref().unwrap_or_default();
            return format!("no predicted ImageNet top-1: {reason}");
        };
        format!(
            "{top1} predicted ImageNet top-1 (90 % interval {interval}), if trained {}",
            Recipe::default().description()
        )
    }

    /// `72.4 %`
    pub fn cell(&self) -> Option<String> {
        self.predicted_top1.map(|top1| format!("{top1:.1} %"))
    }

    /// `70.1 to 74.9`
    pub fn interval(&self) -> Option<String> {
        let (low, high) = (self.low?, self.high?);
        Some(format!("{low:.1} to {high:.1}"))
    }
}

impl Layer {
    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.block.clone(),
            shape(self.input),
            shape(self.output),
            units::count(self.params),
            units::count(self.macs),
            format!("{:.1} %", self.macs_share_percent),
            units::bytes(self.activation_bytes),
            units::bytes(self.peak_activation_bytes),
        ]
    }

    pub fn csv_row(&self) -> CsvRow<'_> {
        let ([input_channels, input_height_px, input_width_px], [output_channels, output_height_px, output_width_px]) =
            (self.input, self.output);
        CsvRow {
            name: &self.name,
            block: &self.block,
            input_channels,
            input_height_px,
            input_width_px,
            output_channels,
            output_height_px,
            output_width_px,
            params: self.params,
            macs: self.macs,
            macs_share_percent: self.macs_share_percent,
            activation_bytes: self.activation_bytes,
            peak_activation_bytes: self.peak_activation_bytes,
        }
    }
}

fn sides(shape: Shape) -> [u32; 3] {
    [shape.channels, shape.height, shape.width]
}

/// `32x112x112`
pub fn shape(sides: [u32; 3]) -> String {
    sides.map(|side| side.to_string()).join("x")
}
