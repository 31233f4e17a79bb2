//! Cutting of one tensor out of a parent's.

/// Channels that a tensor takes from its parent's, output and input: numbers of the parent's channels, `None` for new ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut<'a> {
    pub outputs: &'a [Option<usize>],
    pub inputs: &'a [Option<usize>],
}

/// Values copied from the parent.
pub(super) type Copied = usize;

impl Cut<'_> {
    /// Fills `child`, a kernel `[out, in, side, side]` or a matrix `[out, in]`, from `parent`, and returns how many values were copied.
    ///
    /// A smaller kernel is the centre of the parent's, a larger one has zeros around it. New inputs of an inherited output have zeros,
    /// so that they have no effect at first; new outputs keep the values of `child`.
    pub fn kernel(&self, parent: &[f32], of_parent: &[usize], child: &mut [f32], of_child: &[usize]) -> Copied {
        let side = |shape: &[usize]| shape.get(2).copied().unwrap_or(1);
        let (inner, outer) = (side(of_child), side(of_parent));
        let columns = (of_child[1], of_parent[1]);
        let mut copied = 0;
        for (row, &output) in self.outputs.iter().enumerate() {
            let Some(output) = output else { continue };
            for (column, &input) in self.inputs.iter().enumerate() {
                let at = (row * columns.0 + column) * inner * inner;
                for y in 0..inner {
                    for x in 0..inner {
                        let source = input.zip(shifted(y, inner, outer).zip(shifted(x, inner, outer)));
                        let value = source
                            .map(|(input, (y, x))| parent[((output * columns.1 + input) * outer + y) * outer + x]);
                        copied += usize::from(value.is_some());
                        child[at + y * inner + x] = value.unwrap_or(0.0);
                    }
                }
            }
        }
        copied
    }

    /// Fills `child`, one value per output, from `parent`, and returns how many values were copied.
    pub fn vector(&self, parent: &[f32], child: &mut [f32]) -> Copied {
        let mut copied = 0;
        for (value, &output) in child.iter_mut().zip(self.outputs) {
            if let Some(output) = output {
                *value = parent[output];
                copied += 1;
            }
        }
        copied
    }
}

/// Place in a kernel of side `outer` of the place `at` in one of side `inner`, their centres on each other.
fn shifted(at: usize, inner: usize, outer: usize) -> Option<usize> {
    let place = (at + outer / 2).checked_sub(inner / 2)?;
    (place < outer).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_share_their_centre() {
        let all = [Some(0)];
        let cut = Cut {
            outputs: &all,
            inputs: &all,
        };
        let large: Vec<f32> = (0..25).map(|value| value as f32).collect();
        let mut small = vec![0.0; 9];
        assert_eq!(cut.kernel(&large, &[1, 1, 5, 5], &mut small, &[1, 1, 3, 3]), 9);
        assert_eq!(small, [6.0, 7.0, 8.0, 11.0, 12.0, 13.0, 16.0, 17.0, 18.0]);
        let mut back = vec![7.0; 25];
        assert_eq!(cut.kernel(&small, &[1, 1, 3, 3], &mut back, &[1, 1, 5, 5]), 9);
        let border: f32 = back[..6].iter().sum();
        assert_eq!((border, back[6], back[12], back[24]), (0.0, 6.0, 12.0, 0.0));
    }

    #[test]
    fn new_outputs_keep_their_values_and_new_inputs_are_zero() {
        let cut = Cut {
            outputs: &[Some(1), None],
            inputs: &[Some(0), None, Some(2)],
        };
        let parent = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut child = vec![9.0; 6];
        assert_eq!(cut.kernel(&parent, &[2, 3], &mut child, &[2, 3]), 2);
        assert_eq!(child, [4.0, 0.0, 6.0, 9.0, 9.0, 9.0]);
        let mut biases = vec![9.0; 2];
        assert_eq!(cut.vector(&[1.0, 2.0], &mut biases), 1);
        assert_eq!(biases, [2.0, 9.0]);
    }
}
