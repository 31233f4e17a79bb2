//! TorchScript files of networks.

use mnas_engine::training::TrainDevice;
use mnas_engine::worker::{Floats, FromWorker, TorchScriptRequest, TorchScriptScoresRequest};
use tch::{CModule, Tensor};

use super::fault::Fault;
use super::saved::SavedNetwork;
use crate::network::Network;

/// Traces a network into a TorchScript file.
///
/// The weights are constants of the method `forward`, which takes `[1, 3, height, width]` and returns `[1, classes]`.
pub(super) fn write(request: &TorchScriptRequest) -> Result<FromWorker, Fault> {
    let SavedNetwork {
        architecture, network, ..
    } = SavedNetwork::read(&request.weights, &request.architecture, TrainDevice::Cpu)?;
    let input = architecture.input();
    let shape = [1, input.channels, input.height, input.width].map(i64::from);
    trace(&network, shape)?
        .save(&request.output)
        .map_err(|error| Fault::Unsaved(format!("{}: {}", request.output.display(), first_line(&error))))?;
    Ok(FromWorker::Written)
}

/// Computes scores with a TorchScript file.
pub(super) fn scores(request: &TorchScriptScoresRequest) -> Result<FromWorker, Fault> {
    let [channels, height, width] = request.shape.map(i64::from);
    let mut module = CModule::load(&request.file)?;
    module.f_set_eval()?;
    let scored = request.images.iter().map(|Floats(values)| {
        let image = Tensor::f_from_slice(values)?.f_view([1, channels, height, width])?;
        let scores = tch::no_grad(|| module.forward_ts(&[image]))?;
        Ok(Floats(Vec::<f32>::try_from(&scores.f_contiguous()?.f_view([-1])?)?))
    });
    Ok(FromWorker::Scores(scored.collect::<Result<_, Fault>>()?))
}

/// Records the operations of a network on an image of this shape.
fn trace(network: &Network, shape: [i64; 4]) -> Result<CModule, Fault> {
    // Tensors with gradients cannot become constants of a trace.
    let network = network.copy()?;
    let image = Tensor::f_zeros(shape, (tch::Kind::Float, tch::Device::Cpu))?;
    let mut failure = None;
    let mut forward = |images: &[Tensor]| match network.forward(&images[0], false) {
        Ok(scores) => vec![scores],
        Err(error) => {
            failure = Some(error);
            vec![images[0].shallow_clone()]
        }
    };
    let module = tch::no_grad(|| CModule::create_by_tracing("Network", "forward", &[image], &mut forward))?;
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(module),
    }
}

/// The lines of libtorch's messages after the first are a stack trace.
fn first_line(error: &tch::TchError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
