//! The log-determinant of the Hamming kernel of binary activation codes (Mellor et al., arXiv:2006.04647, section 3).

use mnas_space::Op;
use tch::{Kind, TchError, Tensor};

use crate::network::{Network, TrainingMode};

/// Share of the largest eigenvalue below which an eigenvalue is 0 up to rounding.
const ROUNDING: f64 = 1e-12;

/// The signal; `None` where the kernel is singular, as for equal images.
///
/// A unit's bit is 1 where its activation is positive: for every activation function here that is the sign of its input.
/// The kernel counts the equal bits of two images over the units of all layers.
pub(super) fn measure(network: &Network, images: &Tensor) -> Result<Option<f64>, TchError> {
    let count = images.size()[0];
    let mut kernel = Tensor::f_zeros([count, count], (Kind::Double, images.device()))?;
    let nodes = &network.graph().nodes;
    let _scores = network.forward_observed(images, Some(&TrainingMode::default()), &mut |index, output| {
        if matches!(nodes[index].op, Op::Activation(_)) {
            let _ = kernel.f_add_(&equal_bits(output)?)?;
        }
        Ok(())
    })?;
    log_determinant(&kernel)
}

/// Number of units of which two images have equal bits, `[batch, batch]`.
fn equal_bits(activation: &Tensor) -> Result<Tensor, TchError> {
    let count = activation.size()[0];
    let bits = activation.f_reshape([count, -1])?.f_gt(0.0)?.f_to_kind(Kind::Float)?;
    let units = bits.size()[1] as f64;
    // Codes of -1 and 1: their product is the number of equal bits minus that of different ones. Sums are exact in 32-bit floats up to
    // 16 million units.
    let codes = (bits * 2.0).f_sub_scalar(1.0)?;
    let product = codes.f_matmul(&codes.f_transpose(0, 1)?)?.f_to_kind(Kind::Double)?;
    product.f_add_scalar(units)?.f_div_scalar(2.0)
}

fn log_determinant(kernel: &Tensor) -> Result<Option<f64>, TchError> {
    let eigenvalues = Vec::<f64>::try_from(&kernel.f_linalg_eigvalsh("L")?)?;
    let largest = eigenvalues.iter().copied().fold(0.0, f64::max);
    let is_regular = eigenvalues.iter().all(|&value| value > ROUNDING * largest);
    Ok((is_regular && !eigenvalues.is_empty()).then(|| eigenvalues.iter().map(|value| value.ln()).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{network, noise};

    #[test]
    fn equal_bits_are_counted() {
        let activation = Tensor::from_slice(&[0.0_f32, 1.0, 2.0, 0.0, 0.0, 3.0, 1.0, 1.0, -0.5]).view([3, 3, 1, 1]);
        let found = Vec::<f64>::try_from(&equal_bits(&activation).unwrap().view([-1])).unwrap();
        assert_eq!(found, [3.0, 2.0, 1.0, 2.0, 3.0, 0.0, 1.0, 0.0, 3.0]);
    }

    #[test]
    fn a_known_determinant() {
        let kernel = Tensor::from_slice(&[2.0_f64, 1.0, 1.0, 2.0]).view([2, 2]);
        let found = log_determinant(&kernel).unwrap().unwrap();
        assert!((found - 3.0_f64.ln()).abs() < 1e-12, "{found}");
    }

    #[test]
    fn equal_images_have_no_determinant() {
        let network = network("in16,conv_k3_s2_c8_nre,ir_r2_k3_s2_e3_c16_nre,head_o4", 1);
        let images = noise(6, 16, 2);
        let distinct = tch::no_grad(|| measure(&network, &images)).unwrap();
        assert!(distinct.is_some());
        let twice = Tensor::cat(&[&images, &images.narrow(0, 0, 1)], 0);
        assert_eq!(tch::no_grad(|| measure(&network, &twice)).unwrap(), None);
    }
}
