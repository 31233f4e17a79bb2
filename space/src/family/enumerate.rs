//! Everything a family can ask a latency table for, and the cheapest network under an additive cost.

use std::collections::{BTreeMap, BTreeSet};

use super::{Family, Stage};
use crate::architecture::INPUT_CHANNELS;
use crate::graph::Shape;
use crate::key::BlockKey;

/// The cheapest way to reach a feature map: its cost and the genes so far.
type Partial = (f64, Vec<u16>);

impl Family {
    /// Adds every block key that some network of this family contains.
    pub fn collect_keys(&self, classes: u32, keys: &mut BTreeSet<BlockKey>) {
        for (&resolution, &width) in self
            .resolutions
            .iter()
            .flat_map(|r| self.widths.iter().map(move |w| (r, w)))
        {
            let mut inputs = BTreeSet::from([Shape::square(INPUT_CHANNELS, resolution)]);
            for stage in &self.stages {
                let mut outputs = BTreeSet::new();
                for (&input, &base) in inputs
                    .iter()
                    .flat_map(|input| stage.channels.iter().map(move |c| (input, c)))
                {
                    let channels = stage.scaling.apply(base, width, self.divisor);
                    let output = input.strided(stage.stride, channels);
                    for choice in &stage.choices {
                        keys.insert(BlockKey::block(
                            choice.block(input.channels, channels, stage.stride),
                            input,
                        ));
                        if stage.max_depth() > 1 {
                            keys.insert(BlockKey::block(choice.block(channels, channels, 1), output));
                        }
                    }
                    outputs.insert(output);
                }
                inputs = outputs;
            }
            keys.extend(
                inputs
                    .into_iter()
                    .map(|shape| BlockKey::head(self.head(width, classes), shape)),
            );
        }
    }

    /// The genes with the least sum of `cost` over layers, and that sum. Exact, by dynamic programming over stages.
    pub fn cheapest(&self, classes: u32, cost: &mut dyn FnMut(&BlockKey) -> f64) -> Partial {
        let mut best: Option<Partial> = None;
        for (resolution_gene, &resolution) in self.resolutions.iter().enumerate() {
            for (width_gene, &width) in self.widths.iter().enumerate() {
                let start = Shape::square(INPUT_CHANNELS, resolution);
                let genes = vec![resolution_gene as u16, width_gene as u16];
                let mut partials = BTreeMap::from([(start, (0.0, genes))]);
                for stage in &self.stages {
                    partials = self.extend(stage, &partials, width, cost);
                }
                for (shape, (sum, genes)) in partials {
                    let total = sum + cost(&BlockKey::head(self.head(width, classes), shape));
                    if best.as_ref().is_none_or(|(least, _)| total < *least) {
                        best = Some((total, genes));
                    }
                }
            }
        }
        // Families are checked to have at least one resolution, width and choice everywhere.
        best.unwrap_or((f64::INFINITY, vec![0; self.gene_sizes().len()]))
    }

    fn extend(
        &self,
        stage: &Stage,
        partials: &BTreeMap<Shape, Partial>,
        width: f64,
        cost: &mut dyn FnMut(&BlockKey) -> f64,
    ) -> BTreeMap<Shape, Partial> {
        let mut extended: BTreeMap<Shape, Partial> = BTreeMap::new();
        for (&input, (sum, genes)) in partials {
            for (channel_gene, &base) in stage.channels.iter().enumerate() {
                let channels = stage.scaling.apply(base, width, self.divisor);
                let output = input.strided(stage.stride, channels);
                for (depth_gene, &depth) in stage.depth.iter().enumerate() {
                    let (added, blocks) = cheapest_layers(stage, input, output, depth, cost);
                    let total = sum + added;
                    if extended.get(&output).is_none_or(|(least, _)| total < *least) {
                        let mut genes = genes.clone();
                        genes.extend([channel_gene as u16, depth_gene as u16]);
                        genes.extend(blocks);
                        extended.insert(output, (total, genes));
                    }
                }
            }
        }
        extended
    }
}

fn cheapest_layers(
    stage: &Stage,
    input: Shape,
    output: Shape,
    depth: u32,
    cost: &mut dyn FnMut(&BlockKey) -> f64,
) -> (f64, Vec<u16>) {
    let mut price = |choice: usize, first: bool| {
        let (from, stride) = if first { (input, stage.stride) } else { (output, 1) };
        cost(&BlockKey::block(
            stage.choices[choice].block(from.channels, output.channels, stride),
            from,
        ))
    };
    let least = |price: &mut dyn FnMut(usize) -> f64| {
        (0..stage.choices.len())
            .map(|choice| (price(choice), choice as u16))
            .min_by(|one, other| one.0.total_cmp(&other.0))
            .unwrap_or((f64::INFINITY, 0))
    };
    let rest = f64::from(depth - 1);
    if !stage.per_layer {
        let (total, choice) = least(&mut |choice| {
            let repeated = if depth > 1 { rest * price(choice, false) } else { 0.0 };
            price(choice, true) + repeated
        });
        return (total, vec![choice]);
    }
    let (first_cost, first) = least(&mut |choice| price(choice, true));
    let (rest_cost, other) = if depth > 1 {
        least(&mut |choice| price(choice, false))
    } else {
        (0.0, 0)
    };
    let mut blocks = vec![0; stage.block_genes()];
    blocks[0] = first;
    blocks[1..depth as usize].fill(other);
    (first_cost + rest * rest_cost, blocks)
}
