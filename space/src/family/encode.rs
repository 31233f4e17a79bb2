//! Finding the genes of a given architecture.

use super::Family;
use super::table::StageTable;
use crate::architecture::Architecture;
use crate::block::Block;

impl Family {
    /// The genes that express `architecture`, whatever its number of classes; `None` where the family lacks it.
    pub fn encode(&self, architecture: &Architecture) -> Option<Vec<u16>> {
        if architecture.batch_norm != self.batch_norm {
            return None;
        }
        let mut sides = self.resolutions.iter();
        let resolution = sides.position(|&side| side == architecture.resolution)?;
        (0..self.widths.len()).find_map(|width| {
            if self.table.hidden[width] != architecture.head.hidden {
                return None;
            }
            let mut matching = Matching {
                family: self,
                width,
                genes: Vec::new(),
                budget: Matching::STEPS,
            };
            if !matching.stages(0, &architecture.blocks, 0) {
                return None;
            }
            // Found from the last stage to the first.
            let mut genes = vec![resolution as u16, width as u16];
            genes.extend(matching.genes.iter().rev());
            Some(genes)
        })
    }
}

/// A search for the genes at one width.
struct Matching<'f> {
    family: &'f Family,
    width: usize,
    /// The genes of matched stages, the last gene first.
    genes: Vec<u16>,
    /// Steps left; neighbouring stages that look alike could be divided in very many ways.
    budget: u32,
}

impl Matching<'_> {
    const STEPS: u32 = 100_000;

    /// Assigns `blocks` to the stages from `index` on. Neighbouring stages can look alike, so depths are tried in turn.
    fn stages(&mut self, index: usize, blocks: &[Block], former: usize) -> bool {
        let family = self.family;
        let Some(table) = family.table.stages.get(index) else {
            return blocks.is_empty();
        };
        let Some(first) = blocks.first() else { return false };
        self.budget = self.budget.saturating_sub(1);
        if self.budget == 0 {
            return false;
        }
        let wanted = first.channels();
        for channels in table.channel_choices() {
            if table.channels(self.width, channels) != wanted {
                continue;
            }
            let fits = if family.stages[index].per_layer {
                self.layers(index, table, blocks, former, channels)
            } else {
                self.uniform(index, table, blocks, former, channels)
            };
            if fits {
                self.genes.push(channels as u16);
                return true;
            }
        }
        false
    }

    /// A stage whose layers choose one by one. On success its depth and block genes have been added.
    fn layers(&mut self, index: usize, table: &StageTable, blocks: &[Block], former: usize, channels: usize) -> bool {
        let mut depth = 0;
        let block_genes = self.family.stages[index].block_genes();
        while depth < table.max_depth() && depth < blocks.len() {
            let found = if depth == 0 {
                table.first(self.width, former, channels).choice(&blocks[0])
            } else {
                table.rest(self.width, channels).choice(&blocks[depth])
            };
            if found.is_none() {
                return false;
            }
            depth += 1;
            let Some(depth_gene) = table.depth_gene(depth) else {
                continue;
            };
            if self.stages(index + 1, &blocks[depth..], channels) {
                self.genes.extend(std::iter::repeat_n(0, block_genes - depth));
                for layer in (1..depth).rev() {
                    let choice = table.rest(self.width, channels).choice(&blocks[layer]);
                    self.genes.push(choice.unwrap_or_default());
                }
                let choice = table.first(self.width, former, channels).choice(&blocks[0]);
                self.genes.push(choice.unwrap_or_default());
                self.genes.push(depth_gene);
                return true;
            }
        }
        false
    }

    /// A stage that chooses once for all its layers. On success its depth and block genes have been added.
    fn uniform(&mut self, index: usize, table: &StageTable, blocks: &[Block], former: usize, channels: usize) -> bool {
        let first = table.first(self.width, former, channels);
        // Rounding can make several choices equal in the first layer and different in the others.
        for choice in 0..first.blocks.len() {
            let mut depth = 1;
            if first.blocks[choice] != blocks[0] {
                continue;
            }
            loop {
                if let Some(depth_gene) = table.depth_gene(depth)
                    && self.stages(index + 1, &blocks[depth..], channels)
                {
                    self.genes.extend([choice as u16, depth_gene]);
                    return true;
                }
                let fits = |block: &Block| table.rest(self.width, channels).blocks[choice] == *block;
                if depth < table.max_depth() && blocks.get(depth).is_some_and(fits) {
                    depth += 1;
                } else {
                    break;
                }
            }
        }
        false
    }
}
