//! Table of all blocks of a family, which reduces expressing and encoding networks to look-ups.

use rustc_hash::FxHashMap;

use crate::block::{Block, HiddenLayer};

/// Blocks of all choices of a stage, for given numbers of input and output channels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// Block of every choice, in order.
    pub blocks: Vec<Block>,
    /// First choice with each block; empty if a linear search of `blocks` is faster.
    index: FxHashMap<Block, u16>,
}

impl Cell {
    /// Number of blocks up to which a linear search is faster.
    const SHORT: usize = 4;

    pub fn new(blocks: Vec<Block>) -> Self {
        let mut index = FxHashMap::default();
        if blocks.len() > Self::SHORT {
            for (choice, block) in blocks.iter().enumerate() {
                index.entry(*block).or_insert(choice as u16);
            }
        }
        Self { blocks, index }
    }

    /// First choice whose block is `block`.
    pub fn choice(&self, block: &Block) -> Option<u16> {
        if self.index.is_empty() {
            return self.blocks.iter().position(|other| other == block).map(|at| at as u16);
        }
        self.index.get(block).copied()
    }
}

/// Blocks of one stage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StageTable {
    /// Output channels by width and channel choice.
    pub(super) channels: Vec<u32>,
    /// First blocks by width, channel choice of the previous stage, and channel choice.
    pub(super) first: Vec<Cell>,
    /// Other blocks by width and channel choice; empty if the stage has none.
    pub(super) rest: Vec<Cell>,
    pub(super) channel_choices: usize,
    pub(super) previous_choices: usize,
    /// Depth gene, indexed by depth; `None` for depths that the stage cannot have.
    pub(super) depth_genes: Vec<Option<u16>>,
}

impl StageTable {
    pub fn channels(&self, width: usize, choice: usize) -> u32 {
        self.channels[width * self.channel_choices + choice]
    }

    /// First choice with `channels` output channels at a width.
    pub fn channel_choice(&self, width: usize, channels: u32) -> Option<usize> {
        let at_width = &self.channels[width * self.channel_choices..][..self.channel_choices];
        at_width.iter().position(|&other| other == channels)
    }

    pub fn channel_choices(&self) -> std::ops::Range<usize> {
        0..self.channel_choices
    }

    /// First blocks after the channel choice `previous` of the previous stage.
    pub fn first(&self, width: usize, previous: usize, choice: usize) -> &Cell {
        &self.first[(width * self.previous_choices + previous) * self.channel_choices + choice]
    }

    /// Blocks after the first, of a stage whose depth can be above 1.
    pub fn rest(&self, width: usize, choice: usize) -> &Cell {
        &self.rest[width * self.channel_choices + choice]
    }

    /// Gene of a depth; `None` if the stage cannot have the depth.
    pub fn depth_gene(&self, depth: usize) -> Option<u16> {
        self.depth_genes.get(depth).copied().flatten()
    }

    pub fn max_depth(&self) -> usize {
        self.depth_genes.len() - 1
    }
}

/// Indices of a stage's genes; the genes of its blocks start at `blocks`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StageGenes {
    pub channels: usize,
    pub depth: usize,
    pub blocks: usize,
}

/// Blocks of a family and the layout of its genes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Table {
    pub stages: Vec<StageTable>,
    pub genes: Vec<StageGenes>,
    /// Number of values of every gene.
    pub sizes: Vec<u16>,
    /// Number of blocks in all cells.
    pub variants: usize,
    /// Hidden layer of the head by width.
    pub hidden: Vec<Option<HiddenLayer>>,
}

pub(super) const RESOLUTION_GENE: usize = 0;
pub(super) const WIDTH_GENE: usize = 1;
