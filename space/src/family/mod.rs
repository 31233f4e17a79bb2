//! A family: a sequence of stages with choices, the common shape of a search space and of a published network.
//!
//! A published network with its width and resolution multipliers is a family in which every stage has one choice;
//! a search space is a union of families with more. Both are TOML and read by `raw.rs`.

mod choice;
mod encode;
mod enumerate;
mod raw;
mod table;

pub use choice::BlockChoice;
pub(crate) use raw::{Alteration, RawFamily};
pub(crate) use table::TableProblem;

use num_bigint::BigUint;
use rand::RngExt;

use crate::activation::Activation;
use crate::architecture::Architecture;
use crate::batch_norm::BatchNorm;
use crate::block::{Head, HiddenLayer, HiddenNorm};
use crate::rounding::Scaling;
use table::{RESOLUTION_GENE, StageGenes, Table, WIDTH_GENE};

/// Blocks at one output width.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// What each layer may be.
    pub choices: Vec<BlockChoice>,
    /// Output channels at width multiplier 1.
    pub channels: Vec<u32>,
    /// How many layers.
    pub depth: Vec<u32>,
    /// Stride of the first layer; the others have stride 1.
    pub stride: u32,
    /// How channels follow the width multiplier.
    pub scaling: Scaling,
    /// Whether every layer chooses for itself, or the stage once for all its layers.
    pub per_layer: bool,
}

impl Stage {
    fn max_depth(&self) -> u32 {
        self.depth.iter().copied().max().unwrap_or(1)
    }

    /// How many genes say which block each layer is.
    fn block_genes(&self) -> usize {
        if self.per_layer { self.max_depth() as usize } else { 1 }
    }

    /// How many of these genes have an effect at a depth.
    fn active_blocks(&self, depth: u32) -> usize {
        if self.per_layer { depth as usize } else { 1 }
    }
}

/// The hidden layer of the classifier at width multiplier 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HiddenRule {
    /// Outputs.
    pub features: u32,
    /// What is added to them.
    pub norm: HiddenNorm,
    /// Applied to them.
    pub activation: Activation,
    /// How they follow the width multiplier.
    pub scaling: Scaling,
}

/// A sequence of stages with choices, at choices of width multiplier and resolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Its name, unique in a space.
    pub name: String,
    /// Input sides in pixels.
    pub resolutions: Vec<u32>,
    /// Width multipliers.
    pub widths: Vec<f64>,
    /// Multiplied with every width multiplier: the width of a network that is itself a scaled one.
    pub base_width: f64,
    /// Scaled channels are multiples of this.
    pub divisor: u32,
    /// The constants of batch normalisation.
    pub batch_norm: BatchNorm,
    /// From stem to the last feature map.
    pub stages: Vec<Stage>,
    /// The classifier's hidden layer.
    pub hidden: Option<HiddenRule>,
    table: Table,
}

impl Family {
    /// Works out the layers, which everything else looks up.
    fn tabulated(mut self) -> Result<Self, TableProblem> {
        self.table = Table::of(&self)?;
        Ok(self)
    }

    /// The same family at one width multiplier, which may be one that it does not have.
    pub(crate) fn at_width(&self, width: f64) -> Result<Self, TableProblem> {
        Self {
            widths: vec![width],
            ..self.clone()
        }
        .tabulated()
    }

    fn scaled(&self, stage: &Stage, channels: u32, width: f64) -> u32 {
        stage.scaling.apply(channels, width * self.base_width, self.divisor)
    }

    fn hidden_at(&self, width: f64) -> Option<HiddenLayer> {
        self.hidden.map(|rule| HiddenLayer {
            features: rule.scaling.apply(rule.features, width * self.base_width, self.divisor),
            norm: rule.norm,
            activation: rule.activation,
        })
    }

    fn head(&self, width: usize, classes: u32) -> Head {
        Head {
            hidden: self.table.hidden[width],
            classes,
        }
    }

    fn stage_genes(&self) -> impl Iterator<Item = (&Stage, StageGenes)> {
        self.stages.iter().zip(self.table.genes.iter().copied())
    }

    /// For every gene, how many values it can take.
    pub fn gene_sizes(&self) -> &[u16] {
        &self.table.sizes
    }

    /// Calls `visit` with every gene that has an effect: not those of layers beyond their stage's depth.
    fn visit_effective(&self, genes: &[u16], mut visit: impl FnMut(usize)) {
        visit(RESOLUTION_GENE);
        visit(WIDTH_GENE);
        for (stage, at) in self.stage_genes() {
            visit(at.channels);
            visit(at.depth);
            let layers = stage.active_blocks(stage.depth[genes[at.depth] as usize]);
            (at.blocks..at.blocks + layers).for_each(&mut visit);
        }
    }

    /// The genes that have an effect: more than one value, and not of a layer beyond its stage's depth.
    pub fn active_genes(&self, genes: &[u16]) -> Vec<usize> {
        let mut active = Vec::new();
        self.visit_effective(genes, |gene| active.push(gene));
        active.retain(|&gene| self.table.sizes[gene] > 1);
        active
    }

    /// Sets genes without effect to 0, so that equal networks of this family have equal genes.
    pub(crate) fn canonicalise(&self, genes: &mut [u16]) {
        for (stage, at) in self.stage_genes() {
            let layers = stage.active_blocks(stage.depth[genes[at.depth] as usize]);
            genes[at.blocks + layers..at.blocks + stage.block_genes()].fill(0);
        }
    }

    /// Replaces `genes` by ones in which every decision is drawn uniformly and independently.
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
            let layers = stage.active_blocks(stage.depth[genes[at.depth] as usize]);
            for gene in at.blocks..at.blocks + layers {
                genes[gene] = draw(sizes[gene]);
            }
        }
    }

    /// Gives one decision that has an effect another value; layers that come into effect with a greater depth are
    /// drawn. Nothing changes in a family with a single network.
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
        // One of the other values: shift by 1 to size - 1 steps, around the end.
        let before = genes[chosen];
        genes[chosen] = (before + rng.random_range(1..sizes[chosen])) % sizes[chosen];
        let Some((stage, at)) = self.stage_genes().find(|(_, at)| at.depth == chosen) else {
            return;
        };
        let awake = stage.active_blocks(stage.depth[before as usize]);
        let layers = stage.active_blocks(stage.depth[genes[chosen] as usize]);
        for gene in at.blocks + awake..at.blocks + layers.max(awake) {
            genes[gene] = rng.random_range(0..sizes[gene]);
        }
        genes[at.blocks + layers..at.blocks + stage.block_genes()].fill(0);
    }

    /// How many configurations there are: the product over decisions, decisions without effect not counted.
    pub fn size(&self) -> BigUint {
        let mut size = BigUint::from(self.resolutions.len()) * BigUint::from(self.widths.len());
        for stage in &self.stages {
            size *= stage.size();
        }
        size
    }

    /// The architecture that `genes` describe.
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

    /// Like [`Family::express`], reusing the memory of an earlier architecture.
    pub fn express_into(&self, genes: &[u16], classes: u32, architecture: &mut Architecture) {
        let width = genes[WIDTH_GENE] as usize;
        architecture.resolution = self.resolutions[genes[RESOLUTION_GENE] as usize];
        architecture.batch_norm = self.batch_norm;
        architecture.head = self.head(width, classes);
        let blocks = &mut architecture.blocks;
        blocks.clear();
        let mut former = 0;
        for ((stage, at), table) in self.stage_genes().zip(&self.table.stages) {
            let channels = genes[at.channels] as usize;
            let depth = stage.depth[genes[at.depth] as usize] as usize;
            let gene = |layer: usize| genes[if stage.per_layer { at.blocks + layer } else { at.blocks }] as usize;
            blocks.push(table.first(width, former, channels).blocks[gene(0)]);
            if depth > 1 {
                let cell = table.rest(width, channels);
                blocks.extend((1..depth).map(|layer| cell.blocks[gene(layer)]));
            }
            former = channels;
        }
    }
}

impl Stage {
    /// How many configurations the stage has.
    pub fn size(&self) -> BigUint {
        let choices = BigUint::from(self.choices.len());
        let layers = |&depth: &u32| choices.pow(self.active_blocks(depth) as u32);
        BigUint::from(self.channels.len()) * self.depth.iter().map(layers).sum::<BigUint>()
    }
}
