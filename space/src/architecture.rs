//! A complete network: input, blocks, head; its written forms, its identity and its lowering.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::batch_norm::BatchNorm;
use crate::block::{Block, Head};
use crate::cost::Cost;
use crate::document::{self, DocumentError};
use crate::graph::{Graph, Scope, Shape};
use crate::key::BlockKey;
use crate::limits;
use crate::lowering::{Lowering, Operand, OperationSink};
use crate::network_hash::{ArchitectureId, NetworkHash};
use crate::notation::{self, NotationError};

/// Channels of the input image (RGB).
pub const INPUT_CHANNELS: u32 = 3;

/// A complete network, concrete in every number.
///
/// ```
/// use mnas_space::Architecture;
/// let text = "in32,conv_k3_s2_c16_nhs,ir_r2_k3_s2_e4_c24_se0.25_nre,head_o10";
/// let architecture: Architecture = text.parse()?;
/// assert_eq!(architecture.to_string(), text);
/// assert_eq!(architecture.blocks.len(), 3);
/// # Ok::<(), mnas_space::NotationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Architecture {
    /// Side of the square input image in pixels.
    pub resolution: u32,
    /// The constants of its batch normalisation.
    pub batch_norm: BatchNorm,
    /// The layers from stem to the last feature map.
    pub blocks: Vec<Block>,
    /// The classifier.
    pub head: Head,
}

/// One row of an architecture seen as a sequence of layers: a block or the head, with its shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Where it stands.
    pub scope: Scope,
    /// What it is and what enters it.
    pub key: BlockKey,
    /// Shape of what leaves it.
    pub output: Shape,
}

impl Architecture {
    /// Shape of the input image.
    pub fn input(&self) -> Shape {
        Shape::square(INPUT_CHANNELS, self.resolution)
    }

    /// Blocks and head in order, each with the shape that enters it.
    pub fn layers(&self) -> impl Iterator<Item = Layer> + '_ {
        let mut shape = self.input();
        let mut blocks = self.blocks.iter().enumerate();
        let mut head = Some(self.head);
        std::iter::from_fn(move || {
            let input = shape;
            if let Some((index, block)) = blocks.next() {
                shape = block.output(input);
                return Some(Layer {
                    scope: Scope::Block(index as u16),
                    key: BlockKey::block(*block, input),
                    output: shape,
                });
            }
            head.take().map(|head| Layer {
                scope: Scope::Head,
                key: BlockKey::head(head, input),
                output: Shape::square(head.classes, 1),
            })
        })
    }

    /// The network as primitive operations.
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::new(self.input());
        self.lower_into(&mut graph);
        graph
    }

    /// Like [`Architecture::graph`], reusing the memory of an earlier graph.
    pub fn lower_into(&self, graph: &mut Graph) {
        graph.input = self.input();
        graph.batch_norm = self.batch_norm;
        graph.nodes.clear();
        self.lower(graph);
    }

    /// Passes the network's operations to `sink`.
    fn lower(&self, sink: &mut impl OperationSink) {
        let mut x = Operand::input(self.input());
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.lower(x, &mut Lowering::new(sink, Scope::Block(index as u16)));
        }
        self.head.lower(x, &mut Lowering::new(sink, Scope::Head));
    }

    /// Exact parameters, multiply-adds and peak activation memory.
    pub fn cost(&self) -> Cost {
        Cost::of(&self.graph())
    }

    /// Identity of the network: a hash of its lowered operations, computed without allocating.
    pub fn id(&self) -> ArchitectureId {
        let mut hash = NetworkHash::new(self.input(), self.batch_norm);
        self.lower(&mut hash);
        hash.finish()
    }

    /// The same network at another input resolution.
    #[must_use]
    pub fn with_resolution(mut self, resolution: u32) -> Self {
        self.resolution = resolution;
        self
    }

    /// The same network with another number of classes.
    #[must_use]
    pub fn with_classes(mut self, classes: u32) -> Self {
        self.head.classes = classes;
        self
    }

    /// The same network with the first `count` strides removed, the usual form for small images: layers that shrank
    /// their input keep its size. Parameters do not change.
    #[must_use]
    pub fn without_early_strides(mut self, count: usize) -> Self {
        for block in self.blocks.iter_mut().filter(|block| block.stride() > 1).take(count) {
            *block = block.with_stride(1);
        }
        self
    }

    /// The pieces of the architecture string between input and head, repeats collapsed.
    pub fn block_strings(&self) -> Vec<String> {
        notation::pieces(&self.blocks)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        notation::print(self, f)
    }
}

impl FromStr for Architecture {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        notation::parse(text)
    }
}

/// The TOML form of an architecture.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchitectureDocument {
    resolution: u32,
    #[serde(rename = "batch-norm", default)]
    batch_norm: BatchNorm,
    blocks: Vec<toml::Spanned<String>>,
    head: toml::Spanned<String>,
}

impl Architecture {
    /// The TOML form: `resolution`, `batch-norm` where it is not the default, `blocks` (one string each, repeats
    /// collapsed) and `head`.
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

    /// Reads the TOML form.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        let document: ArchitectureDocument = document::parse_toml(text)?;
        let locate = |at: usize, error: NotationError| {
            // The position of the piece's text is one past its opening quote.
            let start = DocumentError::at(text, at, error.to_string());
            DocumentError {
                column: start.column + error.column,
                ..start
            }
        };
        let mut blocks = Vec::new();
        let mut channels = INPUT_CHANNELS;
        for piece in &document.blocks {
            let parsed = notation::parse_blocks(piece.get_ref(), 1, channels);
            blocks.extend(parsed.map_err(|error| locate(piece.span().start, error))?);
            if blocks.len() > limits::BLOCKS {
                let problem = format!("more than {} blocks up to here; expected fewer", limits::BLOCKS);
                return Err(DocumentError::at(text, piece.span().start, problem));
            }
            channels = blocks.last().map_or(channels, Block::channels);
        }
        let head = notation::parse_head(document.head.get_ref(), 1)
            .map_err(|error| locate(document.head.span().start, error))?;
        notation::check(Self {
            resolution: document.resolution,
            batch_norm: document.batch_norm,
            blocks,
            head,
        })
        .map_err(|error| locate(0, error))
    }
}
