//! The spectral entropy of block outputs: the expressivity of AZ-NAS (arXiv:2403.19232, section 3.1).

use mnas_space::{Architecture, Scope};
use tch::{Kind, TchError, Tensor};

use crate::network::{Network, TrainingMode};

/// The sum over blocks of the entropy of the spectrum of their outputs' covariance.
///
/// Every block of the architecture counts, since the published sum runs over all primary blocks of a network, whatever they compute. An
/// identity that computes nothing has the output of the last block before the shape changes: networks that differ in the position of
/// such identities only have one value.
pub(super) fn measure(network: &Network, architecture: &Architecture, noise: &Tensor) -> Result<f64, TchError> {
    let nodes = &network.graph().nodes;
    let is_output = |index: usize| match nodes[index].name.scope {
        Scope::Head => false,
        scope @ Scope::Block(_) => nodes.get(index + 1).is_none_or(|next| next.name.scope != scope),
    };
    let mut entropies = vec![None; architecture.blocks.len()];
    let _scores = network.forward_observed(noise, Some(&TrainingMode::default()), &mut |index, output| {
        if let (Scope::Block(block), true) = (nodes[index].name.scope, is_output(index)) {
            entropies[usize::from(block)] = Some(spectral_entropy(output)?);
        }
        Ok(())
    })?;
    Ok(sum_of_blocks(architecture, &entropies))
}

/// The sum of blocks' entropies, `None` for blocks that compute nothing.
fn sum_of_blocks(architecture: &Architecture, entropies: &[Option<f64>]) -> f64 {
    let (mut sum, mut last, mut nothing) = (0.0, 0.0, 0.0);
    let mut former = None;
    for (layer, entropy) in architecture.layers().zip(entropies) {
        if former != Some(layer.output) {
            sum += nothing * last;
            nothing = 0.0;
        }
        former = Some(layer.output);
        match entropy {
            Some(entropy) => {
                sum += entropy;
                last = *entropy;
            }
            None => nothing += 1.0,
        }
    }
    sum + nothing * last
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
    fn an_identity_has_the_output_of_the_last_block_before_the_shape_changes() {
        let images = noise(8, 16, 2);
        let value = |text: &str| tch::no_grad(|| measure(&network(text, 1), &text.parse().unwrap(), &images)).unwrap();
        let one = value("in16,conv_k3_s2_c8_nre,head_o4");
        assert!((value("in16,conv_k3_s2_c8_nre,id_c8,head_o4") - 2.0 * one).abs() < 1e-6);
        let two = value("in16,conv_k3_s2_c8_nre,conv_k3_c8_nre,head_o4");
        let early = value("in16,conv_k3_s2_c8_nre,id_c8,conv_k3_c8_nre,head_o4");
        let late = value("in16,conv_k3_s2_c8_nre,conv_k3_c8_nre,id_c8,head_o4");
        assert!((early - late).abs() < 1e-6, "{early} {late}");
        assert!((late - (2.0 * two - one)).abs() < 1e-6, "{late} {two} {one}");
    }

    #[test]
    fn an_identity_that_changes_the_shape_counts() {
        let architecture: Architecture = "in16,conv_k3_s2_c8_nre,id_s2_c16,id_c16,conv_k1_c4_nre,head_o4"
            .parse()
            .unwrap();
        let entropies = [Some(1.0), Some(2.0), None, Some(0.5)];
        assert!((sum_of_blocks(&architecture, &entropies) - 5.5).abs() < 1e-12);
    }
}
