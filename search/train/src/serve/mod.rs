//! The worker: serves a coordinator with trainings, evaluations and measurements on libtorch.
//!
//! The requests are those of [`mnas_engine::worker`], over a [pipe](mnas_latency::pipe). A worker keeps libtorch and the loaded images
//! between requests; nothing else of an earlier request affects a later one.

mod cancel;
mod context;
mod evaluation;
mod facts;
mod fault;
mod images;
mod inherited;
mod loaded;
mod saved;
mod signals;
mod speed;
mod test_split;
mod torch_script;
mod training;

use std::io::{BufRead, Write};

use mnas_engine::training::{Augmentation, DataRequest, TrainDevice};
use mnas_engine::worker::{FromWorker, Inspected, PROTOCOL, Ready, ToWorker};
use mnas_latency::pipe::{self, Identity};

use crate::data::{self, Splits};
use crate::device::open_device;
use cancel::Cancellation;
use context::Context;
use fault::Fault;
use loaded::Loaded;

/// Serves a coordinator until `input` ends: reads requests from it, trains on `device`, writes replies to `output`.
///
/// `program` is the name and version of the program, for display. The end of `input` ends the worker: `on_end` is called from the reading
/// thread, also in the middle of a training. A process exits there, so that no worker outlives its coordinator.
pub fn serve(
    input: impl BufRead + Send + 'static,
    output: impl Write + Send,
    program: &str,
    device: TrainDevice,
    on_end: impl FnOnce() + Send + 'static,
) -> std::io::Result<()> {
    let identity = Identity {
        protocol: PROTOCOL,
        program: program.to_owned(),
        payload: serde_json::to_value(facts::gather())?,
    };
    let cancellation = Cancellation::default();
    let arrivals = cancellation.clone();
    let on_arrival = move |request: &ToWorker| arrivals.arrive(*request == ToWorker::Cancel);
    let mut worker = Worker { device, loaded: None };
    let mut number = 0;
    pipe::serve_interruptible(input, output, &identity, on_arrival, on_end, |request, progress| {
        number += 1;
        let report = |content: &FromWorker| {
            // Where the output has no reader, the end of the input follows and ends the worker.
            let _ = progress.report(content);
        };
        let context = Context {
            report: &report,
            cancellation: &cancellation,
            number,
        };
        worker.handle(request, &context)
    })
}

/// State of a worker between requests.
struct Worker {
    device: TrainDevice,
    loaded: Option<Loaded>,
}

impl Worker {
    fn handle(&mut self, request: ToWorker, context: &Context<'_>) -> FromWorker {
        let result = match request {
            ToWorker::Cancel => Ok(FromWorker::Cancelling),
            _ if context.is_cancelled() => Err(Fault::Interrupted { epoch: 0 }),
            ToWorker::Inspect(data) => inspect(&data),
            ToWorker::Prepare {
                data,
                resolution,
                augmentation,
                threads,
            } => {
                tch::set_num_threads(i32::try_from(threads.max(1)).unwrap_or(1));
                match self.prepare(data, resolution, &augmentation, context) {
                    Err(Fault::Failed { kind, reason }) => Ok(FromWorker::Refused { reason, kind }),
                    result => result,
                }
            }
            ToWorker::Train(request) => match &self.loaded {
                Some(loaded) => training::run(loaded, &request, context),
                None => Err(Fault::computation("the images of a training must be loaded before it")),
            },
            ToWorker::Evaluate(request) => evaluation::evaluate(&request, self.device, context),
            ToWorker::Throughput(request) => speed::training(&request, self.device),
            ToWorker::DataThroughput(request) => speed::reading(&request),
            ToWorker::Scores(request) => evaluation::scores(&request),
            ToWorker::Images(request) => images::read(&request, context),
            ToWorker::TorchScript(request) => torch_script::write(&request),
            ToWorker::TorchScriptScores(request) => torch_script::scores(&request),
            ToWorker::Signals(request) => signals::measure(&request, self.device, self.loaded.as_ref()),
        };
        result.unwrap_or_else(FromWorker::from)
    }

    /// Opens the device and loads the images of later trainings.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as the loader takes it")]
    fn prepare(
        &mut self,
        data: DataRequest,
        resolution: u32,
        augmentation: &Augmentation,
        context: &Context<'_>,
    ) -> Result<FromWorker, Fault> {
        let device = open_device(self.device)?;
        let splits = context.watch(|watch| data::load(&data, resolution, augmentation, watch))?;
        let ready = ready_of(&splits);
        self.loaded = Some(Loaded {
            device,
            normalization: data::normalization_of(&splits.train),
            splits,
            data,
        });
        Ok(FromWorker::Ready(Box::new(ready)))
    }
}

fn inspect(data: &DataRequest) -> Result<FromWorker, Fault> {
    let source = data::source_of(data)?;
    let (classes, side) = source.probe().unwrap_or_default();
    Ok(FromWorker::Inspected(Box::new(Inspected {
        name: source.name(),
        format: source.format().to_owned(),
        demo: source.is_synthetic(),
        side,
        classes,
    })))
}

/// Facts about the loaded images for a coordinator.
fn ready_of(splits: &Splits) -> Ready {
    let summary = splits.summary();
    Ready {
        description: summary.to_string(),
        name: summary.name,
        classes: summary.classes,
        train: summary.train,
        val: summary.val,
        size: summary.size,
        demo: summary.is_synthetic,
        skipped: summary.skipped,
        fingerprint: splits.fingerprint(),
    }
}

#[cfg(test)]
mod tests;
