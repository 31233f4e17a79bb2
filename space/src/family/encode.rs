//! Finding the genes of a given architecture.

use super::{Family, Stage};
use crate::architecture::{Architecture, INPUT_CHANNELS};
use crate::block::Block;

impl Family {
    /// The genes that express `architecture`, whatever its number of classes; `None` where the family lacks it.
    pub fn encode(&self, architecture: &Architecture) -> Option<Vec<u16>> {
        let resolution = self
            .resolutions
            .iter()
            .position(|&side| side == architecture.resolution)?;
        self.widths.iter().enumerate().find_map(|(index, &width)| {
            if self.head(width, architecture.head.classes) != architecture.head {
                return None;
            }
            let mut genes = vec![resolution as u16, index as u16];
            let found = self.match_stages(&self.stages, &architecture.blocks, INPUT_CHANNELS, width, &mut genes);
            found.then_some(genes)
        })
    }

    /// Assigns `blocks` to `stages` from the front; neighbouring stages can look alike, so depths are tried in turn.
    fn match_stages(
        &self,
        stages: &[Stage],
        blocks: &[Block],
        in_channels: u32,
        width: f64,
        genes: &mut Vec<u16>,
    ) -> bool {
        let Some((stage, later)) = stages.split_first() else {
            return blocks.is_empty();
        };
        let mark = genes.len();
        for (channel_gene, &base) in stage.channels.iter().enumerate() {
            let channels = stage.scaling.apply(base, width, self.divisor);
            for (depth_gene, &depth) in stage.depth.iter().enumerate() {
                let Some((mine, rest)) = blocks.split_at_checked(depth as usize) else {
                    continue;
                };
                genes.truncate(mark);
                genes.extend([channel_gene as u16, depth_gene as u16]);
                if match_layers(stage, mine, in_channels, channels, genes)
                    && self.match_stages(later, rest, channels, width, genes)
                {
                    return true;
                }
            }
        }
        genes.truncate(mark);
        false
    }
}

fn match_layers(stage: &Stage, blocks: &[Block], in_channels: u32, channels: u32, genes: &mut Vec<u16>) -> bool {
    let expected = |choice: usize, layer: usize| {
        let (from, stride) = if layer == 0 {
            (in_channels, stage.stride)
        } else {
            (channels, 1)
        };
        stage.choices[choice].block(from, channels, stride)
    };
    let choices = 0..stage.choices.len();
    if !stage.per_layer {
        let fits = |&choice: &usize| {
            blocks
                .iter()
                .enumerate()
                .all(|(layer, block)| expected(choice, layer) == *block)
        };
        return choices
            .clone()
            .find(fits)
            .map(|choice| genes.push(choice as u16))
            .is_some();
    }
    for (layer, block) in blocks.iter().enumerate() {
        let Some(choice) = choices.clone().find(|&choice| expected(choice, layer) == *block) else {
            return false;
        };
        genes.push(choice as u16);
    }
    genes.extend(std::iter::repeat_n(0, stage.block_genes() - blocks.len()));
    true
}
