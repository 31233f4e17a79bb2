//! Every layer of a family worked out beforehand, so that expressing and recognising networks are look-ups.

use rustc_hash::FxHashMap;

use super::{BlockChoice, Family, Stage};
use crate::architecture::INPUT_CHANNELS;
use crate::block::kind::Context;
use crate::block::{Block, HiddenLayer};
use crate::limits;

/// Why the layers of a family cannot be worked out.
#[derive(Debug)]
pub(crate) struct TableProblem {
    /// Index of the stage.
    pub stage: usize,
    /// What is wrong there.
    pub problem: String,
}

/// The blocks that the choices of a stage are at one place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// For every choice, in order.
    pub blocks: Vec<Block>,
    /// The first choice that gives a block; empty where a look through `blocks` is faster.
    index: FxHashMap<Block, u16>,
}

impl Cell {
    const SHORT: usize = 4;

    fn new(choices: &[BlockChoice], context: Context) -> Result<Self, String> {
        let blocks = choices
            .iter()
            .map(|choice| choice.block(context).map_err(|problem| (choice, problem)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|(choice, problem)| {
                let Context {
                    in_channels, channels, ..
                } = context;
                format!(
                    "`{}` between {in_channels} and {channels} channels has {}; {}",
                    choice.kind(),
                    problem.problem,
                    problem.expected
                )
            })?;
        let mut index = FxHashMap::default();
        if blocks.len() > Self::SHORT {
            for (choice, block) in blocks.iter().enumerate() {
                index.entry(*block).or_insert(choice as u16);
            }
        }
        Ok(Self { blocks, index })
    }

    /// The choice that gives `block` here.
    pub fn choice(&self, block: &Block) -> Option<u16> {
        if self.index.is_empty() {
            return self.blocks.iter().position(|other| other == block).map(|at| at as u16);
        }
        self.index.get(block).copied()
    }
}

/// The layers of one stage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StageTable {
    /// Output channels by width and channel choice.
    channels: Vec<u32>,
    /// First layers by width, the former stage's channel choice, and this one's.
    first: Vec<Cell>,
    /// Other layers by width and channel choice; empty where there are none.
    rest: Vec<Cell>,
    channel_choices: usize,
    former_choices: usize,
    /// The depth gene by depth.
    depth_genes: Vec<Option<u16>>,
}

impl StageTable {
    pub fn channels(&self, width: usize, choice: usize) -> u32 {
        self.channels[width * self.channel_choices + choice]
    }

    pub fn channel_choices(&self) -> std::ops::Range<usize> {
        0..self.channel_choices
    }

    pub fn first(&self, width: usize, former: usize, choice: usize) -> &Cell {
        &self.first[(width * self.former_choices + former) * self.channel_choices + choice]
    }

    /// The layers after the first, in a stage that can have them.
    pub fn rest(&self, width: usize, choice: usize) -> &Cell {
        &self.rest[width * self.channel_choices + choice]
    }

    /// The gene of a depth, where the stage can have it.
    pub fn depth_gene(&self, depth: usize) -> Option<u16> {
        self.depth_genes.get(depth).copied().flatten()
    }

    pub fn max_depth(&self) -> usize {
        self.depth_genes.len() - 1
    }
}

/// Where a stage's genes stand in a genotype: channels, depth, then its blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StageGenes {
    pub channels: usize,
    pub depth: usize,
    pub blocks: usize,
}

/// A family's layers and the layout of its genotypes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Table {
    pub stages: Vec<StageTable>,
    pub genes: Vec<StageGenes>,
    /// For every gene, how many values it can take.
    pub sizes: Vec<u16>,
    /// The classifier's hidden layer by width.
    pub hidden: Vec<Option<HiddenLayer>>,
}

pub(super) const RESOLUTION_GENE: usize = 0;
pub(super) const WIDTH_GENE: usize = 1;

impl Table {
    pub fn of(family: &Family) -> Result<Self, TableProblem> {
        check_size(family)?;
        let mut table = Self {
            sizes: vec![family.resolutions.len() as u16, family.widths.len() as u16],
            hidden: family.widths.iter().map(|&width| family.hidden_at(width)).collect(),
            ..Self::default()
        };
        let mut former = vec![vec![INPUT_CHANNELS]; family.widths.len()];
        for (index, stage) in family.stages.iter().enumerate() {
            let next = table.sizes.len();
            table.genes.push(StageGenes {
                channels: next,
                depth: next + 1,
                blocks: next + 2,
            });
            table
                .sizes
                .extend([stage.channels.len() as u16, stage.depth.len() as u16]);
            let choices = stage.choices.len() as u16;
            table.sizes.extend(std::iter::repeat_n(choices, stage.block_genes()));
            let stage_table =
                stage_table(family, stage, &former).map_err(|problem| TableProblem { stage: index, problem })?;
            for (width, channels) in former.iter_mut().enumerate() {
                *channels = stage_table
                    .channel_choices()
                    .map(|choice| stage_table.channels(width, choice))
                    .collect();
            }
            table.stages.push(stage_table);
        }
        Ok(table)
    }
}

/// Refuses families whose layers would not fit in memory.
fn check_size(family: &Family) -> Result<(), TableProblem> {
    let mut variants = 0usize;
    let mut former = 1;
    for (index, stage) in family.stages.iter().enumerate() {
        let places = family.widths.len() * stage.channels.len() * (former + 1);
        variants = variants.saturating_add(places.saturating_mul(stage.choices.len()));
        former = stage.channels.len();
        if variants > limits::LAYER_VARIANTS {
            let problem = format!(
                "widths, channels and choices up to here make over {} different layers; leave some out",
                limits::LAYER_VARIANTS
            );
            return Err(TableProblem { stage: index, problem });
        }
    }
    Ok(())
}

fn stage_table(family: &Family, stage: &Stage, former: &[Vec<u32>]) -> Result<StageTable, String> {
    let mut table = StageTable {
        channels: Vec::new(),
        first: Vec::new(),
        rest: Vec::new(),
        channel_choices: stage.channels.len(),
        former_choices: former[0].len(),
        depth_genes: vec![None; stage.max_depth() as usize + 1],
    };
    for (gene, &depth) in stage.depth.iter().enumerate() {
        table.depth_genes[depth as usize].get_or_insert(gene as u16);
    }
    for (&width, former) in family.widths.iter().zip(former) {
        let scaled = |&base: &u32| family.scaled(stage, base, width);
        let channels: Vec<u32> = stage.channels.iter().map(scaled).collect();
        if let Some(wide) = channels.iter().find(|&&channels| channels > limits::CHANNELS) {
            return Err(format!(
                "{wide} channels at width {width}; expected at most {}",
                limits::CHANNELS
            ));
        }
        for &in_channels in former {
            for &channels in &channels {
                let context = Context {
                    in_channels,
                    channels,
                    stride: stage.stride,
                };
                table.first.push(Cell::new(&stage.choices, context)?);
            }
        }
        if stage.max_depth() > 1 {
            for &channels in &channels {
                let context = Context {
                    in_channels: channels,
                    channels,
                    stride: 1,
                };
                table.rest.push(Cell::new(&stage.choices, context)?);
            }
        }
        table.channels.extend(channels);
    }
    Ok(table)
}
