//! Block keys, the keys of latency tables.

use crate::block::{Block, Head};
use crate::graph::{Graph, Shape};

/// Block or head together with the shape of its input, which together determine its latency on a device.
///
/// All fields are integers, so that keys compare, hash and order exactly. A key is written as the block in architecture
/// notation and the input shape: `ir_k3_s2_e6_c24_nr6@16x112x112`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockKey {
    /// Block or head.
    pub layer: KeyLayer,
    /// Shape of the input.
    pub input: Shape,
}

/// Block or head of a [`BlockKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyLayer {
    /// Block.
    Block(Block),
    /// Head, the classifier.
    Head(Head),
}

impl BlockKey {
    /// Key of a block whose input has the shape `input`.
    pub fn block(block: Block, input: Shape) -> Self {
        Self {
            layer: KeyLayer::Block(block),
            input,
        }
    }

    /// Key of a head whose input has the shape `input`.
    pub fn head(head: Head, input: Shape) -> Self {
        Self {
            layer: KeyLayer::Head(head),
            input,
        }
    }

    /// Graph of the layer alone, as it is measured.
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::new(self.input);
        self.lower_into(&mut graph);
        graph
    }

    /// Lowers the layer alone into `graph`, replacing its content and reusing its memory.
    pub fn lower_into(&self, graph: &mut Graph) {
        graph.input = self.input;
        graph.nodes.clear();
        match &self.layer {
            KeyLayer::Block(block) => block.lower_alone(graph),
            KeyLayer::Head(head) => head.lower_alone(graph),
        }
    }

    /// Short name of the block type, or `head`.
    pub fn kind(&self) -> &'static str {
        match &self.layer {
            KeyLayer::Block(block) => block.kind(),
            KeyLayer::Head(_) => Head::NAME,
        }
    }

    /// Checks whether the layer has no operation, so that there is nothing to measure.
    pub fn is_nothing(&self) -> bool {
        matches!(&self.layer, KeyLayer::Block(block) if block.is_nothing(self.input))
    }
}
