//! Finalists in 8-bit integers: accuracy on the images of their final accuracy, and latency beside 32-bit floats, in LiteRT.

use std::sync::atomic::{AtomicBool, Ordering};

use mnas_engine::study::{Finalist, Int8Latency, Int8Result, Study};
use mnas_engine::training::weights::Weights;
use mnas_engine::training::{DataRequest, Fit, Split};
use mnas_engine::worker::{Floats, ImagesRequest};
use mnas_latency::runtimes::LiteRt;
use mnas_latency::runtimes::litert::LiteRtSession;
use mnas_latency::{
    Device, LatencyError, MeasureSettings, Measurer, Model, Processor, Runtime, RuntimeError, RuntimeKind,
};
use mnas_space::Architecture;
use mnas_space::quantisation::Clipping;

use super::super::device::{litert, litert_library};
use super::super::error::CliError;
use super::super::images::{read_images, visit_images};
use super::images::absolute_data;
use crate::classifier::best;
use crate::export::{CALIBRATION_IMAGES, Calibration, ExportError, ExportNetwork, Tflite, TflitePrecision};
use crate::report::{Printer, units};

/// Evaluates the finalists that are trained and not yet known in 8-bit integers, and records the results; false when cancelled.
///
/// A failure is a warning: the study then ends without these columns.
pub(super) fn evaluate(study: &mut Study, printer: &Printer, cancel: &AtomicBool) -> Result<bool, CliError> {
    let finalists = study.state().finals().all().iter();
    let waiting: Vec<&Finalist> = finalists
        .filter(|finalist| finalist.val_top1().is_some() && finalist.int8.is_none())
        .collect();
    if waiting.is_empty() {
        return Ok(true);
    }
    let missing = "accuracy and latency in int8 are not measured";
    let found = litert().map_err(CliError::from).and_then(|runtime| match runtime {
        Some(runtime) => Evaluation::of(study, runtime, printer, cancel).run(&waiting).map(Some),
        None => Ok(None),
    });
    if cancel.load(Ordering::Relaxed) {
        return Ok(false);
    }
    match found {
        Ok(Some(results)) => {
            for (number, result) in results {
                study.record_int8(number, result)?;
            }
        }
        Ok(None) => printer.status(&format!("{missing}: LiteRT is not installed, see `mnas doctor`")),
        Err(error) => printer.warning(&format!("{missing}: {error}")),
    }
    Ok(true)
}

/// Training images to calibrate a network of a study on, none where nothing is trained.
pub(super) fn calibration_images(
    study: &Study,
    network: &ExportNetwork,
    printer: &Printer,
    cancel: &AtomicBool,
) -> Result<Vec<Floats>, CliError> {
    let Some(training) = study.config().training() else {
        return Ok(Vec::new());
    };
    read_images(
        calibration_request(network, &absolute_data(&training.data)),
        cancel,
        printer,
    )
}

fn calibration_request(network: &ExportNetwork, data: &DataRequest) -> ImagesRequest {
    let data = DataRequest {
        images: Some(CALIBRATION_IMAGES),
        ..data.clone()
    };
    network.images(data, Split::Train, Fit::default())
}

/// Nanoseconds in a millisecond, to which latencies are rounded.
const NANOSECONDS: f64 = 1e6;

/// A trained finalist, to be evaluated.
struct Entry {
    number: u64,
    network: ExportNetwork,
    /// The images of its final accuracy.
    images: ImagesRequest,
    split: Split,
}

/// A network in 8-bit integers, with the images that it has classified.
struct Candidate {
    session: LiteRtSession,
    correct: usize,
}

impl Candidate {
    fn classify(&mut self, Floats(image): &Floats, label: u32) -> Result<(), RuntimeError> {
        let outputs = self.session.infer(image)?;
        let scores = outputs.first().map_or(&[][..], |output| &output.values);
        self.correct += usize::from(best(scores, 1).first() == Some(&(label as usize)));
        Ok(())
    }
}

struct Evaluation<'a> {
    study: &'a Study,
    runtime: LiteRt,
    printer: &'a Printer,
    cancel: &'a AtomicBool,
}

impl<'a> Evaluation<'a> {
    fn of(study: &'a Study, runtime: LiteRt, printer: &'a Printer, cancel: &'a AtomicBool) -> Self {
        Self {
            study,
            runtime,
            printer,
            cancel,
        }
    }

    fn run(&self, waiting: &[&Finalist]) -> Result<Vec<(u64, Int8Result)>, CliError> {
        let entries = waiting
            .iter()
            .filter_map(|finalist| self.entry(finalist).transpose())
            .collect::<Result<Vec<Entry>, CliError>>()?;
        self.printer.status(&format!(
            "{} networks in int8: calibrated on {CALIBRATION_IMAGES} training images, evaluated in LiteRT",
            entries.len()
        ));
        let architectures: Vec<&Architecture> = entries.iter().map(|entry| &entry.network.architecture).collect();
        let threads = self.threads();
        let latencies = match threads {
            Some(threads) => latencies(&architectures, threads)?,
            None => Vec::new(),
        };
        let threads = threads.unwrap_or(1);
        let runtime = format!(
            "{} {}, {}",
            self.runtime.name(),
            self.runtime.version(),
            units::threads(threads)
        );
        let mut results = Vec::new();
        let mut waiting: Vec<usize> = (0..entries.len()).collect();
        while let Some(&first) = waiting.first() {
            // Networks that take the same images read them together.
            let request = &entries[first].images;
            let (group, rest) = waiting
                .into_iter()
                .partition(|&index| entries[index].images == *request);
            waiting = rest;
            let group: Vec<usize> = group;
            let networks: Vec<&Entry> = group.iter().map(|&index| &entries[index]).collect();
            for (index, (top1, images)) in group.into_iter().zip(self.accuracies(&networks)?) {
                let result = Int8Result {
                    top1,
                    split: entries[index].split,
                    images,
                    runtime: runtime.clone(),
                    latency: latencies.get(index).copied(),
                };
                results.push((entries[index].number, result));
            }
        }
        Ok(results)
    }

    /// A finalist with its weights; `None` where these are gone.
    fn entry(&self, finalist: &Finalist) -> Result<Option<Entry>, CliError> {
        let config = self.study.config();
        let Some((training, finals)) = config
            .training()
            .and_then(|training| Some((training, training.finals.as_ref()?)))
        else {
            return Ok(None);
        };
        let path = self.study.folder().finalist_weights(finalist.trial);
        if !path.exists() {
            return Ok(None);
        }
        let architecture = self.study.state().trials()[finalist.trial as usize]
            .architecture
            .clone();
        let network = ExportNetwork::trained(architecture, &Weights::read(&path)?, &path)?;
        // The test split is read whole, as for the accuracy in 32-bit floats.
        let (split, images) = match finalist.test() {
            Some(_) => (Split::Test, None),
            None => (Split::Val, finals.images),
        };
        let data = DataRequest {
            images,
            ..absolute_data(&training.data)
        };
        Ok(Some(Entry {
            number: finalist.number,
            images: network.images(data, split, Fit::default()),
            network,
            split,
        }))
    }

    /// Top-1 accuracy in percent, and number of images, of networks that take the same images.
    fn accuracies(&self, entries: &[&Entry]) -> Result<Vec<(f64, usize)>, CliError> {
        let Some(first) = entries.first() else {
            return Ok(Vec::new());
        };
        let Some(training) = self.study.config().training() else {
            return Ok(Vec::new());
        };
        let request = calibration_request(&first.network, &absolute_data(&training.data));
        let images = read_images(request, self.cancel, self.printer)?;
        let mut candidates = entries
            .iter()
            .map(|entry| self.candidate(entry, &images))
            .collect::<Result<Vec<_>, ExportError>>()?;
        let mut failure: Option<RuntimeError> = None;
        let mut seen = 0;
        let bar = self.printer.progress("evaluating in int8", 0);
        visit_images(first.images.clone(), self.cancel, self.printer, &mut |image, label| {
            seen += 1;
            bar.add(1);
            for candidate in &mut candidates {
                if let Err(error) = candidate.classify(&image, label) {
                    failure = Some(error);
                }
            }
        })?;
        if let Some(error) = failure {
            return Err(error.into());
        }
        let percent =
            |correct: usize| 100.0 * correct as f64 / f64::from(u32::try_from(seen).unwrap_or(u32::MAX).max(1));
        Ok(candidates
            .iter()
            .map(|candidate| (percent(candidate.correct), seen))
            .collect())
    }

    fn candidate(&self, entry: &Entry, images: &[Floats]) -> Result<Candidate, ExportError> {
        let calibration = Calibration::on(images, &entry.network, Some(&self.runtime), Clipping::Extremes)?;
        let tflite = Tflite {
            precision: TflitePrecision::Int8(calibration),
        };
        Ok(Candidate {
            session: self
                .runtime
                .session(&tflite.encode(&entry.network)?, "finalist in int8")?,
            correct: 0,
        })
    }

    /// Number of threads to measure latency on; `None` where the study's device is not this machine's processor.
    fn threads(&self) -> Option<usize> {
        let device = Device::open(&self.study.config().devices.first()?.name).ok()?;
        let is_here = device.agent.is_none()
            && device.processor == Processor::Cpu
            && matches!(
                device.runtime,
                RuntimeKind::OnnxRuntime | RuntimeKind::LiteRt | RuntimeKind::LibTorch | RuntimeKind::Tract
            );
        is_here.then_some(device.threads)
    }
}

/// Measures networks in LiteRT in both precisions.
fn latencies(networks: &[&Architecture], threads: usize) -> Result<Vec<Int8Latency>, CliError> {
    let Some(library) = litert_library() else {
        return Ok(Vec::new());
    };
    let float = medians(networks, LiteRt::new(&library, threads)?)?;
    let int8 = medians(networks, LiteRt::new(&library, threads)?.with_int8())?;
    let pairs = float.into_iter().zip(int8);
    Ok(pairs
        .map(|(fp32_ms, int8_ms)| Int8Latency { int8_ms, fp32_ms })
        .collect())
}

fn medians(networks: &[&Architecture], mut runtime: LiteRt) -> Result<Vec<f64>, LatencyError> {
    let mut measurer = Measurer::new(&mut runtime, MeasureSettings::thorough(), None)?;
    let measure = |network: &&Architecture| {
        let median_ms = measurer.measure(&Model::network(network))?.median_ms;
        Ok((median_ms * NANOSECONDS).round() / NANOSECONDS)
    };
    networks.iter().map(measure).collect()
}
