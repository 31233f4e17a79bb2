//! Padding of convolutions: the choice between TFLite's two kinds that matches the padding of a graph.

use super::program::Padding;
use crate::graph::Shape;

/// Padding of a convolution, with explicit zeros if neither kind matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub padding: Padding,
    /// Number of explicit zeros on each side of height and width; 0 needs no operator.
    pub explicit: usize,
}

/// Plans symmetric padding of `kernel / 2` for an input of this shape.
pub(super) fn plan(input: Shape, kernel: u32, stride: u32) -> Plan {
    let symmetric = kernel / 2;
    let is_same = [input.height, input.width]
        .into_iter()
        .all(|size| same(size, kernel, stride) == (symmetric, symmetric));
    Plan {
        padding: if is_same { Padding::Same } else { Padding::Valid },
        explicit: if is_same { 0 } else { symmetric as usize },
    }
}

/// Numbers of zeros that [`Padding::Same`] adds before and after `size` values.
fn same(size: u32, kernel: u32, stride: u32) -> (u32, u32) {
    let outputs = size.div_ceil(stride);
    let needed = outputs.saturating_sub(1) * stride + kernel;
    let total = needed.saturating_sub(size);
    (total / 2, total - total / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_is_symmetric_at_stride_1_and_for_odd_sizes() {
        let explicit = |size, kernel, stride| plan(Shape::square(3, size), kernel, stride).explicit;
        for size in 1..40 {
            for kernel in [1, 3, 5, 7] {
                assert_eq!(explicit(size, kernel, 1), 0);
                let is_symmetric = size % 2 == 1 || kernel == 1;
                let expected = if is_symmetric { 0 } else { kernel as usize / 2 };
                assert_eq!(explicit(size, kernel, 2), expected, "{size} {kernel}");
            }
        }
        let oblong = Shape {
            channels: 3,
            height: 9,
            width: 8,
        };
        assert_eq!(plan(oblong, 3, 2).explicit, 1);
    }
}
