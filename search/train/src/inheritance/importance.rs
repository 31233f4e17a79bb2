//! Importance of channels: which of a parent's channels a narrower network keeps.

use std::collections::BTreeMap;

use mnas_space::{Graph, Node, Op};

use super::channels::{ChannelGroups, keeps_channels};
use super::parent::Values;

/// Measure of a channel's importance.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Importance {
    /// The order of the channels: the first ones are kept.
    Order,
    /// Sum of the absolute weights that read the channel (once-for-all, arXiv:1908.09791, section 3.3).
    #[default]
    L1,
    /// Absolute batch-norm scale (network slimming, arXiv:1708.06519).
    BatchNormScale,
    /// First-order Taylor expansion of the loss in the channel (Molchanov et al., arXiv:1906.10771): one value per channel, by the name
    /// of the batch-norm that the channel passes, such as `blocks.3.depthwise.bn`.
    Taylor(BTreeMap<String, Vec<f32>>),
}

impl Importance {
    /// Importance of every channel of every group; groups of which the measure knows nothing keep their order.
    pub(super) fn of(&self, graph: &Graph, groups: &ChannelGroups, values: &Values) -> Vec<Vec<f64>> {
        let mut sums: Vec<Vec<f64>> = (0..groups.count()).map(|group| vec![0.0; groups.size(group)]).collect();
        let mut add = |group: usize, shares: Vec<f64>, is_relative: bool| {
            // Tensors of a group have different scales: each counts by its share of its own mean.
            let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
            let unit = if is_relative && mean > 0.0 { mean } else { 1.0 };
            if sums[group].len() == shares.len() {
                for (sum, share) in sums[group].iter_mut().zip(shares) {
                    *sum += share / unit;
                }
            }
        };
        for (index, node) in graph.nodes.iter().enumerate() {
            match self {
                Self::Order => {}
                Self::L1 => {
                    if let Some(columns) = absolute_columns(node, values) {
                        add(groups.input(node), columns, true);
                    }
                }
                Self::BatchNormScale => {
                    if let Some(scales) = batch_norm_scales(node, values) {
                        add(groups.output(index), scales, true);
                    }
                }
                Self::Taylor(of_batch_norm) => {
                    if let Some(scores) = of_batch_norm.get(&node.name.to_string()) {
                        add(
                            groups.output(index),
                            scores.iter().map(|&score| f64::from(score)).collect(),
                            false,
                        );
                    }
                }
            }
        }
        sums
    }
}

/// Sums of the absolute weights of each input channel of a convolution or fully connected layer.
fn absolute_columns(node: &Node, values: &Values) -> Option<Vec<f64>> {
    let is_dense = match node.op {
        Op::Convolution { groups, .. } => groups == 1,
        Op::Linear { .. } => true,
        _ => false,
    };
    if !is_dense || keeps_channels(&node.op) {
        return None;
    }
    let weight = node.parameters().next()?;
    let (_, numbers) = values.get(&weight.name)?;
    let columns = weight.shape[1];
    let area: usize = weight.shape[2..].iter().product();
    let mut sums = vec![0.0; columns];
    for (index, value) in numbers.iter().enumerate() {
        sums[index / area % columns] += f64::from(value.abs());
    }
    Some(sums)
}

fn batch_norm_scales(node: &Node, values: &Values) -> Option<Vec<f64>> {
    if !matches!(node.op, Op::BatchNorm { .. }) {
        return None;
    }
    let scale = node.parameters().next()?;
    let (_, numbers) = values.get(&scale.name)?;
    Some(numbers.iter().map(|value| f64::from(value.abs())).collect())
}

/// Numbers of the `count` most important channels in ascending order. A count above the number of channels keeps all; the rest are
/// `None`, new channels.
pub(super) fn select(importance: &[f64], count: usize) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..importance.len()).collect();
    // Stable: among equals the first are kept.
    order.sort_by(|&one, &other| importance[other].total_cmp(&importance[one]));
    order.truncate(count);
    order.sort_unstable();
    let mut kept: Vec<Option<usize>> = order.into_iter().map(Some).collect();
    kept.resize(count, None);
    kept
}

#[cfg(test)]
mod tests {
    use super::select;

    #[test]
    fn the_most_important_channels_are_kept_in_their_order() {
        assert_eq!(select(&[0.5, 2.0, 1.0, 2.0], 2), [Some(1), Some(3)]);
        assert_eq!(select(&[0.5, 2.0, 1.0, 2.0], 3), [Some(1), Some(2), Some(3)]);
        assert_eq!(select(&[0.0; 4], 2), [Some(0), Some(1)]);
        assert_eq!(select(&[1.0, 3.0], 4), [Some(0), Some(1), None, None]);
    }
}
