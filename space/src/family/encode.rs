//! Finding the genes of a given architecture.

use rustc_hash::FxHashSet;

use super::Family;
use super::table::{RESOLUTION_GENE, WIDTH_GENE};
use crate::architecture::Architecture;
use crate::block::Block;

impl Family {
    /// The genes that express `architecture`, whatever its number of classes; `None` where the family lacks it.
    pub fn encode(&self, architecture: &Architecture) -> Option<Vec<u16>> {
        let mut genes = vec![0; self.table.sizes.len()];
        if !self.find(architecture, &mut genes) {
            return None;
        }
        // What attempts that led nowhere have left.
        self.canonicalise(&mut genes);
        Some(genes)
    }

    /// Whether some genes express `architecture`, whatever its number of classes.
    pub(crate) fn contains(&self, architecture: &Architecture) -> bool {
        self.find(architecture, &mut [])
    }

    /// Looks for the genes and writes those found into `genes`, unless it is empty.
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
                hopeless: FxHashSet::default(),
            };
            matching.set(RESOLUTION_GENE, resolution as u16);
            matching.set(WIDTH_GENE, width as u16);
            matching.stages(0, 0, 0)
        })
    }
}

/// A search for the genes at one width.
struct Matching<'a> {
    family: &'a Family,
    width: usize,
    blocks: &'a [Block],
    /// What has been found; empty where nobody asks.
    genes: &'a mut [u16],
    calls: usize,
    /// Stages and blocks from which on nothing matches, noted once the search takes long: stages that look alike could
    /// be divided in very many ways.
    hopeless: FxHashSet<(usize, usize)>,
}

impl Matching<'_> {
    /// Calls of `stages` after which dead ends are noted.
    const LONG: usize = 64;

    fn set(&mut self, gene: usize, value: u16) {
        if let Some(place) = self.genes.get_mut(gene) {
            *place = value;
        }
    }

    /// Assigns the blocks from `from` on to the stages from `index` on. Neighbouring stages can look alike, so depths
    /// are tried in turn. `former` is the channel choice of the stage before.
    fn stages(&mut self, index: usize, from: usize, former: usize) -> bool {
        let family = self.family;
        let Some(table) = family.table.stages.get(index) else {
            return from == self.blocks.len();
        };
        let Some(first) = self.blocks.get(from) else {
            return false;
        };
        // Choices of equal channels have equal layers: the first of them stands for all.
        let Some(channels) = table.channel_choice(self.width, first.channels()) else {
            return false;
        };
        self.calls += 1;
        if self.calls > Self::LONG && self.hopeless.contains(&(index, from)) {
            return false;
        }
        self.set(family.table.genes[index].channels, channels as u16);
        let fits = if family.stages[index].per_layer {
            self.layers(index, from, former, channels)
        } else {
            self.uniform(index, from, former, channels)
        };
        if !fits && self.calls > Self::LONG {
            self.hopeless.insert((index, from));
        }
        fits
    }

    /// A stage whose layers choose one by one.
    fn layers(&mut self, index: usize, from: usize, former: usize, channels: usize) -> bool {
        let (table, at) = (&self.family.table.stages[index], self.family.table.genes[index]);
        let mut cell = table.first(self.width, former, channels);
        for (layer, block) in self.blocks[from..].iter().enumerate().take(table.max_depth()) {
            if layer == 1 {
                cell = table.rest(self.width, channels);
            }
            let Some(choice) = cell.choice(block) else { return false };
            self.set(at.blocks + layer, choice);
            if let Some(depth) = table.depth_gene(layer + 1)
                && self.stages(index + 1, from + layer + 1, channels)
            {
                self.set(at.depth, depth);
                return true;
            }
        }
        false
    }

    /// A stage that chooses once for all its layers.
    fn uniform(&mut self, index: usize, from: usize, former: usize, channels: usize) -> bool {
        let (table, at) = (&self.family.table.stages[index], self.family.table.genes[index]);
        let first = table.first(self.width, former, channels);
        // Rounding can make several choices equal in the first layer and different in the others.
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
