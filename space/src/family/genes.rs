//! Genes of a family: enumeration, sampling and mutation.
//!
//! Genes are the values of a family's decisions: resolution, width, then channels, depth and blocks of every stage. Genes
//! of blocks beyond their stage's depth have no effect and are 0, so that equal choices have equal genes.

use rand::RngExt;

use super::table::{RESOLUTION_GENE, StageGenes, WIDTH_GENE};
use super::{Family, Stage};

impl Family {
    fn stage_genes(&self) -> impl Iterator<Item = (&Stage, StageGenes)> {
        self.stages.iter().zip(self.table.genes.iter().copied())
    }

    /// Number of possible values of every gene.
    pub fn gene_sizes(&self) -> &[u16] {
        &self.table.sizes
    }

    /// Sets the channels of every stage to the choice nearest to `share` of the present ones, at most these.
    pub(crate) fn narrow(&self, genes: &mut [u16], share: f64) {
        for (stage, at) in self.stage_genes() {
            let own = stage.channels[genes[at.channels] as usize];
            let distance = |channels: u32| (f64::from(channels) - share * f64::from(own)).abs();
            let fewer = stage
                .channels
                .iter()
                .zip(0u16..)
                .filter(|(channels, _)| **channels <= own);
            let nearest = fewer.min_by(|(one, _), (other, _)| distance(**one).total_cmp(&distance(**other)));
            if let Some((_, gene)) = nearest {
                genes[at.channels] = gene;
            }
        }
    }

    /// Calls `visit` with the index of every gene that has an effect, in order.
    fn visit_effective(&self, genes: &[u16], mut visit: impl FnMut(usize)) {
        visit(RESOLUTION_GENE);
        visit(WIDTH_GENE);
        for (stage, at) in self.stage_genes() {
            visit(at.channels);
            visit(at.depth);
            let blocks = stage.active_blocks(stage.depth[genes[at.depth] as usize]);
            (at.blocks..at.blocks + blocks).for_each(&mut visit);
        }
    }

    /// Indices of the genes that have an effect and more than one possible value.
    pub fn active_genes(&self, genes: &[u16]) -> Vec<usize> {
        let mut active = Vec::new();
        self.visit_effective(genes, |gene| active.push(gene));
        active.retain(|&gene| self.table.sizes[gene] > 1);
        active
    }

    /// Sets genes without effect to 0.
    pub(crate) fn canonicalise(&self, genes: &mut [u16]) {
        for (stage, at) in self.stage_genes() {
            let blocks = stage.active_blocks(stage.depth[genes[at.depth] as usize]);
            genes[at.blocks + blocks..at.blocks + stage.block_genes()].fill(0);
        }
    }

    /// Iterates over all configurations, each once, in lexicographic order of their genes.
    pub(crate) fn configurations(&self) -> impl Iterator<Item = Vec<u16>> {
        let first = vec![0; self.table.sizes.len()];
        std::iter::successors(Some(first), |genes| {
            // The last gene that can be incremented; all genes after it are reset to 0.
            let mut raised = None;
            self.visit_effective(genes, |gene| {
                if genes[gene] + 1 < self.table.sizes[gene] {
                    raised = Some(gene);
                }
            });
            let raised = raised?;
            let mut next = genes.clone();
            next[raised] += 1;
            next[raised + 1..].fill(0);
            Some(next)
        })
    }

    /// Replaces `genes` with random ones; every decision is drawn uniformly and independently.
    pub(crate) fn sample_into(&self, genes: &mut Vec<u16>, rng: &mut impl rand::Rng) {
        let mut draw = |size: u16| if size > 1 { rng.random_range(0..size) } else { 0 };
        genes.clear();
        genes.resize(self.table.sizes.len(), 0);
        let sizes = &self.table.sizes;
        genes[RESOLUTION_GENE] = draw(sizes[RESOLUTION_GENE]);
        genes[WIDTH_GENE] = draw(sizes[WIDTH_GENE]);
        for (stage, at) in self.stage_genes() {
            genes[at.channels] = draw(sizes[at.channels]);
            genes[at.depth] = draw(sizes[at.depth]);
            let blocks = stage.active_blocks(stage.depth[genes[at.depth] as usize]);
            for gene in at.blocks..at.blocks + blocks {
                genes[gene] = draw(sizes[gene]);
            }
        }
    }

    /// Changes one decision that has an effect to another value. If the depth increases, the added blocks are drawn at
    /// random. In a family with a single network, `genes` do not change.
    pub(crate) fn mutate(&self, genes: &mut [u16], rng: &mut impl rand::Rng) {
        let sizes = &self.table.sizes;
        let mut decisions = 0;
        self.visit_effective(genes, |gene| decisions += usize::from(sizes[gene] > 1));
        if decisions == 0 {
            return;
        }
        let mut skip = rng.random_range(0..decisions);
        let mut chosen = RESOLUTION_GENE;
        self.visit_effective(genes, |gene| {
            if sizes[gene] > 1 {
                if skip == 0 {
                    chosen = gene;
                }
                skip = skip.wrapping_sub(1);
            }
        });
        // One of the other values: 1 to size - 1 steps further, modulo the size.
        let before = genes[chosen];
        genes[chosen] = (before + rng.random_range(1..sizes[chosen])) % sizes[chosen];
        let Some((stage, at)) = self.stage_genes().find(|(_, at)| at.depth == chosen) else {
            return;
        };
        let blocks_before = stage.active_blocks(stage.depth[before as usize]);
        let blocks = stage.active_blocks(stage.depth[genes[chosen] as usize]);
        for gene in at.blocks + blocks_before..at.blocks + blocks.max(blocks_before) {
            genes[gene] = rng.random_range(0..sizes[gene]);
        }
        genes[at.blocks + blocks..at.blocks + stage.block_genes()].fill(0);
    }
}
