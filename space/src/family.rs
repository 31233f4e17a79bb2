//! A family: a sequence of stages with choices, the common shape of a search space and of a published network.
//!
//! A published network with its width and resolution multipliers is a family in which every stage has one choice;
//! a search space is a union of families with more. Both are TOML and read by `raw.rs`.

mod encode;
mod enumerate;
mod raw;

pub(crate) use raw::RawFamily;

use num_bigint::BigUint;
use rand::RngExt;

use crate::activation::{Activation, Gate};
use crate::architecture::{Architecture, INPUT_CHANNELS};
use crate::block::{Block, Conv, DepthwiseSeparable, Head, HiddenLayer, Identity, InvertedResidual, SqueezeExcite};
use crate::rounding::Scaling;

/// A block before its channel counts are known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BlockChoice {
    /// A full convolution.
    Conv {
        /// Side of the kernel.
        kernel: u32,
        /// After batch-norm.
        activation: Activation,
    },
    /// A depthwise separable convolution.
    DepthwiseSeparable {
        /// Side of the depthwise kernel.
        kernel: u32,
        /// Squeeze-excite as a share of the gated channels.
        squeeze_excite: Option<SqueezeRatio>,
        /// After both batch-norms.
        activation: Activation,
    },
    /// An inverted residual.
    InvertedResidual {
        /// Side of the depthwise kernel.
        kernel: u32,
        /// Hidden channels as a multiple of the input's.
        expansion: f64,
        /// Squeeze-excite as a share of the gated channels.
        squeeze_excite: Option<SqueezeRatio>,
        /// After expansion and depthwise convolution.
        activation: Activation,
    },
    /// A skipped layer.
    Identity,
}

/// A squeeze-excite before its width is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SqueezeRatio {
    /// Share of the gated channels.
    pub ratio: f64,
    /// What maps to a factor.
    pub gate: Gate,
}

impl SqueezeRatio {
    fn of(self, gated_channels: u32) -> SqueezeExcite {
        SqueezeExcite::of_expanded(gated_channels, self.ratio, self.gate)
    }
}

impl BlockChoice {
    /// The concrete block between `in_channels` and `channels`.
    pub fn block(&self, in_channels: u32, channels: u32, stride: u32) -> Block {
        match *self {
            Self::Conv { kernel, activation } => Block::Conv(Conv {
                kernel,
                stride,
                channels,
                activation,
            }),
            Self::DepthwiseSeparable {
                kernel,
                squeeze_excite,
                activation,
            } => {
                let squeeze_excite = squeeze_excite.map(|ratio| ratio.of(in_channels));
                Block::DepthwiseSeparable(DepthwiseSeparable {
                    kernel,
                    stride,
                    channels,
                    squeeze_excite,
                    activation,
                })
            }
            Self::InvertedResidual {
                kernel,
                expansion,
                squeeze_excite,
                activation,
            } => {
                let hidden_channels = InvertedResidual::expanded(in_channels, expansion);
                let squeeze_excite = squeeze_excite.map(|ratio| ratio.of(hidden_channels));
                Block::InvertedResidual(InvertedResidual {
                    kernel,
                    stride,
                    channels,
                    hidden_channels,
                    squeeze_excite,
                    activation,
                })
            }
            Self::Identity => Block::Identity(Identity { stride, channels }),
        }
    }
}

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
}

/// The hidden layer of the classifier at width multiplier 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HiddenRule {
    /// Outputs.
    pub features: u32,
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
    /// Scaled channels are multiples of this.
    pub divisor: u32,
    /// From stem to the last feature map.
    pub stages: Vec<Stage>,
    /// The classifier's hidden layer.
    pub hidden: Option<HiddenRule>,
}

/// Where a stage's genes stand in a genotype: channels, depth, then its blocks.
#[derive(Debug, Clone, Copy)]
struct StageGenes {
    channels: usize,
    depth: usize,
    blocks: usize,
}

const RESOLUTION_GENE: usize = 0;
const WIDTH_GENE: usize = 1;

impl Family {
    fn stage_genes(&self) -> impl Iterator<Item = (&Stage, StageGenes)> {
        let mut next = WIDTH_GENE + 1;
        self.stages.iter().map(move |stage| {
            let genes = StageGenes {
                channels: next,
                depth: next + 1,
                blocks: next + 2,
            };
            next += 2 + stage.block_genes();
            (stage, genes)
        })
    }

    /// For every gene, how many values it can take.
    pub fn gene_sizes(&self) -> Vec<u16> {
        let mut sizes = vec![self.resolutions.len() as u16, self.widths.len() as u16];
        for stage in &self.stages {
            sizes.extend([stage.channels.len() as u16, stage.depth.len() as u16]);
            sizes.extend(std::iter::repeat_n(stage.choices.len() as u16, stage.block_genes()));
        }
        sizes
    }

    /// The genes that have an effect: more than one value, and not of a layer beyond its stage's depth.
    pub fn active_genes(&self, genes: &[u16]) -> Vec<usize> {
        let sizes = self.gene_sizes();
        let mut active = vec![RESOLUTION_GENE, WIDTH_GENE];
        for (stage, at) in self.stage_genes() {
            active.extend([at.channels, at.depth]);
            let layers = if stage.per_layer {
                stage.depth[genes[at.depth] as usize] as usize
            } else {
                1
            };
            active.extend(at.blocks..at.blocks + layers);
        }
        active.retain(|&gene| sizes[gene] > 1);
        active
    }

    /// Sets genes without effect to 0, so that equal networks of this family have equal genes.
    pub(crate) fn canonicalise(&self, genes: &mut [u16]) {
        let active = self.active_genes(genes);
        for (index, gene) in genes.iter_mut().enumerate() {
            if !active.contains(&index) {
                *gene = 0;
            }
        }
    }

    /// Genes in which every decision is drawn uniformly and independently.
    pub(crate) fn sample(&self, rng: &mut impl rand::Rng) -> Vec<u16> {
        let mut genes: Vec<u16> = self
            .gene_sizes()
            .iter()
            .map(|&size| rng.random_range(0..size))
            .collect();
        self.canonicalise(&mut genes);
        genes
    }

    /// How many configurations there are: the product over decisions, decisions without effect not counted.
    pub fn size(&self) -> BigUint {
        let mut size = BigUint::from(self.resolutions.len()) * BigUint::from(self.widths.len());
        for stage in &self.stages {
            let choices = BigUint::from(stage.choices.len());
            let layers = |depth: u32| {
                if stage.per_layer {
                    choices.pow(depth)
                } else {
                    choices.clone()
                }
            };
            size *= BigUint::from(stage.channels.len());
            size *= stage.depth.iter().map(|&depth| layers(depth)).sum::<BigUint>();
        }
        size
    }

    /// The architecture that `genes` describe.
    pub fn express(&self, genes: &[u16], classes: u32) -> Architecture {
        let width = self.widths[genes[WIDTH_GENE] as usize];
        let mut blocks = Vec::new();
        let mut in_channels = INPUT_CHANNELS;
        for (stage, at) in self.stage_genes() {
            let base = stage.channels[genes[at.channels] as usize];
            let channels = stage.scaling.apply(base, width, self.divisor);
            for layer in 0..stage.depth[genes[at.depth] as usize] as usize {
                let gene = if stage.per_layer { at.blocks + layer } else { at.blocks };
                let stride = if layer == 0 { stage.stride } else { 1 };
                blocks.push(stage.choices[genes[gene] as usize].block(in_channels, channels, stride));
                in_channels = channels;
            }
        }
        let head = self.head(width, classes);
        Architecture {
            resolution: self.resolutions[genes[RESOLUTION_GENE] as usize],
            blocks,
            head,
        }
    }

    fn head(&self, width: f64, classes: u32) -> Head {
        let hidden = self.hidden.map(|rule| HiddenLayer {
            features: rule.scaling.apply(rule.features, width, self.divisor),
            activation: rule.activation,
        });
        Head { hidden, classes }
    }

    /// The same family with the first `count` strides removed, the usual form for small images.
    #[must_use]
    pub fn without_early_strides(mut self, count: usize) -> Self {
        for stage in self.stages.iter_mut().filter(|stage| stage.stride > 1).take(count) {
            stage.stride = 1;
        }
        self
    }
}
