//! Architectures: complete networks of input, blocks and head.

mod document;

use crate::batch_norm::BatchNorm;
use crate::block::{Block, Head};
use crate::cost::Cost;
use crate::graph::{Graph, Scope, Shape};
use crate::key::BlockKey;
use crate::lowering::{Lowering, Operand, OperationSink};
use crate::network_hash::{ArchitectureId, NetworkHash};

/// Channels of the input image (RGB).
pub const INPUT_CHANNELS: u32 = 3;

/// Complete network with every size fixed: input resolution, blocks and head.
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
    /// Constants of batch normalisation.
    pub batch_norm: BatchNorm,
    /// Blocks from the stem to the last feature map.
    pub blocks: Vec<Block>,
    /// Classifier.
    pub head: Head,
}

/// Layer of a network: a block or the head at its position, with its input and output shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Position in the network.
    pub scope: Scope,
    /// Block or head and the shape of its input.
    pub key: BlockKey,
    /// Shape of the output.
    pub output: Shape,
}

impl Architecture {
    /// Shape of the input image.
    pub fn input(&self) -> Shape {
        Shape::square(INPUT_CHANNELS, self.resolution)
    }

    /// Layers in order, the head last.
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

    /// Lowers the network to primitive operations.
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::new(self.input());
        self.lower_into(&mut graph);
        graph
    }

    /// Lowers the network into `graph`, replacing its content and reusing its memory.
    pub fn lower_into(&self, graph: &mut Graph) {
        graph.input = self.input();
        graph.batch_norm = self.batch_norm;
        graph.nodes.clear();
        self.lower(graph);
    }

    /// Passes all operations to `sink`.
    fn lower(&self, sink: &mut impl OperationSink) {
        let mut x = Operand::input(self.input());
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.lower(x, &mut Lowering::new(sink, Scope::Block(index as u16)));
        }
        self.head.lower(x, &mut Lowering::new(sink, Scope::Head));
    }

    /// Exact numbers of parameters and multiply-adds, and peak activation memory.
    pub fn cost(&self) -> Cost {
        Cost::of(&self.graph())
    }

    /// Identity of the network: a hash of its lowered operations, computed without allocating.
    pub fn id(&self) -> ArchitectureId {
        let mut hash = NetworkHash::new(self.input(), self.batch_norm);
        self.lower(&mut hash);
        hash.finish()
    }

    /// Same network at another input resolution.
    #[must_use]
    pub fn with_resolution(mut self, resolution: u32) -> Self {
        self.resolution = resolution;
        self
    }

    /// Same network with another number of classes.
    #[must_use]
    pub fn with_classes(mut self, classes: u32) -> Self {
        self.head.classes = classes;
        self
    }

    /// Same network with the first `count` strides above 1 replaced by 1, as is usual for small images. The number of
    /// parameters does not change.
    #[must_use]
    pub fn without_early_strides(mut self, count: usize) -> Self {
        for block in self.blocks.iter_mut().filter(|block| block.stride() > 1).take(count) {
            *block = block.with_stride(1);
        }
        self
    }
}
