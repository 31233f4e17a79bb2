//! Features of a network, from its lowered operations.
//!
//! Blocks are grouped by the *level* of their output: level 1 has half of the input's side, level 5 a 32nd. Of every block
//! only *spatial convolutions* (kernels above 1, depthwise or full) and activations outside of squeeze-excites matter. The
//! width of a block is that of its spatial convolutions: it predicts better than multiply-adds or parameters across families,
//! since `MobileNetV1` and an inverted residual with equally wide depthwise convolutions have similar errors although
//! their multiply-adds differ by a factor of two.

use std::cell::RefCell;

use mnas_space::{Activation, Architecture, BlockKey, Graph, Op};
use rustc_hash::FxHashMap;

use super::range::OutOfRange;

/// Number of levels: resolutions of a half to a 32nd of the input's side.
pub const LEVELS: usize = 5;

/// Difference of logarithmic width between a level without blocks and the next.
const LEVEL_STEP: f64 = 0.5;

/// Facts about one block that do not depend on its place.
#[derive(Debug, Clone, Copy, Default)]
struct BlockFacts {
    /// Spatial convolutions.
    spatial: u32,
    /// Sum of their logarithmic output channels.
    log_width: f64,
    /// Sum of the logarithms of their kernels' sides, relative to 3.
    log_kernel: f64,
    /// Squeeze-excites.
    gates: u32,
    /// Activations outside of squeeze-excites.
    activations: u32,
    /// Activations other than `ReLU` and `ReLU6`, outside of squeeze-excites.
    smooth: u32,
}

impl BlockFacts {
    fn of(graph: &Graph) -> Self {
        let mut facts = Self::default();
        for node in &graph.nodes {
            match node.op {
                Op::Convolution {
                    out_channels, kernel, ..
                } if kernel > 1 => {
                    facts.spatial += 1;
                    facts.log_width += f64::from(out_channels).ln();
                    facts.log_kernel += (f64::from(kernel) / 3.0).ln();
                }
                Op::Gate(_) => facts.gates += 1,
                Op::Activation(activation) if node.name.part != "squeeze" => {
                    facts.activations += 1;
                    facts.smooth += u32::from(!matches!(activation, Activation::Relu | Activation::Relu6));
                }
                _ => {}
            }
        }
        facts
    }
}

/// Sums over the blocks of a level.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Group {
    /// Blocks with a spatial convolution.
    pub blocks: u32,
    facts: BlockFacts,
}

impl Group {
    fn add(&mut self, facts: &BlockFacts) {
        self.blocks += 1;
        self.facts.spatial += facts.spatial;
        self.facts.log_width += facts.log_width;
        self.facts.log_kernel += facts.log_kernel;
        self.facts.gates += facts.gates;
        self.facts.activations += facts.activations;
        self.facts.smooth += facts.smooth;
    }

    /// Logarithm of the number of blocks plus 1.
    pub fn log_blocks(&self) -> f64 {
        f64::from(self.blocks).ln_1p()
    }

    /// Mean logarithmic width of the spatial convolutions.
    pub fn width(&self) -> f64 {
        self.facts.log_width / f64::from(self.facts.spatial.max(1))
    }

    /// Mean logarithm of the kernels' sides, relative to 3.
    pub fn kernel(&self) -> f64 {
        self.facts.log_kernel / f64::from(self.facts.spatial.max(1))
    }

    /// Share of the blocks with squeeze-excite.
    pub fn gates(&self) -> f64 {
        f64::from(self.facts.gates) / f64::from(self.blocks.max(1))
    }
}

/// Cache of the facts about blocks.
#[derive(Debug, Default)]
struct Cache {
    blocks: FxHashMap<BlockKey, BlockFacts>,
    graph: Option<Graph>,
}

impl Cache {
    fn facts(&mut self, key: &BlockKey) -> BlockFacts {
        if let Some(facts) = self.blocks.get(key) {
            return *facts;
        }
        let graph = self.graph.get_or_insert_with(|| Graph::new(key.input));
        key.lower_into(graph);
        let facts = BlockFacts::of(graph);
        self.blocks.insert(*key, facts);
        facts
    }
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// Calls `visit` with the level and the output channels of every block with a spatial convolution, the first block left out.
fn visit_blocks(architecture: &Architecture, mut visit: impl FnMut(usize, u32, &BlockFacts)) {
    CACHE.with_borrow_mut(|cache| {
        let mut stride = 1_u32;
        for (layer, block) in architecture.layers().zip(&architecture.blocks) {
            stride = stride.saturating_mul(block.stride().max(1));
            if layer.scope == mnas_space::Scope::Block(0) {
                continue;
            }
            let facts = cache.facts(&layer.key);
            if facts.spatial > 0 {
                let level = (stride.ilog2().max(1) as usize).min(LEVELS) - 1;
                visit(level, block.channels(), &facts);
            }
        }
    });
}

/// Features of a network by level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aggregates {
    /// Mean logarithmic width of the spatial convolutions of every level; that of a level without blocks follows from the
    /// next one.
    pub width: [f64; LEVELS],
    /// Logarithm of the number of spatial convolutions plus 1, of every level.
    pub depth: [f64; LEVELS],
    /// Logarithm of the kernels' sides relative to 3, averaged over levels.
    pub kernel: f64,
    /// Share of blocks with squeeze-excite.
    pub squeeze_excite: f64,
    /// Share of smooth activations (hard-swish, swish, GELU) in the levels of a 16th and a 32nd of the input's side, where
    /// they matter most (arXiv:1905.02244, section 5.2).
    pub smooth: f64,
    /// Logarithm of the input's side relative to 224.
    pub resolution: f64,
}

impl Aggregates {
    /// Features of a network; an error if a level after the first has no block, which no published network has.
    pub fn of(architecture: &Architecture) -> Result<Self, OutOfRange> {
        let mut groups = [Group::default(); LEVELS];
        visit_blocks(architecture, |level, _, facts| groups[level].add(facts));
        if let Some(empty) = (1..LEVELS).find(|&level| groups[level].blocks == 0) {
            return Err(OutOfRange::EmptyLevel { stride: 2 << empty });
        }
        let mut width = groups.map(|group| group.width());
        if groups[0].blocks == 0 {
            width[0] = width[1] - LEVEL_STEP;
        }
        let used = groups.iter().filter(|group| group.blocks > 0);
        let levels = used.clone().count() as f64;
        let blocks: u32 = groups.iter().map(|group| group.blocks).sum();
        let gates: u32 = groups.iter().map(|group| group.facts.gates).sum();
        let deep = [groups[3].facts, groups[4].facts];
        let smooth: u32 = deep.iter().map(|facts| facts.smooth).sum();
        let activations: u32 = deep.iter().map(|facts| facts.activations).sum();
        Ok(Self {
            width,
            depth: groups.map(|group| log_1p(group.facts.spatial)),
            kernel: used.map(Group::kernel).sum::<f64>() / levels,
            squeeze_excite: f64::from(gates) / f64::from(blocks),
            smooth: f64::from(smooth) / f64::from(activations.max(1)),
            resolution: (f64::from(architecture.resolution) / 224.0).ln(),
        })
    }

    /// Values by which Accel-NASBench's networks differ: widths, depths, kernel, squeeze-excite.
    pub(super) fn structure(&self) -> Vec<f64> {
        let levels = self.width.iter().chain(&self.depth).copied();
        levels.chain([self.kernel, self.squeeze_excite]).collect()
    }
}

/// Logarithm of `count` plus 1.
fn log_1p(count: u32) -> f64 {
    const SMALL: usize = 32;
    static LOGARITHMS: std::sync::LazyLock<[f64; SMALL]> =
        std::sync::LazyLock::new(|| std::array::from_fn(|count| (count as f64).ln_1p()));
    let known = LOGARITHMS.get(count as usize).copied();
    known.unwrap_or_else(|| f64::from(count).ln_1p())
}

/// Sums over the seven stages of an `EfficientNet`: levels 1 to 3, and levels 4 and 5 each split into the blocks with the
/// channels of the level's first block and the others.
pub(super) fn stage_groups(architecture: &Architecture) -> [Group; 7] {
    let mut groups = [Group::default(); 7];
    let mut first = [None; LEVELS];
    visit_blocks(architecture, |level, channels, facts| {
        let is_first = *first[level].get_or_insert(channels) == channels;
        let stage = match level {
            0..=2 => level,
            _ => 2 * level - 3 + usize::from(!is_first),
        };
        groups[stage].add(facts);
    });
    groups
}

#[cfg(test)]
mod tests {
    use mnas_space::Reference;

    use super::*;

    fn reference(name: &str, width: f64, resolution: u32) -> Architecture {
        let reference = Reference::named(name).unwrap();
        reference.architecture(width, resolution, 1000).unwrap()
    }

    #[test]
    fn features_of_mobilenet_v3_small_are_those_counted_by_hand() {
        let features = Aggregates::of(&reference("mobilenet-v3-small", 1.0, 112)).unwrap();
        // Level 1 is empty; level 5 has blocks with 288, 576 and 576 hidden channels.
        let counted = [0, 1, 2, 5, 3].map(|count| f64::from(count).ln_1p());
        assert_eq!(features.depth, counted);
        let last = (288_f64.ln() + 2.0 * 576_f64.ln()) / 3.0;
        assert!((features.width[4] - last).abs() < 1e-12);
        assert!((features.width[0] - (features.width[1] - LEVEL_STEP)).abs() < 1e-12);
        assert!((features.squeeze_excite - 9.0 / 11.0).abs() < 1e-12);
        assert!((features.smooth - 1.0).abs() < 1e-12);
        assert!((features.resolution - 0.5_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn activations_of_squeeze_excites_do_not_count() {
        // Hard-swish everywhere in the deep levels, ReLU inside of the squeeze-excites.
        assert!(
            (Aggregates::of(&reference("mobilenet-v3-large", 1.0, 224))
                .unwrap()
                .smooth
                - 1.0)
                .abs()
                < 1e-12
        );
        assert_eq!(Aggregates::of(&reference("mnasnet-a1", 1.0, 224)).unwrap().smooth, 0.0);
    }

    #[test]
    fn stages_are_those_of_efficientnet() {
        let groups = stage_groups(&reference("efficientnet-b0", 1.0, 224));
        assert_eq!(groups.map(|group| group.blocks), [1, 2, 2, 3, 3, 4, 1]);
    }

    #[test]
    fn a_network_without_a_level_is_refused() {
        let network: Architecture = "in224,conv_k3_s2_c16_nre,ir_k3_s2_e3_c24_nre,head_o1000"
            .parse()
            .unwrap();
        assert_eq!(Aggregates::of(&network), Err(OutOfRange::EmptyLevel { stride: 8 }));
    }
}
