//! Block keys: what a latency table is indexed by.

use std::fmt;

use crate::block::{Block, Head};
use crate::graph::{Graph, Shape};

/// A block or head together with the shape that enters it: all that decides how long it takes on a device.
///
/// Integers only, so that keys compare, hash and order exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockKey {
    /// What is computed.
    pub layer: KeyLayer,
    /// On what.
    pub input: Shape,
}

/// What a [`BlockKey`] is the key of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyLayer {
    /// A block.
    Block(Block),
    /// The classifier.
    Head(Head),
}

impl BlockKey {
    /// The key of a block that receives `input`.
    pub fn block(block: Block, input: Shape) -> Self {
        Self {
            layer: KeyLayer::Block(block),
            input,
        }
    }

    /// The key of a head that receives `input`.
    pub fn head(head: Head, input: Shape) -> Self {
        Self {
            layer: KeyLayer::Head(head),
            input,
        }
    }

    /// The layer alone as a graph, to be measured.
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::new(self.input);
        self.lower_into(&mut graph);
        graph
    }

    /// Like [`BlockKey::graph`], reusing the memory of an earlier graph.
    pub fn lower_into(&self, graph: &mut Graph) {
        graph.input = self.input;
        graph.nodes.clear();
        match &self.layer {
            KeyLayer::Block(block) => block.lower_alone(graph),
            KeyLayer::Head(head) => head.lower_alone(graph),
        }
    }

    /// The block type's short name, or `head`.
    pub fn kind(&self) -> &'static str {
        match &self.layer {
            KeyLayer::Block(block) => block.kind(),
            KeyLayer::Head(_) => Head::NAME,
        }
    }

    /// Whether nothing is computed, so that nothing is measured.
    pub fn is_nothing(&self) -> bool {
        matches!(&self.layer, KeyLayer::Block(block) if block.is_nothing(self.input))
    }
}

/// `ir_k3_s2_e6_c24_nr6@16x112x112`: the layer in architecture notation, then what enters it.
impl fmt::Display for BlockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.layer {
            KeyLayer::Block(block) => f.write_str(&crate::notation::single_piece(block, self.input.channels))?,
            KeyLayer::Head(head) => write!(f, "{head}")?,
        }
        write!(f, "@{}", self.input)
    }
}

impl std::str::FromStr for BlockKey {
    type Err = crate::NotationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        crate::notation::parse_key(text)
    }
}
