//! Families: sequences of stages with choices, the common representation of search spaces and published networks.
//!
//! A published network with its width and resolution multipliers is a family in which every stage has one choice. A
//! search space is a union of families with more choices. Both are written in TOML, which `raw.rs` reads.

mod choice;
mod encode;
mod genes;
mod layers;
pub(crate) mod raw;
mod table;
mod tabulate;

pub use choice::BlockChoice;

use num_bigint::BigUint;

use crate::activation::Activation;
use crate::architecture::Architecture;
use crate::batch_norm::BatchNorm;
use crate::block::{Head, HiddenNorm};
use crate::rounding::Scaling;
use table::{RESOLUTION_GENE, Table, WIDTH_GENE};

/// Sequence of blocks at one output width.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Choices for each block.
    pub choices: Vec<BlockChoice>,
    /// Choices of output channels, at width multiplier 1.
    pub channels: Vec<u32>,
    /// Choices of the number of blocks.
    pub depth: Vec<u32>,
    /// Stride of the first block; the others have stride 1.
    pub stride: u32,
    /// Effect of the width multiplier on the channels.
    pub scaling: Scaling,
    /// True if the blocks of the stage are chosen independently, false if they share one choice.
    pub per_layer: bool,
}

impl Stage {
    fn max_depth(&self) -> u32 {
        self.depth.iter().copied().max().unwrap_or(1)
    }

    /// Number of genes of block choices.
    fn block_genes(&self) -> usize {
        if self.per_layer { self.max_depth() as usize } else { 1 }
    }

    /// Number of genes of block choices that have an effect at a depth.
    fn active_blocks(&self, depth: u32) -> usize {
        if self.per_layer { depth as usize } else { 1 }
    }
}

/// Hidden layer of the head, with its size at width multiplier 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HiddenRule {
    /// Number of outputs.
    pub features: u32,
    /// Bias or normalisation of the outputs.
    pub norm: HiddenNorm,
    /// Activation of the outputs after bias or normalisation.
    pub activation: Activation,
    /// Effect of the width multiplier on the number of outputs.
    pub scaling: Scaling,
}

/// Sequence of stages with choices, with choices of width multiplier and resolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Name, unique within a space.
    pub name: String,
    /// Choices of the input's side in pixels.
    pub resolutions: Vec<u32>,
    /// Choices of the width multiplier.
    pub widths: Vec<f64>,
    /// Factor applied to every width multiplier, for networks that are scaled versions of another.
    pub base_width: f64,
    /// Divisor to which scaled channels are rounded.
    pub divisor: u32,
    /// Constants of batch normalisation.
    pub batch_norm: BatchNorm,
    /// Stages from the stem to the last feature map.
    pub stages: Vec<Stage>,
    /// Hidden layer of the head, if any.
    pub hidden: Option<HiddenRule>,
    table: Table,
}

impl Family {
    fn head(&self, width: usize, classes: u32) -> Head {
        Head {
            hidden: self.table.hidden[width],
            classes,
        }
    }

    /// Number of configurations: the product over decisions, without those that have no effect.
    pub fn size(&self) -> BigUint {
        let mut size = BigUint::from(self.resolutions.len()) * BigUint::from(self.widths.len());
        for stage in &self.stages {
            size *= stage.size();
        }
        size
    }

    /// Architecture of these genes, with `classes` classes.
    pub fn express(&self, genes: &[u16], classes: u32) -> Architecture {
        let mut architecture = Architecture {
            resolution: 0,
            batch_norm: self.batch_norm,
            blocks: Vec::new(),
            head: self.head(0, classes),
        };
        self.express_into(genes, classes, &mut architecture);
        architecture
    }

    /// Replaces `architecture` with that of these genes, reusing its memory.
    pub fn express_into(&self, genes: &[u16], classes: u32, architecture: &mut Architecture) {
        let width = genes[WIDTH_GENE] as usize;
        architecture.resolution = self.resolutions[genes[RESOLUTION_GENE] as usize];
        architecture.batch_norm = self.batch_norm;
        architecture.head = self.head(width, classes);
        let blocks = &mut architecture.blocks;
        blocks.clear();
        let mut previous = 0;
        let table = &self.table;
        for ((stage, at), table) in self.stages.iter().zip(&table.genes).zip(&table.stages) {
            let channels = genes[at.channels] as usize;
            let depth = stage.depth[genes[at.depth] as usize] as usize;
            let gene = |block: usize| genes[if stage.per_layer { at.blocks + block } else { at.blocks }] as usize;
            blocks.push(table.first(width, previous, channels).blocks[gene(0)]);
            if depth > 1 {
                let cell = table.rest(width, channels);
                blocks.extend((1..depth).map(|block| cell.blocks[gene(block)]));
            }
            previous = channels;
        }
    }
}

impl Stage {
    /// Number of configurations of the stage.
    pub fn size(&self) -> BigUint {
        let choices = BigUint::from(self.choices.len());
        let blocks = |&depth: &u32| choices.pow(self.active_blocks(depth) as u32);
        BigUint::from(self.channels.len()) * self.depth.iter().map(blocks).sum::<BigUint>()
    }
}
