//! Alignment of the blocks of two networks, for inheritance of weights.

use crate::architecture::Architecture;
use crate::block::Block;
use crate::graph::Shape;

/// Block at its position in a network.
#[derive(Debug, Clone, Copy)]
struct Placed {
    block: Block,
    input: Shape,
    /// Product of the strides before the block.
    stride_before: u64,
}

/// Score of a pair of blocks that correspond, before its likeness: more pairs are better than likelier ones.
const PAIR: i64 = 1_000_000;
/// Score where both blocks keep their channels, or both change them.
const SAME_ROLE: i64 = 300_000;
/// Score where both blocks have the same type.
const SAME_TYPE: i64 = 100_000;
/// Score of equal output channels; different ones score the ratio of the smaller to the larger.
const CHANNELS: f64 = 100_000.0;

/// Block of `parent` that corresponds to each block of `child`; `None` for a block that `parent` does not have.
///
/// Blocks keep their order. Corresponding blocks have the same stride after the same total stride, and a convolution corresponds
/// only to a convolution; of such pairs there are as many as possible. Where `child` has fewer blocks of a kind, they correspond to
/// the first ones of `parent`. Channels, kernels, expansions and activations may differ.
///
/// ```
/// use mnas_space::{Architecture, align_blocks};
/// let parent: Architecture = "in32,conv_k3_s2_c16_nre,ir_r3_k3_s2_e6_c24_nre,conv_k1_c64_nre,head_o4".parse()?;
/// let child: Architecture = "in32,conv_k3_s2_c8_nre,ir_r2_k5_s2_e3_c16_nre,conv_k1_c64_nre,head_o4".parse()?;
/// assert_eq!(align_blocks(&parent, &child), [Some(0), Some(1), Some(2), Some(4)]);
/// # Ok::<(), mnas_space::NotationError>(())
/// ```
pub fn align_blocks(parent: &Architecture, child: &Architecture) -> Vec<Option<usize>> {
    let (parents, children) = (placed(parent), placed(child));
    let width = parents.len() + 1;
    // Best score of the first blocks of `child` (rows) and of `parent` (columns).
    let mut best = vec![0i64; (children.len() + 1) * width];
    for (c, child) in children.iter().enumerate() {
        for (p, parent) in parents.iter().enumerate() {
            let apart = best[c * width + p + 1].max(best[(c + 1) * width + p]);
            let paired = score(parent, child).map(|score| best[c * width + p] + score - p as i64);
            best[(c + 1) * width + p + 1] = paired.unwrap_or(0).max(apart);
        }
    }
    let mut pairs = vec![None; children.len()];
    let (mut c, mut p) = (children.len(), parents.len());
    while c > 0 && p > 0 {
        let here = best[c * width + p];
        if here == best[c * width + p - 1] {
            p -= 1;
        } else if here == best[(c - 1) * width + p] {
            c -= 1;
        } else {
            (c, p) = (c - 1, p - 1);
            pairs[c] = Some(p);
        }
    }
    pairs
}

fn placed(network: &Architecture) -> Vec<Placed> {
    let (mut input, mut stride_before) = (network.input(), 1);
    let place = |block: &Block| {
        let placed = Placed {
            block: *block,
            input,
            stride_before,
        };
        input = block.output(input);
        stride_before *= u64::from(block.stride());
        placed
    };
    network.blocks.iter().map(place).collect()
}

/// Score of a pair; `None` if the blocks cannot correspond.
fn score(parent: &Placed, child: &Placed) -> Option<i64> {
    let is_conv = |placed: &Placed| matches!(placed.block, Block::Conv(_));
    let is_identity = |placed: &Placed| matches!(placed.block, Block::Identity(_));
    let fits = parent.stride_before == child.stride_before
        && parent.block.stride() == child.block.stride()
        && is_conv(parent) == is_conv(child)
        && is_identity(parent) == is_identity(child);
    if !fits {
        return None;
    }
    let keeps = |placed: &Placed| placed.input.channels == placed.block.channels();
    let [one, other] = [parent, child].map(|placed| f64::from(placed.block.channels()));
    let mut score = PAIR + (CHANNELS * one.min(other) / one.max(other)) as i64;
    if keeps(parent) == keeps(child) {
        score += SAME_ROLE;
    }
    if parent.block.kind() == child.block.kind() {
        score += SAME_TYPE;
    }
    Some(score)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;
    use crate::{Reference, SearchSpace, space_around};

    fn align(parent: &str, child: &str) -> Vec<Option<usize>> {
        align_blocks(&parent.parse().unwrap(), &child.parse().unwrap())
    }

    #[test]
    fn a_network_corresponds_to_itself() {
        for reference in Reference::all() {
            let network = reference.architecture(1.0, 224, 10).unwrap();
            let all: Vec<_> = (0..network.blocks.len()).map(Some).collect();
            assert_eq!(align_blocks(&network, &network), all, "{}", reference.name());
        }
    }

    #[test]
    fn dropped_blocks_are_the_last_of_their_stage() {
        let parent = "in64,conv_k3_s2_c16_nre,ir_r4_k3_s2_e6_c24_nre,ir_r3_k3_e6_c32_nre,head_o4";
        let child = "in64,conv_k3_s2_c16_nre,ir_r2_k3_s2_e6_c16_nre,ir_r2_k3_e6_c24_nre,head_o4";
        assert_eq!(align(parent, child), [0, 1, 2, 5, 6].map(Some));
    }

    #[test]
    fn added_blocks_have_no_counterpart() {
        let parent = "in64,conv_k3_s2_c16_nre,ir_r2_k3_s2_e6_c24_nre,conv_k1_c64_nre,head_o4";
        let child = "in64,conv_k3_s2_c16_nre,ir_r4_k3_s2_e6_c24_nre,conv_k1_c64_nre,head_o4";
        assert_eq!(align(parent, child), [Some(0), Some(1), Some(2), None, None, Some(3)]);
    }

    #[test]
    fn networks_of_other_strides_have_nothing_in_common() {
        let parent = "in64,conv_k3_s2_c16_nre,ds_k3_s2_c24_nre,head_o4";
        assert_eq!(
            align(parent, "in64,conv_k3_s4_c16_nre,ds_k3_s3_c24_nre,head_o4"),
            [None, None]
        );
    }

    /// Members of a space around a network correspond stage by stage, block by block from the first.
    #[test]
    fn members_of_a_space_correspond_stage_by_stage() {
        for name in ["mobilenet-v2", "mobilenet-v3-large", "efficientnet-lite0"] {
            let parent = Reference::named(name).unwrap().architecture(1.0, 224, 10).unwrap();
            let space = SearchSpace::from_toml(&space_around(&parent, name)).unwrap();
            let stages = &space.families[0].stages;
            let mut rng = stream(5, "align", 0, 0);
            let mut compared = 0;
            for _ in 0..50 {
                let genotype = space.sample(&mut rng);
                let child = space.express(&genotype, 10);
                let (mut expected, mut first) = (Vec::new(), 0);
                for (stage, depth) in stages.iter().zip(depths(&space, &genotype)) {
                    expected.extend((first..first + depth).map(Some));
                    first += stage.depth.iter().copied().max().unwrap_or(1) as usize;
                }
                // Two stages that are narrowed to the same channels look like one.
                let keeps = |network: &Architecture| -> Vec<bool> {
                    network
                        .layers()
                        .map(|layer| layer.key.input.channels == layer.output.channels)
                        .collect()
                };
                let (of_parent, of_child) = (keeps(&parent), keeps(&child));
                let is_plain = |(c, p): (usize, &Option<usize>)| p.is_some_and(|p| of_child[c] == of_parent[p]);
                if expected.iter().enumerate().all(is_plain) {
                    compared += 1;
                    assert_eq!(align_blocks(&parent, &child), expected, "{child}");
                }
            }
            assert!(compared >= 10, "{name}: {compared}");
        }
    }

    fn depths(space: &SearchSpace, genotype: &crate::Genotype) -> Vec<usize> {
        // Genes are resolution and width, then channels, depth and blocks of every stage.
        let mut at = 2;
        let depth = |stage: &crate::Stage| {
            let depth = stage.depth[genotype.genes[at + 1] as usize] as usize;
            at += 2 + stage.depth.iter().copied().max().unwrap_or(1) as usize;
            depth
        };
        space.families[0].stages.iter().map(depth).collect()
    }
}
