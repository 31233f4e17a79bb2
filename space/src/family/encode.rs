//! Encoding of architectures: the genes that express them.

use rustc_hash::FxHashSet;

use super::Family;
use super::table::{RESOLUTION_GENE, WIDTH_GENE};
use crate::architecture::Architecture;
use crate::block::Block;

impl Family {
    /// Genes that express `architecture`, with any number of classes; `None` if the family does not contain it.
    pub fn encode(&self, architecture: &Architecture) -> Option<Vec<u16>> {
        let mut genes = vec![0; self.table.sizes.len()];
        if !self.find(architecture, &mut genes) {
            return None;
        }
        // Failed attempts may have set genes without effect.
        self.canonicalise(&mut genes);
        Some(genes)
    }

    /// Checks whether the family contains `architecture`, with any number of classes.
    pub(crate) fn contains(&self, architecture: &Architecture) -> bool {
        self.find(architecture, &mut [])
    }

    /// Searches for the genes and writes them into `genes` unless that is empty.
    fn find(&self, architecture: &Architecture, genes: &mut [u16]) -> bool {
        if architecture.batch_norm != self.batch_norm || architecture.blocks.len() < self.stages.len() {
            return false;
        }
        let mut sides = self.resolutions.iter();
        let Some(resolution) = sides.position(|&side| side == architecture.resolution) else {
            return false;
        };
        (0..self.widths.len()).any(|width| {
            if self.table.hidden[width] != architecture.head.hidden {
                return false;
            }
            let mut matching = Matching {
                family: self,
                width,
                blocks: &architecture.blocks,
                genes: &mut *genes,
                calls: 0,
                dead_ends: FxHashSet::default(),
            };
            matching.set(RESOLUTION_GENE, resolution as u16);
            matching.set(WIDTH_GENE, width as u16);
            matching.stages(0, 0, 0)
        })
    }
}

/// Search for the genes at one width.
struct Matching<'a> {
    family: &'a Family,
    width: usize,
    blocks: &'a [Block],
    /// Genes found so far; empty if they are not needed.
    genes: &'a mut [u16],
    calls: usize,
    /// Pairs of a stage and a block from which no match exists, stored only in long searches. Without them, similar
    /// stages would make the search exponential.
    dead_ends: FxHashSet<(usize, usize)>,
}

impl Matching<'_> {
    /// Number of calls of `stages` after which dead ends are stored.
    const LONG: usize = 64;

    fn set(&mut self, gene: usize, value: u16) {
        if let Some(place) = self.genes.get_mut(gene) {
            *place = value;
        }
    }

    /// Matches the blocks from `from` onwards with the stages from `index` onwards. Tries all depths, since consecutive
    /// stages can have equal choices. `previous` is the channel choice of the previous stage.
    fn stages(&mut self, index: usize, from: usize, previous: usize) -> bool {
        let family = self.family;
        let Some(table) = family.table.stages.get(index) else {
            return from == self.blocks.len();
        };
        let Some(first) = self.blocks.get(from) else {
            return false;
        };
        // Choices of equal channels have equal blocks, so the first of them is enough.
        let Some(channels) = table.channel_choice(self.width, first.channels()) else {
            return false;
        };
        self.calls += 1;
        if self.calls > Self::LONG && self.dead_ends.contains(&(index, from)) {
            return false;
        }
        self.set(family.table.genes[index].channels, channels as u16);
        let fits = if family.stages[index].per_layer {
            self.separate(index, from, previous, channels)
        } else {
            self.uniform(index, from, previous, channels)
        };
        if !fits && self.calls > Self::LONG {
            self.dead_ends.insert((index, from));
        }
        fits
    }

    /// Matches a stage whose blocks are chosen independently.
    fn separate(&mut self, index: usize, from: usize, previous: usize, channels: usize) -> bool {
        let (table, at) = (&self.family.table.stages[index], self.family.table.genes[index]);
        let mut cell = table.first(self.width, previous, channels);
        for (at_block, block) in self.blocks[from..].iter().enumerate().take(table.max_depth()) {
            if at_block == 1 {
                cell = table.rest(self.width, channels);
            }
            let Some(choice) = cell.choice(block) else { return false };
            self.set(at.blocks + at_block, choice);
            if let Some(depth) = table.depth_gene(at_block + 1)
                && self.stages(index + 1, from + at_block + 1, channels)
            {
                self.set(at.depth, depth);
                return true;
            }
        }
        false
    }

    /// Matches a stage whose blocks share one choice.
    fn uniform(&mut self, index: usize, from: usize, previous: usize, channels: usize) -> bool {
        let (table, at) = (&self.family.table.stages[index], self.family.table.genes[index]);
        let first = table.first(self.width, previous, channels);
        // Rounding can make several choices equal in the first block but different in the others.
        for choice in (0..first.blocks.len()).filter(|&choice| first.blocks[choice] == self.blocks[from]) {
            for depth in 1..=table.max_depth() {
                let last = from + depth - 1;
                if depth > 1 && self.blocks.get(last) != Some(&table.rest(self.width, channels).blocks[choice]) {
                    break;
                }
                if let Some(depth_gene) = table.depth_gene(depth)
                    && self.stages(index + 1, last + 1, channels)
                {
                    self.set(at.blocks, choice as u16);
                    self.set(at.depth, depth_gene);
                    return true;
                }
            }
        }
        false
    }
}
