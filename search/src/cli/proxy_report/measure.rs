//! Measurement of signals by workers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use mnas_engine::ranking::{Measured, Probe, Signal};
use mnas_engine::training::{Augmentation, DataRequest, TrainDevice};
use mnas_engine::worker::{FromWorker, SignalsRequest, ToWorker};
use mnas_space::Architecture;

use super::super::error::CliError;
use crate::report::{Printer, units};
use crate::worker_client::{WorkerClient, WorkerError};

/// Measured signals of one network.
pub(in crate::cli) type Values = BTreeMap<Signal, Measured>;

/// Measurement of signals of several networks.
#[derive(Debug)]
pub(in crate::cli) struct Measurement<'a> {
    /// Signals of forward passes.
    pub signals: &'a [Signal],
    pub probe: Probe,
    /// Images, where a signal needs them.
    pub data: Option<DataRequest>,
    /// Number of worker processes, one thread each.
    pub workers: usize,
    pub device: TrainDevice,
    /// Longest wall time.
    pub time: Option<Duration>,
}

/// Time between two checks of the cancel flag.
const TICK: Duration = Duration::from_millis(100);

/// Networks that every worker measures before the remaining time is estimated; the first is slower than the others.
const ESTIMATED_FROM: usize = 3;

/// Message of a worker's thread.
enum News {
    Measured { network: usize, measured: Vec<Measured> },
    Failed(WorkerError),
}

impl Measurement<'_> {
    /// Measures all signals of `networks`, in their order.
    pub(in crate::cli) fn run(
        &self,
        networks: &[Architecture],
        printer: &Printer,
        cancel: &AtomicBool,
    ) -> Result<Vec<Values>, CliError> {
        let mut values = vec![Values::new(); networks.len()];
        if self.signals.is_empty() {
            return Ok(values);
        }
        let requests: Vec<SignalsRequest> = networks
            .iter()
            .map(|network| self.request(network))
            .collect::<Result<_, _>>()?;
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (sender, receiver) = channel();
            let (requests, next, stop) = (requests.as_slice(), &next, &stop);
            for _ in 0..self.workers.clamp(1, networks.len()) {
                let sender = sender.clone();
                scope.spawn(move || {
                    if let Err(error) = self.work(requests, next, stop, &sender) {
                        // The receiver is dropped where another worker has failed.
                        let _ = sender.send(News::Failed(error));
                    }
                });
            }
            drop(sender);
            let bar = printer.progress("measuring signals", networks.len() as u64);
            let (started, mut first, mut done) = (Instant::now(), None, 0);
            let result = loop {
                if cancel.load(Ordering::Relaxed) {
                    break Err(CliError::interrupted(
                        "interrupted; signals measured so far are not kept",
                    ));
                }
                match receiver.recv_timeout(TICK) {
                    Ok(News::Measured { network, measured }) => {
                        values[network] = measured.into_iter().map(|one| (one.signal, one)).collect();
                        done += 1;
                        bar.add(1);
                        let since = *first.get_or_insert_with(Instant::now);
                        if let Err(error) = self.check_time(started, since, done, networks.len()) {
                            break Err(error);
                        }
                    }
                    Ok(News::Failed(error)) => break Err(error.into()),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break Ok(()),
                }
            };
            stop.store(true, Ordering::Relaxed);
            result
        })?;
        Ok(values)
    }

    fn request(&self, network: &Architecture) -> Result<SignalsRequest, CliError> {
        self.probe.request(network, self.signals).map_err(|error| {
            CliError::config(format!(
                "{network} cannot be measured at {}x its width: {error}",
                self.probe.width
            ))
        })
    }

    /// Measures the next network that no other worker has begun, until there is none.
    fn work(
        &self,
        requests: &[SignalsRequest],
        next: &AtomicUsize,
        stop: &AtomicBool,
        sender: &Sender<News>,
    ) -> Result<(), WorkerError> {
        let mut worker = WorkerClient::start(self.device)?;
        if let Some(prepare) = self.prepare(requests)
            && !matches!(worker.request(&prepare)?, FromWorker::Ready(_))
        {
            unreachable!("a preparation is answered by `Ready` or a failure");
        }
        while !stop.load(Ordering::Relaxed) {
            let network = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = requests.get(network) else {
                break;
            };
            let measured = match worker.request(&ToWorker::Signals(Box::new(request.clone())))? {
                FromWorker::Signals(measured) => measured,
                other => return Err(WorkerError::unexpected(&other)),
            };
            if sender.send(News::Measured { network, measured }).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The request that loads a batch of images at the largest resolution; none where no signal needs them.
    fn prepare(&self, requests: &[SignalsRequest]) -> Option<ToWorker> {
        let data = self.data.as_ref()?;
        if !self.signals.iter().any(|signal| signal.needs_images()) {
            return None;
        }
        let resolutions = requests
            .iter()
            .filter_map(|request| request.architecture.parse::<Architecture>().ok());
        let resolution = resolutions.map(|network| network.resolution).max()?;
        let images = data
            .images
            .map_or(self.probe.batch_size, |images| images.min(self.probe.batch_size));
        Some(ToWorker::Prepare {
            data: DataRequest {
                images: Some(images),
                ..data.clone()
            },
            resolution,
            augmentation: Augmentation::None,
            threads: 1,
        })
    }

    /// Refuses a time in which the networks cannot be measured.
    fn check_time(&self, started: Instant, first: Instant, done: usize, all: usize) -> Result<(), CliError> {
        let Some(time) = self.time else {
            return Ok(());
        };
        let since = done.saturating_sub(1);
        if since < ESTIMATED_FROM * self.workers.max(1) {
            return Ok(());
        }
        let each = first.elapsed().as_secs_f64() / since as f64;
        let spent = started.elapsed().as_secs_f64();
        let needed = spent + each * (all - done) as f64;
        if needed <= time.as_secs_f64() {
            return Ok(());
        }
        let possible = done as f64 + (time.as_secs_f64() - spent).max(0.0) / each;
        let names: Vec<&str> = self.signals.iter().map(|signal| signal.name()).collect();
        Err(CliError::usage(format!(
            "--time {} is too short: {} of {all} networks take about {} on {} worker{}",
            humantime::format_duration(time),
            names.join(" and "),
            units::seconds(needed),
            self.workers,
            if self.workers == 1 { "" } else { "s" },
        ))
        .with_help(format!(
            "allow more time, draw fewer networks (--networks {}), or name cheaper signals (--signals free)",
            (0.8 * possible) as usize
        )))
    }
}
