//! Layers of a family: all block keys, and the network with the smallest total cost.

use std::collections::BTreeSet;

use super::Family;
use super::table::Cell;
use crate::architecture::INPUT_CHANNELS;
use crate::graph::Shape;
use crate::key::BlockKey;

/// Cheapest partial network up to a stage: its cost and its genes.
type Partial = (f64, Vec<u16>);

/// Partial networks up to a stage, one per channel choice of that stage: the choice, the shape of the feature map and a
/// value.
type Reached<T> = Vec<(usize, Shape, T)>;

impl Family {
    /// Adds the block keys of all networks of this family.
    pub fn collect_keys(&self, classes: u32, keys: &mut BTreeSet<BlockKey>) {
        let mut add = |cell: &Cell, input: Shape| {
            keys.extend(cell.blocks.iter().map(|block| BlockKey::block(*block, input)));
        };
        let mut ends = BTreeSet::new();
        for &resolution in &self.resolutions {
            for width in 0..self.widths.len() {
                let mut reached: Reached<()> = vec![(0, Shape::square(INPUT_CHANNELS, resolution), ())];
                for (stage, table) in self.stages.iter().zip(&self.table.stages) {
                    let mut next = Vec::new();
                    for choice in table.channel_choices() {
                        let mut output = None;
                        for &(previous, input, ()) in &reached {
                            add(table.first(width, previous, choice), input);
                            output = Some(input.strided(stage.stride, table.channels(width, choice)));
                        }
                        if let Some(output) = output {
                            if stage.max_depth() > 1 {
                                add(table.rest(width, choice), output);
                            }
                            next.push((choice, output, ()));
                        }
                    }
                    reached = next;
                }
                let head = self.head(width, classes);
                ends.extend(reached.into_iter().map(|(_, shape, ())| BlockKey::head(head, shape)));
            }
        }
        keys.extend(ends);
    }

    /// Smallest total `cost` over the layers of a network, and the genes of that network. Exact, by dynamic programming
    /// over stages.
    pub fn cheapest(&self, classes: u32, cost: &mut dyn FnMut(&BlockKey) -> f64) -> Partial {
        let mut best: Option<Partial> = None;
        for (resolution_gene, &resolution) in self.resolutions.iter().enumerate() {
            for width in 0..self.widths.len() {
                let genes = vec![resolution_gene as u16, width as u16];
                let mut reached: Reached<Partial> = vec![(0, Shape::square(INPUT_CHANNELS, resolution), (0.0, genes))];
                for stage in 0..self.stages.len() {
                    reached = self.extend(stage, &reached, width, cost);
                }
                for (_, shape, (sum, genes)) in reached {
                    let total = sum + cost(&BlockKey::head(self.head(width, classes), shape));
                    if best.as_ref().is_none_or(|(least, _)| total < *least) {
                        best = Some((total, genes));
                    }
                }
            }
        }
        // Every family has at least one resolution, width, channel count, depth and block choice.
        best.unwrap_or((f64::INFINITY, vec![0; self.gene_sizes().len()]))
    }

    /// Extends the cheapest partial networks by a stage; returns one for each channel choice of the stage.
    fn extend(
        &self,
        index: usize,
        reached: &Reached<Partial>,
        width: usize,
        cost: &mut dyn FnMut(&BlockKey) -> f64,
    ) -> Reached<Partial> {
        let (stage, table) = (&self.stages[index], &self.table.stages[index]);
        let mut extended = Vec::new();
        for choice in table.channel_choices() {
            let mut best: Option<(Shape, Partial)> = None;
            for (previous, input, (sum, genes)) in reached {
                let output = input.strided(stage.stride, table.channels(width, choice));
                let first = (table.first(width, *previous, choice), *input);
                let rest = (stage.max_depth() > 1).then(|| (table.rest(width, choice), output));
                let costs = StageCosts::of(first, rest, cost);
                for (depth_gene, &depth) in stage.depth.iter().enumerate() {
                    let (added, blocks) = costs.cheapest(depth, stage.per_layer);
                    let total = sum + added;
                    if best.as_ref().is_none_or(|(_, (least, _))| total < *least) {
                        let mut genes = genes.clone();
                        genes.extend([choice as u16, depth_gene as u16]);
                        genes.extend(blocks);
                        genes.resize(self.table.genes[index].blocks + stage.block_genes(), 0);
                        best = Some((output, (total, genes)));
                    }
                }
            }
            extended.extend(best.map(|(output, partial)| (choice, output, partial)));
        }
        extended
    }
}

/// Costs of a stage's block choices, in its first layer and in its other layers.
struct StageCosts {
    first: Vec<f64>,
    rest: Vec<f64>,
}

impl StageCosts {
    fn of(first: (&Cell, Shape), rest: Option<(&Cell, Shape)>, cost: &mut dyn FnMut(&BlockKey) -> f64) -> Self {
        let mut costs = |(cell, input): (&Cell, Shape)| -> Vec<f64> {
            let keys = cell.blocks.iter().map(|block| BlockKey::block(*block, input));
            keys.map(|key| cost(&key)).collect()
        };
        Self {
            first: costs(first),
            rest: rest.map(costs).unwrap_or_default(),
        }
    }

    /// Smallest total cost of `depth` layers, and the choices with that cost.
    fn cheapest(&self, depth: u32, per_layer: bool) -> (f64, Vec<u16>) {
        let later = f64::from(depth - 1);
        if !per_layer {
            let totals = self.first.iter().enumerate().map(|(choice, first)| {
                let rest = if depth > 1 { later * self.rest[choice] } else { 0.0 };
                first + rest
            });
            let (total, choice) = least(totals);
            return (total, vec![choice]);
        }
        let (first_cost, first) = least(self.first.iter().copied());
        let mut blocks = vec![first];
        if depth == 1 {
            return (first_cost, blocks);
        }
        let (rest_cost, rest) = least(self.rest.iter().copied());
        blocks.extend(std::iter::repeat_n(rest, depth as usize - 1));
        (first_cost + later * rest_cost, blocks)
    }
}

fn least(costs: impl Iterator<Item = f64>) -> (f64, u16) {
    costs
        .zip(0u16..)
        .min_by(|one, other| one.0.total_cmp(&other.0))
        .unwrap_or((f64::INFINITY, 0))
}
