//! Computation of a family's table of blocks.

use super::table::{Cell, StageGenes, StageTable, Table};
use super::{BlockChoice, Family, Stage};
use crate::architecture::INPUT_CHANNELS;
use crate::block::HiddenLayer;
use crate::block::kind::Context;
use crate::limits;

/// Reason why no table can be built for a family.
#[derive(Debug)]
pub(crate) struct TableProblem {
    /// Index of the stage.
    pub stage: usize,
    /// Description of the problem.
    pub problem: String,
}

impl Family {
    /// Same family with the table of its blocks.
    pub(super) fn tabulated(mut self) -> Result<Self, TableProblem> {
        self.table = self.tabulate()?;
        Ok(self)
    }

    /// Same family at a single width multiplier, which need not be among its choices.
    pub(crate) fn at_width(&self, width: f64) -> Result<Self, TableProblem> {
        Self {
            widths: vec![width],
            ..self.clone()
        }
        .tabulated()
    }

    /// Number of blocks over all stages, widths and channel choices.
    pub(crate) fn layer_variants(&self) -> usize {
        self.table.variants
    }

    fn tabulate(&self) -> Result<Table, TableProblem> {
        let mut table = Table {
            variants: self.count_variants()?,
            sizes: vec![self.resolutions.len() as u16, self.widths.len() as u16],
            hidden: self.widths.iter().map(|&width| self.hidden_at(width)).collect(),
            ..Table::default()
        };
        let widest = table.hidden.iter().flatten().map(|hidden| hidden.features).max();
        if let Some(features) = widest.filter(|&features| features > limits::HIDDEN_CHANNELS) {
            let problem = format!(
                "{features} hidden features at the largest width; expected at most {}",
                limits::HIDDEN_CHANNELS
            );
            let stage = self.stages.len() - 1;
            return Err(TableProblem { stage, problem });
        }
        let mut previous = vec![vec![INPUT_CHANNELS]; self.widths.len()];
        for (index, stage) in self.stages.iter().enumerate() {
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
            let stage_table = self
                .stage_table(stage, &previous)
                .map_err(|problem| TableProblem { stage: index, problem })?;
            for (width, channels) in previous.iter_mut().enumerate() {
                *channels = stage_table
                    .channel_choices()
                    .map(|choice| stage_table.channels(width, choice))
                    .collect();
            }
            table.stages.push(stage_table);
        }
        Ok(table)
    }

    /// Counts the blocks; rejects families whose blocks would take too much memory.
    fn count_variants(&self) -> Result<usize, TableProblem> {
        let mut variants = 0usize;
        let mut previous = 1;
        for (index, stage) in self.stages.iter().enumerate() {
            let places = self.widths.len() * stage.channels.len() * (previous + 1);
            variants = variants.saturating_add(places.saturating_mul(stage.choices.len()));
            previous = stage.channels.len();
            if variants > limits::LAYER_VARIANTS {
                let problem = format!(
                    "widths, channels and choices up to here make more than {} different layers; remove some",
                    limits::LAYER_VARIANTS
                );
                return Err(TableProblem { stage: index, problem });
            }
        }
        Ok(variants)
    }

    /// Builds the table of a stage; `previous` are the channels of the previous stage by width and channel choice.
    fn stage_table(&self, stage: &Stage, previous: &[Vec<u32>]) -> Result<StageTable, String> {
        let mut table = StageTable {
            channels: Vec::new(),
            first: Vec::new(),
            rest: Vec::new(),
            channel_choices: stage.channels.len(),
            previous_choices: previous[0].len(),
            depth_genes: vec![None; stage.max_depth() as usize + 1],
        };
        for (gene, &depth) in stage.depth.iter().enumerate() {
            table.depth_genes[depth as usize].get_or_insert(gene as u16);
        }
        for (&width, previous) in self.widths.iter().zip(previous) {
            let scale = |&channels: &u32| stage.scaling.apply(channels, width * self.base_width, self.divisor);
            let channels: Vec<u32> = stage.channels.iter().map(scale).collect();
            if let Some(wide) = channels.iter().find(|&&channels| channels > limits::CHANNELS) {
                return Err(format!(
                    "{wide} channels at width {width}; expected at most {}",
                    limits::CHANNELS
                ));
            }
            for &in_channels in previous {
                for &channels in &channels {
                    let context = Context {
                        in_channels,
                        channels,
                        stride: stage.stride,
                    };
                    table.first.push(cell(&stage.choices, context)?);
                }
            }
            if stage.max_depth() > 1 {
                for &channels in &channels {
                    let context = Context {
                        in_channels: channels,
                        channels,
                        stride: 1,
                    };
                    table.rest.push(cell(&stage.choices, context)?);
                }
            }
            table.channels.extend(channels);
        }
        Ok(table)
    }

    fn hidden_at(&self, width: f64) -> Option<HiddenLayer> {
        self.hidden.map(|rule| HiddenLayer {
            features: rule.scaling.apply(rule.features, width * self.base_width, self.divisor),
            norm: rule.norm,
            activation: rule.activation,
        })
    }
}

/// Builds the blocks of the choices for given input and output channels.
fn cell(choices: &[BlockChoice], context: Context) -> Result<Cell, String> {
    let block = |choice: &BlockChoice| {
        choice.block(context).map_err(|problem| {
            let Context {
                in_channels, channels, ..
            } = context;
            format!(
                "`{}` between {in_channels} and {channels} channels has {}; {}",
                choice.kind(),
                problem.problem,
                problem.expected
            )
        })
    };
    choices.iter().map(block).collect::<Result<_, _>>().map(Cell::new)
}
