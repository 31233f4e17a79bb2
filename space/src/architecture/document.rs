//! Architectures as TOML documents.

use serde::Deserialize;
use toml::Spanned;

use super::{Architecture, INPUT_CHANNELS};
use crate::batch_norm::BatchNorm;
use crate::block::Block;
use crate::document::{self, DocumentError};
use crate::limits;
use crate::notation::error::NotationError;
use crate::notation::{parse, print};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawArchitecture {
    resolution: u32,
    #[serde(rename = "batch-norm", default)]
    batch_norm: BatchNorm,
    blocks: Vec<Spanned<String>>,
    head: Spanned<String>,
}

impl Architecture {
    /// Pieces of the architecture string between input and head; consecutive equal blocks form one piece with a repeat
    /// count.
    pub fn block_strings(&self) -> Vec<String> {
        print::pieces(&self.blocks)
    }

    /// TOML document with the keys `resolution`, `batch-norm` (unless it is the default), `blocks` (the pieces of
    /// [`Architecture::block_strings`]) and `head`.
    pub fn to_toml(&self) -> String {
        let blocks = self.block_strings().join("\",\n  \"");
        let batch_norm = if self.batch_norm == BatchNorm::default() {
            String::new()
        } else {
            let (epsilon, momentum) = (self.batch_norm.epsilon(), self.batch_norm.momentum());
            format!("batch-norm = {{ epsilon = {epsilon:?}, momentum = {momentum:?} }}\n")
        };
        format!(
            "resolution = {}\n{batch_norm}blocks = [\n  \"{blocks}\",\n]\nhead = \"{}\"\n",
            self.resolution, self.head
        )
    }

    /// Reads a document in the format of [`Architecture::to_toml`]. Unknown keys, and values that are invalid in an
    /// architecture string, are errors with a position.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        let raw: RawArchitecture = document::parse_toml(text)?;
        let locate = |at: usize, error: NotationError| {
            // The text of a piece starts one column after its opening quote.
            let start = DocumentError::at(text, at, error.to_string());
            DocumentError {
                column: start.column + error.column,
                ..start
            }
        };
        let mut blocks = Vec::new();
        let mut channels = INPUT_CHANNELS;
        for piece in &raw.blocks {
            let parsed = parse::blocks(piece.get_ref(), 1, channels);
            blocks.extend(parsed.map_err(|error| locate(piece.span().start, error))?);
            if blocks.len() > limits::BLOCKS {
                let problem = format!("more than {} blocks up to here; expected fewer", limits::BLOCKS);
                return Err(DocumentError::at(text, piece.span().start, problem));
            }
            channels = blocks.last().map_or(channels, Block::channels);
        }
        let head = parse::head(raw.head.get_ref(), 1).map_err(|error| locate(raw.head.span().start, error))?;
        parse::check(Self {
            resolution: raw.resolution,
            batch_norm: raw.batch_norm,
            blocks,
            head,
        })
        .map_err(|error| locate(0, error))
    }
}
