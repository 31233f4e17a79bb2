//! Small networks and images for tests.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mnas_space::onnx::{RandomWeights, WeightSource};
use mnas_space::{Architecture, ParameterKind, SearchSpace};
use rand::RngExt;
use tch::{Device, Kind, Tensor};

use super::{Network, seeded};
use crate::data::{DataSource, LoadOptions, Splits, Synthetic, Watch};
use mnas_engine::training::weights::WeightsInfo;
use mnas_engine::training::{Normalization, Recipe};
use mnas_space::random::stream;

/// Synthetic images of 4 classes at 16 pixels.
pub(crate) fn images(train: usize, val: usize) -> Splits {
    let source = DataSource::demo(Synthetic {
        classes: 4,
        train,
        val,
        test: 4,
        seed: 7,
    })
    .unwrap();
    source
        .load(
            &LoadOptions {
                image_size: 16,
                ..LoadOptions::default()
            },
            Watch::none(),
        )
        .unwrap()
}

/// The network of an architecture string, initialised from `seed`.
pub(crate) fn network(text: &str, seed: u64) -> Network {
    Network::new(text.parse::<Architecture>().unwrap().graph(), Device::Cpu, seed).unwrap()
}

/// Images of normally distributed pixels.
pub(crate) fn noise(count: i64, side: i64, seed: u64) -> Tensor {
    seeded(seed, || {
        Tensor::randn([count, 3, side, side], (Kind::Float, Device::Cpu))
    })
}

/// A tensor's values, row by row.
pub(crate) fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(&tensor.detach().contiguous().view([-1])).unwrap()
}

/// All tensors' values.
pub(crate) fn all_values(network: &Network) -> Vec<Vec<f32>> {
    network.tensors().map(|(_, tensor)| values(tensor)).collect()
}

/// A recipe without augmentation; `learning_rate` is the rate used, independent of the batch size.
pub(crate) fn recipe(epochs: u32, batch_size: usize, learning_rate: f64) -> Recipe {
    Recipe::plain("test", epochs, batch_size, learning_rate * 256.0 / batch_size as f64)
}

/// Metadata of a weight file of an architecture.
pub(crate) fn info(architecture: &str) -> WeightsInfo {
    WeightsInfo {
        architecture: architecture.to_owned(),
        train_resolution: 16,
        image_size: None,
        normalization: Normalization::IMAGENET,
        classes: ["cat", "dog", "Käse", "a\nb"].map(str::to_owned).to_vec(),
        early_strides_removed: 1,
        data: None,
    }
}

/// A random network of the space of every block type and option, at any resolution from 32 to 97 pixels.
pub(crate) fn any_architecture(index: u64) -> Architecture {
    static SPACE: LazyLock<SearchSpace> =
        LazyLock::new(|| SearchSpace::from_toml(include_str!("../../../tests/spaces/everything.toml")).unwrap());
    let mut rng = stream(11, "any architecture", index, 0);
    let architecture = SPACE.express(&SPACE.sample(&mut rng), rng.random_range(2..12));
    architecture.with_resolution(rng.random_range(32..=97))
}

/// Sets random weights as after training: no batch-norm is the identity, every layer scale has an effect, and running variances are so
/// small that batch-norm's epsilon affects the scores.
pub(crate) fn shake(network: &mut Network, seed: u64) {
    const VARIANCE: f32 = 0.05;
    let weights = RandomWeights { seed };
    let mut tensors = BTreeMap::new();
    for (spec, _) in network.tensors() {
        let mut values = weights.values(spec).unwrap().into_owned();
        let factor = match spec.kind {
            ParameterKind::RunningVariance => VARIANCE,
            ParameterKind::BatchNormScale => VARIANCE.sqrt(),
            ParameterKind::LayerScale => 0.5,
            _ => 1.0,
        };
        for value in &mut values {
            *value *= factor;
        }
        let shape: Vec<i64> = spec.shape.iter().map(|&size| size as i64).collect();
        tensors.insert(spec.name.clone(), Tensor::from_slice(&values).view(shape.as_slice()));
    }
    network.assign(&tensors).unwrap();
}

/// Writes the weights of a network of these classes.
pub(crate) fn save(network: &Network, architecture: &str, classes: &[String], path: &std::path::Path) {
    let info = WeightsInfo {
        classes: classes.to_vec(),
        early_strides_removed: 0,
        ..info(architecture)
    };
    super::weights_of(network, info).unwrap().write(path).unwrap();
}
