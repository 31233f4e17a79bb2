//! Stages of a space around a network.

use std::fmt;

use super::choice::{can_stride, channel_unit, continues, tables};
use super::list;
use crate::architecture::Architecture;
use crate::block::Block;
use crate::rounding::make_divisible;

/// Shares of the parent's output channels that are offered, rounded to multiples of 8.
const CHANNEL_SHARES: [f64; 2] = [0.5, 0.75];

/// Stage of a space around a network; prints the TOML table `[[family.stage]]`.
pub(super) struct StageChoices {
    channels: Vec<u32>,
    depth: Vec<u32>,
    stride: u32,
    choices: Vec<String>,
}

impl StageChoices {
    /// Stages of the space around a network, in order.
    pub fn all(parent: &Architecture) -> Vec<Self> {
        let unit = parent.blocks.iter().map(channel_unit).fold(8, common_multiple);
        let mut runs: Vec<Vec<(Block, u32)>> = Vec::new();
        let mut shape = parent.input();
        for block in &parent.blocks {
            match runs.last_mut() {
                Some(run) if run.last().is_some_and(|(before, _)| continues(before, block, shape)) => {
                    run.push((*block, shape.channels));
                }
                _ => runs.push(vec![(*block, shape.channels)]),
            }
            shape = block.output(shape);
        }
        runs.iter().flat_map(|run| Self::of_run(run, unit)).collect()
    }

    /// Stages of a run of blocks with their input channels: one, or two where a later block cannot stand in the strided first place.
    fn of_run(run: &[(Block, u32)], unit: u32) -> Vec<Self> {
        let (first, rest) = run.split_at(1);
        let channels = first[0].0.channels();
        let is_strided = first[0].0.stride() > 1;
        if is_strided && rest.iter().any(|(block, _)| !can_stride(block)) {
            // Channels chosen in two stages would not be equal, so that the residual connection between them would be lost.
            return vec![Self::of(first, vec![channels]), Self::of(rest, vec![channels])];
        }
        let shares = CHANNEL_SHARES.map(|share| make_divisible(f64::from(channels) * share, unit));
        let mut choices: Vec<u32> = shares.into_iter().filter(|&fewer| fewer < channels).collect();
        choices.dedup();
        choices.push(channels);
        vec![Self::of(run, choices)]
    }

    fn of(run: &[(Block, u32)], channels: Vec<u32>) -> Self {
        let mut choices = Vec::new();
        for table in run.iter().flat_map(|(block, in_channels)| tables(block, *in_channels)) {
            if !choices.contains(&table) {
                choices.push(table);
            }
        }
        let blocks = run.len() as u32;
        let least = if blocks <= 3 { 1 } else { blocks.div_ceil(2) };
        Self {
            channels,
            depth: (least..=blocks).collect(),
            stride: run[0].0.stride(),
            choices,
        }
    }
}

impl fmt::Display for StageChoices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[[family.stage]]\nchannels = {}", list(&self.channels))?;
        if self.depth != [1] {
            writeln!(f, "depth = {}", list(&self.depth))?;
        }
        if self.stride > 1 {
            writeln!(f, "stride = {}", self.stride)?;
        }
        writeln!(f, "choices = [")?;
        for choice in &self.choices {
            writeln!(f, "  {choice},")?;
        }
        writeln!(f, "]")
    }
}

/// Least common multiple.
fn common_multiple(one: u32, other: u32) -> u32 {
    let (mut a, mut b) = (one, other);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    one / a * other
}
