//! Alignment of the layers of two networks at the least cost, as an edit distance between texts.

use super::network::Layer;

/// A row of the comparison: the indices of its layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    pub a: Option<usize>,
    pub b: Option<usize>,
}

/// Cost of a layer without a partner.
const ALONE: u32 = 6;

/// Properties by which two layers correspond.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    layer: &'a Layer,
    /// Number of halvings of the image up to and with the layer.
    level: u32,
    /// True if it begins a stage: it changes the size or the channels.
    begins: bool,
}

impl Place<'_> {
    /// Cost of pairing two layers; for layers with nothing in common it exceeds that of two layers without partners.
    fn beside(&self, other: &Self) -> u32 {
        match (self.layer.kind == "head", other.layer.kind == "head") {
            (true, true) => return 0,
            (false, false) => {}
            _ => return 3 * ALONE,
        }
        let levels = self.level.abs_diff(other.level);
        if self.layer.block == other.layer.block {
            return 3 * levels;
        }
        let kinds = u32::from(self.layer.kind != other.layer.kind);
        let begins = u32::from(self.begins != other.begins);
        3 + 2 * kinds + 3 * begins + 6 * levels
    }
}

/// Pairs the layers in order: equal layers where possible, then layers at the same reduction of the image, the first of a stage
/// with the first of a stage. Layers without a partner come at the end of their stage.
pub fn align(a: &[Layer], b: &[Layer]) -> Vec<Pair> {
    let (a, b) = (places(a), places(b));
    // least[i][j]: cost of aligning the first i layers of one with the first j of the other.
    let mut least = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            least[i][j] = match (i, j) {
                (0, 0) => 0,
                (_, 0) => least[i - 1][0] + ALONE,
                (0, _) => least[0][j - 1] + ALONE,
                _ => (least[i - 1][j] + ALONE)
                    .min(least[i][j - 1] + ALONE)
                    .min(least[i - 1][j - 1] + a[i - 1].beside(&b[j - 1])),
            };
        }
    }
    let (mut i, mut j) = (a.len(), b.len());
    let mut pairs = Vec::new();
    while i > 0 || j > 0 {
        if j > 0 && least[i][j] == least[i][j - 1] + ALONE {
            j -= 1;
            pairs.push(Pair { a: None, b: Some(j) });
        } else if i > 0 && least[i][j] == least[i - 1][j] + ALONE {
            i -= 1;
            pairs.push(Pair { a: Some(i), b: None });
        } else {
            (i, j) = (i - 1, j - 1);
            pairs.push(Pair { a: Some(i), b: Some(j) });
        }
    }
    pairs.reverse();
    pairs
}

fn places(layers: &[Layer]) -> Vec<Place<'_>> {
    let mut level = 0;
    let mut places = Vec::with_capacity(layers.len());
    for layer in layers {
        level += layer.stride.next_power_of_two().ilog2();
        places.push(Place {
            layer,
            level,
            begins: layer.stride > 1 || layer.input[0] != layer.output[0],
        });
    }
    places
}

#[cfg(test)]
mod tests {
    use mnas_space::{Architecture, Reference};

    use super::super::network::InspectedNetwork;
    use super::*;

    fn layers(text: &str) -> Vec<Layer> {
        InspectedNetwork::of(&text.parse().unwrap(), String::new()).layers
    }

    fn reference(name: &str) -> Vec<Layer> {
        let network: Architecture = Reference::named(name).unwrap().architecture(1.0, 224, 1000).unwrap();
        InspectedNetwork::of(&network, String::new()).layers
    }

    fn pairs(a: &[Layer], b: &[Layer]) -> Vec<(Option<usize>, Option<usize>)> {
        align(a, b).into_iter().map(|pair| (pair.a, pair.b)).collect()
    }

    #[test]
    fn a_network_beside_itself_has_equal_rows() {
        let v3 = reference("mobilenet-v3-large");
        let expected: Vec<_> = (0..v3.len()).map(|index| (Some(index), Some(index))).collect();
        assert_eq!(pairs(&v3, &v3), expected);
    }

    #[test]
    fn a_deeper_stage_has_its_further_layers_alone() {
        let shallow = layers("in32,conv_k3_s2_c8_nre,ir_r2_k3_s2_e3_c16_nre,ir_r2_k3_s2_e3_c24_nre,head_o10");
        let deep = layers("in32,conv_k3_s2_c8_nre,ir_r4_k5_s2_e6_c16_nre,ir_r2_k3_s2_e3_c24_nre,head_o10");
        let both = |a, b| (Some(a), Some(b));
        let expected = [
            both(0, 0),
            both(1, 1),
            both(2, 2),
            (None, Some(3)),
            (None, Some(4)),
            both(3, 5),
            both(4, 6),
            both(5, 7),
        ];
        assert_eq!(pairs(&shallow, &deep), expected);
    }

    #[test]
    fn heads_meet_however_different_the_networks_are() {
        let tiny = layers("in8,conv_k3_c8_nre,head_o10");
        let v2 = reference("mobilenet-v2");
        assert_eq!(pairs(&tiny, &v2).last(), Some(&(Some(1), Some(v2.len() - 1))));
    }

    #[test]
    fn every_layer_stands_once_in_order_at_one_reduction_and_heads_meet() {
        let names = [
            "mobilenet-v1",
            "mobilenet-v2",
            "mobilenet-v3-large",
            "mobilenet-v3-small",
        ];
        for (one, other) in names.iter().flat_map(|one| names.iter().map(move |other| (one, other))) {
            let (a, b) = (reference(one), reference(other));
            let pairs = pairs(&a, &b);
            let seen: Vec<usize> = pairs.iter().filter_map(|pair| pair.0).collect();
            assert_eq!(seen, (0..a.len()).collect::<Vec<_>>(), "{one} {other}");
            let seen: Vec<usize> = pairs.iter().filter_map(|pair| pair.1).collect();
            assert_eq!(seen, (0..b.len()).collect::<Vec<_>>(), "{one} {other}");
            for pair in &pairs {
                if let (Some(i), Some(j)) = *pair {
                    assert_eq!(a[i].output[1], b[j].output[1], "{one} {i}, {other} {j}");
                }
            }
            assert_eq!(pairs.last(), Some(&(Some(a.len() - 1), Some(b.len() - 1))));
        }
    }
}
