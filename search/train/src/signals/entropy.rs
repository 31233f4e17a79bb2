//! The spectral entropy of block outputs: the expressivity of AZ-NAS (arXiv:2403.19232, section 3.1).

use mnas_space::{Architecture, Block, Scope};
use tch::{Kind, TchError, Tensor};

use crate::network::{Network, TrainingMode};

/// The sum over blocks of the entropy of the spectrum of their outputs' covariance. Identities do not count, those that change
/// the shape included.
pub(super) fn measure(network: &Network, architecture: &Architecture, noise: &Tensor) -> Result<f64, TchError> {
    let nodes = &network.graph().nodes;
    let is_output = |index: usize| {
        let scope = nodes[index].name.scope;
        let counts = match scope {
            Scope::Block(block) => !matches!(architecture.blocks[usize::from(block)], Block::Identity(_)),
            Scope::Head => false,
        };
        counts && nodes.get(index + 1).is_none_or(|next| next.name.scope != scope)
    };
    let mut sum = 0.0;
    let _scores = network.forward_observed(noise, Some(&TrainingMode::default()), &mut |index, output| {
        if is_output(index) {
            sum += spectral_entropy(output)?;
        }
        Ok(())
    })?;
    Ok(sum)
}

/// The entropy, in nats, of the eigenvalues of the covariance between channels over all images and positions, divided by
/// their sum: `ln(channels)` for an isotropic output, 0 where all channels are multiples of one.
fn spectral_entropy(output: &Tensor) -> Result<f64, TchError> {
    let channels = output.size()[1];
    let rows = output
        .f_permute([0, 2, 3, 1])?
        .f_reshape([-1, channels])?
        .f_to_kind(Kind::Float)?;
    let centred = rows.f_sub(&rows.f_mean_dim([0_i64].as_slice(), true, None)?)?;
    let transposed = centred.f_transpose(0, 1)?;
    // Both products have the same eigenvalues other than 0.
    let gram = if centred.size()[0] < channels {
        centred.f_matmul(&transposed)?
    } else {
        transposed.f_matmul(&centred)?
    };
    let eigenvalues = Vec::<f64>::try_from(&gram.f_to_kind(Kind::Double)?.f_linalg_eigvalsh("L")?)?;
    let total: f64 = eigenvalues.iter().map(|value| value.max(0.0)).sum();
    let shares = eigenvalues
        .iter()
        .map(|value| value / total)
        .filter(|&share| share > 0.0);
    Ok(shares.map(|share| -share * share.ln()).sum())
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::testing::{network, noise};

    /// An output of one pixel and these rows, one for each image.
    fn output(rows: &[[f32; 3]]) -> Tensor {
        Tensor::from_slice(rows.as_flattened()).view([rows.len() as i64, 3, 1, 1])
    }

    #[test]
    fn an_isotropic_output_has_the_largest_entropy() {
        let isotropic = output(&[
            [1.0, 0.0, 0.0],
            [-1.0, 0.0, 0.0],
            [0.0, 1.0, 0.0],
            [0.0, -1.0, 0.0],
            [0.0, 0.0, 1.0],
            [0.0, 0.0, -1.0],
        ]);
        let found = spectral_entropy(&isotropic).unwrap();
        assert!((found - 3.0_f64.ln()).abs() < 1e-6, "{found}");
        let stretched = isotropic * Tensor::from_slice(&[4.0_f32, 1.0, 1.0]).view([1, 3, 1, 1]);
        assert!(spectral_entropy(&stretched).unwrap() < found);
    }

    #[test]
    fn channels_that_are_multiples_of_one_have_no_entropy() {
        let found = spectral_entropy(&output(&[
            [1.0, 2.0, -1.0],
            [3.0, 6.0, -3.0],
            [-2.0, -4.0, 2.0],
            [0.5, 1.0, -0.5],
        ]));
        assert!(found.unwrap() < 1e-4);
        let constant = Tensor::ones([4, 3, 2, 2], (Kind::Float, Device::Cpu));
        assert!(spectral_entropy(&constant).unwrap().abs() < 1e-12);
    }

    #[test]
    fn few_images_give_the_same_spectrum_by_either_product() {
        let few = noise(2, 1, 3);
        let found = spectral_entropy(&few).unwrap();
        // Two centred rows point in opposite directions: one eigenvalue.
        assert!(found.abs() < 1e-4, "{found}");
    }

    #[test]
    fn identities_do_not_count() {
        let images = noise(8, 16, 2);
        let value = |text: &str| tch::no_grad(|| measure(&network(text, 1), &text.parse().unwrap(), &images)).unwrap();
        let short = value("in16,conv_k3_s2_c8_nre,head_o4");
        assert!((value("in16,conv_k3_s2_c8_nre,id_c8,head_o4") - short).abs() < 1e-6);
        assert!(value("in16,conv_k3_s2_c8_nre,conv_k3_c8_nre,head_o4") > short);
    }
}
