//! Training speed of a network on random images, the same at every step.

use std::time::{Duration, Instant};

use tch::{Kind, Reduction, TchError, Tensor};

use mnas_engine::training::Recipe;

use crate::network::{Network, TrainingMode, channels_last, seeded};
use crate::optimizer::Optimizer;

/// Steps that are not measured: libtorch allocates memory and chooses kernels in them.
const WARM_UP: usize = 3;

/// Result of a measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Throughput {
    /// Batch size divided by the median time of a step.
    pub images_per_second: f64,
    /// Steps measured.
    pub steps: usize,
}

/// Trains `network` on random images for about `time`, with the recipe's batch, optimiser, weight decay and smoothing.
///
/// At least three steps are measured. The weights of the network are meaningless afterwards.
pub fn throughput(network: &Network, recipe: &Recipe, time: Duration) -> Result<Throughput, TchError> {
    let shape = network.graph().input;
    let size = [
        recipe.batch_size as i64,
        3,
        i64::from(shape.height),
        i64::from(shape.width),
    ];
    let classes = i64::from(network.graph().output_shape().channels);
    let device = network.device();
    let (images, labels) = seeded(0, || {
        let images = Tensor::f_randn(size, (Kind::Float, device))?;
        let labels = Tensor::f_randint(classes, size[..1].to_vec(), (Kind::Int64, device))?;
        Ok::<_, TchError>((channels_last(&images)?, labels))
    })?;
    let mut optimizer = Optimizer::new(network, recipe)?;
    let mut step = || {
        let begin = Instant::now();
        let scores = network.forward_as(&images, Some(&TrainingMode::default()))?;
        let loss =
            scores.f_cross_entropy_loss(&labels, None::<&Tensor>, Reduction::Mean, -100, recipe.label_smoothing)?;
        let gradients = optimizer.gradients(&loss)?;
        optimizer.step(gradients, 0.01)?;
        if let tch::Device::Cuda(index) = device {
            tch::Cuda::synchronize(index as i64);
        }
        Ok::<_, TchError>(begin.elapsed())
    };
    for _ in 0..WARM_UP {
        step()?;
    }
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || begin.elapsed() < time {
        times.push(step()?);
    }
    times.sort();
    Ok(Throughput {
        images_per_second: recipe.batch_size as f64 / times[times.len() / 2].as_secs_f64(),
        steps: times.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{network, recipe};

    #[test]
    fn steps_are_counted_and_the_network_learns() {
        let network = network("in16,conv_k3_s2_c8_nr6,head_o4", 1);
        let before = crate::testing::all_values(&network);
        let found = throughput(&network, &recipe(1, 4, 0.1), Duration::ZERO).unwrap();
        assert_eq!(found.steps, 3);
        assert!(found.images_per_second > 0.0);
        assert_ne!(crate::testing::all_values(&network), before);
    }
}
