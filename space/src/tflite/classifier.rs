//! Metadata of image classifiers in TFLite's own schema: image preprocessing and class names, for use by apps.
//!
//! The metadata is a buffer within the file, in FlatBuffers format with its own schema (`metadata_schema.fbs` of TFLite
//! Support); it describes the input and the output. Labels are a text file in an archive after the model.

use super::error::TfliteError;
use super::flatbuffer::{self, Object, Table};
use super::options::{Classifier, INPUT_NAME, LOGITS_NAME};
use crate::graph::Graph;

/// Name of the file of labels, one per line.
pub(super) const LABELS_FILE: &str = "labels.txt";
/// Name of the metadata entry.
const ENTRY: &str = "TFLITE_METADATA";
const IDENTIFIER: [u8; 4] = *b"M001";

/// Slots of the tables and values of their enumerations.
mod schema {
    pub mod model {
        pub const NAME: u16 = 0;
        pub const SUBGRAPHS: u16 = 3;
        pub const MIN_PARSER_VERSION: u16 = 7;
    }
    pub mod subgraph {
        pub const INPUTS: u16 = 2;
        pub const OUTPUTS: u16 = 3;
    }
    pub mod tensor {
        pub const NAME: u16 = 0;
        pub const DESCRIPTION: u16 = 1;
        pub const CONTENT: u16 = 3;
        pub const PROCESS_UNITS: u16 = 4;
        pub const FILES: u16 = 6;
    }
    /// Slot of a union's type, followed by its table; `Content` and `ProcessUnit` hold one union each.
    pub const UNION_TYPE: u16 = 0;
    pub const UNION_TABLE: u16 = 1;
    pub const FEATURE_PROPERTIES: u8 = 1;
    pub const IMAGE_PROPERTIES: u8 = 2;
    pub mod image {
        pub const COLOR_SPACE: u16 = 0;
        pub const RGB: u8 = 1;
    }
    pub const NORMALISATION: u8 = 1;
    pub mod normalisation {
        pub const MEAN: u16 = 0;
        pub const DEVIATION: u16 = 1;
    }
    pub mod file {
        pub const NAME: u16 = 0;
        pub const TYPE: u16 = 2;
        pub const AXIS_LABELS: u8 = 2;
    }
}

/// Encodes the entry of the file's metadata.
pub(super) fn encode(classifier: &Classifier, graph: &Graph, name: &str) -> Result<(String, Vec<u8>), TfliteError> {
    let (labels, classes) = (classifier.labels.len(), graph.output_shape().channels as usize);
    if labels > 0 && labels != classes {
        return Err(TfliteError::WrongLabels { labels, classes });
    }
    let graph = Table::new()
        .tables(schema::subgraph::INPUTS, vec![input(classifier)])
        .tables(schema::subgraph::OUTPUTS, vec![output(labels > 0)]);
    let root = Table::new()
        .text(schema::model::NAME, name)
        .tables(schema::model::SUBGRAPHS, vec![graph])
        .text(schema::model::MIN_PARSER_VERSION, "1.0.0");
    Ok((ENTRY.to_owned(), flatbuffer::encode(&root, IDENTIFIER)))
}

fn union(kind: u8, table: Table) -> Table {
    Table::new()
        .byte(schema::UNION_TYPE, kind)
        .table(schema::UNION_TABLE, table)
}

fn input(classifier: &Classifier) -> Table {
    use schema::{image, normalisation, tensor};
    let image = Table::new().byte(image::COLOR_SPACE, image::RGB);
    let normalisation = Table::new()
        .object(normalisation::MEAN, Object::Float32s(classifier.mean.clone()))
        .object(normalisation::DEVIATION, Object::Float32s(classifier.deviation.clone()));
    Table::new()
        .text(tensor::NAME, INPUT_NAME)
        .text(
            tensor::DESCRIPTION,
            "RGB image, normalised per channel: (pixel of 0 to 255 - mean) / deviation",
        )
        .table(tensor::CONTENT, union(schema::IMAGE_PROPERTIES, image))
        .tables(tensor::PROCESS_UNITS, vec![union(schema::NORMALISATION, normalisation)])
}

fn output(has_labels: bool) -> Table {
    use schema::{file, tensor};
    let table = Table::new()
        .text(tensor::NAME, LOGITS_NAME)
        .text(
            tensor::DESCRIPTION,
            "score of each class; a softmax gives probabilities",
        )
        .table(tensor::CONTENT, union(schema::FEATURE_PROPERTIES, Table::new()));
    if !has_labels {
        return table;
    }
    let labels = Table::new()
        .text(file::NAME, LABELS_FILE)
        .byte(file::TYPE, file::AXIS_LABELS);
    table.tables(tensor::FILES, vec![labels])
}

/// Content of the file of labels; `None` without labels.
pub(super) fn labels(classifier: &Classifier) -> Option<Vec<u8>> {
    let lines = classifier.labels.join("\n") + "\n";
    (!classifier.labels.is_empty()).then(|| lines.into_bytes())
}
