//! libtorch in eager mode as a runtime to measure, as `PyTorch` runs a network that is not exported.

use std::time::Instant;

use mnas_latency::runtimes::Stopwatch;
use mnas_latency::{Device, HostFacts, LoadedModel, Milliseconds, Model, ModelForm, Processor, Runtime, RuntimeError};
use tch::{TchError, Tensor};

use crate::network::{Network, channels_last};
use mnas_engine::worker::LIBTORCH_VERSION;

const NAME: &str = "libtorch";

/// libtorch on the processor or the first NVIDIA GPU.
///
/// Networks run in channels-last order, batch-norm as an operation of its own, images of one.
#[derive(Debug)]
pub struct TorchRuntime {
    threads: usize,
    processor: Processor,
}

impl TorchRuntime {
    /// Runs models on the threads and the processor of `device`; an error where it computes with CUDA and there is none.
    pub fn open(device: &Device) -> Result<Self, RuntimeError> {
        if device.processor == Processor::Cuda && !tch::Cuda::is_available() {
            let reason = "libtorch sees none; where the machine has an NVIDIA GPU, set LIBTORCH to a libtorch for CUDA and build again \
                          (`mnas doctor` says which libtorch is in use)";
            return Err(RuntimeError::NoCuda {
                reason: reason.to_owned(),
            });
        }
        Ok(Self {
            threads: device.threads,
            processor: device.processor,
        })
    }

    fn place(&self) -> tch::Device {
        match self.processor {
            Processor::Cpu => tch::Device::Cpu,
            Processor::Cuda => tch::Device::Cuda(0),
        }
    }

    fn model(&self, model: &Model) -> Result<TorchModel, TchError> {
        let Some(graph) = model.graph() else {
            return Err(TchError::FileFormat("an ONNX file is not a libtorch module".to_owned()));
        };
        let shape = [1, graph.input.channels, graph.input.height, graph.input.width].map(i64::from);
        // Numbers of both signs around zero, none of them denormal.
        let values: Vec<f32> = (0..graph.input.elements())
            .map(|i| (i % 17) as f32 / 8.0 - 1.0)
            .collect();
        let input = channels_last(&Tensor::f_from_slice(&values)?.f_reshape(shape)?)?;
        Ok(TorchModel {
            name: model.name.clone(),
            network: Network::new(graph, self.place(), 0)?,
            input: input.f_to_device(self.place())?,
            threads: i32::try_from(self.threads).unwrap_or(i32::MAX),
            processor: self.processor,
        })
    }
}

impl Runtime for TorchRuntime {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> &'static str {
        LIBTORCH_VERSION
    }

    fn host(&self) -> HostFacts {
        HostFacts::of_processor(self.processor)
    }

    fn model_form(&self) -> ModelForm {
        ModelForm::Blocks
    }

    /// libtorch never ends its threads, so that only the calling one can be pinned for a time.
    fn pinnable_threads(&self) -> usize {
        usize::from(self.threads == 1 && self.processor == Processor::Cpu)
    }

    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError> {
        match self.model(model) {
            Ok(model) => Ok(Box::new(model)),
            Err(error) => Err(RuntimeError::Refused {
                runtime: NAME.to_owned(),
                model: model.name.clone(),
                reason: error.to_string(),
            }),
        }
    }
}

struct TorchModel {
    name: String,
    network: Network,
    input: Tensor,
    threads: i32,
    processor: Processor,
}

impl TorchModel {
    fn infer(&self, inferences: u32) -> Result<(), TchError> {
        tch::no_grad(|| {
            for _ in 0..inferences {
                drop(self.network.forward(&self.input, false)?);
            }
            Ok(())
        })
    }

    fn timed(&self, inferences: u32) -> Result<Milliseconds, TchError> {
        if self.processor == Processor::Cuda {
            // The GPU works asynchronously; waiting for it is part of the time.
            tch::Cuda::synchronize(0);
            let start = Instant::now();
            self.infer(inferences)?;
            tch::Cuda::synchronize(0);
            return Ok(Milliseconds(start.elapsed().as_secs_f64() * 1000.0));
        }
        let watch = Stopwatch::start();
        self.infer(inferences)?;
        Ok(watch.stop())
    }
}

impl LoadedModel for TorchModel {
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError> {
        // The number of threads is a setting of the process and is restored.
        let before = tch::get_num_threads();
        tch::set_num_threads(self.threads);
        let time = self.timed(inferences);
        tch::set_num_threads(before);
        time.map_err(|error| RuntimeError::Failed {
            runtime: NAME.to_owned(),
            model: self.name.clone(),
            reason: error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use mnas_latency::ModelContent;

    use super::*;

    fn runtime() -> TorchRuntime {
        TorchRuntime::open(&Device::open("host-torch").unwrap()).unwrap()
    }

    #[test]
    fn every_kind_of_block_and_a_network_run() {
        let network: mnas_space::Architecture = "in48,conv_k3_s2_c16_nhs,ir_r2_k3_s2_e4_c24_se0.25_nre,head_o10"
            .parse()
            .unwrap();
        let blocks = [
            "conv_k3_s2_c16_nsw@3x33x33",
            "ds_k5_c24_se0.25_nre@16x20x20",
            "ir_k3_e4_c16_sq8_gsi_nhs@16x9x9",
            "id_s2_c24@16x8x8",
            "head_f64_nhs_o10@16x5x5",
        ];
        let blocks = blocks.iter().map(|text| Model::block(&text.parse().unwrap()));
        let mut runtime = runtime();
        for model in blocks.chain([Model::network(&network)]) {
            let ms = runtime.load(&model).unwrap().run(2).unwrap().0;
            assert!(ms.is_finite() && ms > 0.0, "{}", model.name);
        }
    }

    #[test]
    fn an_onnx_file_is_refused() {
        let block = Model::block(&"head_o10@16x5x5".parse().unwrap());
        let content = ModelContent::Onnx {
            file: block.onnx().unwrap().into_owned(),
            input: block.input(),
        };
        let refused = runtime().load(&Model { content, ..block }).err().unwrap().to_string();
        assert!(refused.contains("libtorch refuses `head_o10@16x5x5`"), "{refused}");
    }

    #[test]
    fn without_a_gpu_cuda_is_refused() {
        if tch::Cuda::is_available() {
            let mut runtime = TorchRuntime::open(&Device::open("cuda").unwrap()).unwrap();
            let block = Model::block(&"head_o10@16x5x5".parse().unwrap());
            assert!(runtime.load(&block).unwrap().run(2).unwrap().0 > 0.0);
            return;
        }
        let error = TorchRuntime::open(&Device::open("cuda").unwrap())
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("no CUDA device") && error.contains("LIBTORCH"),
            "{error}"
        );
    }
}
