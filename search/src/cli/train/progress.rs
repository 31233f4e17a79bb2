//! Progress of a training: a bar, and the files that grow with every epoch.

use std::time::{Duration, Instant};

use mnas_engine::training::EpochReport;
use mnas_engine::worker::FromWorker;

use super::files::Companions;
use super::init::description;
use crate::cli::clock::Clock;
use crate::cli::error::CliError;
use crate::report::{Printer, Progress};

/// Shortest time between two drawings of the learning curve: drawing takes longer than the epochs of a small network.
const DRAW_EVERY: Duration = Duration::from_secs(1);

/// Display and files of a training under way.
pub struct TrainingProgress<'a> {
    printer: &'a Printer,
    companions: &'a Companions,
    title: &'a str,
    subtitle: &'a [String],
    bar: Progress,
    epochs: u32,
    /// Reports of the epochs so far, those before an interruption included.
    reports: Vec<EpochReport>,
    clock: Clock,
    drawn: Option<Instant>,
    /// True if a file could not be written: reported once, and again when the training is complete.
    has_warned: bool,
}

impl<'a> TrainingProgress<'a> {
    /// Starts the bar of a training of `epochs`.
    pub fn new(
        printer: &'a Printer,
        companions: &'a Companions,
        (title, subtitle): (&'a str, &'a [String]),
        epochs: u32,
    ) -> Self {
        Self {
            printer,
            companions,
            title,
            subtitle,
            bar: printer.progress(&format!("training {title}"), 1000),
            epochs,
            reports: Vec::new(),
            clock: Clock::default(),
            drawn: None,
            has_warned: false,
        }
    }

    /// Shows and records one message of the worker.
    pub fn update(&mut self, message: FromWorker) {
        match message {
            FromWorker::Progress {
                done,
                epoch,
                loss,
                images_per_second,
                data_wait_share,
            } => {
                let loss = loss.map(|loss| format!(", loss {loss:.3}")).unwrap_or_default();
                let accuracy = self.reports.last().and_then(|report| report.validation);
                let accuracy = accuracy
                    .map(|found| format!(", accuracy {:.1} %", found.top1))
                    .unwrap_or_default();
                let (epochs, left) = (self.epochs, self.clock.left(done));
                let waiting = 100.0 * data_wait_share;
                self.bar.message(&format!(
                    "epoch {epoch}/{epochs}{loss}{accuracy}, {images_per_second:.0} images/s, {waiting:.0} % waiting for data, \
                     {left} left"
                ));
                self.bar.set((1000.0 * done) as u64);
            }
            FromWorker::Inherited(inherited) => self.printer.status(&description(&inherited)),
            FromWorker::Resumed { epochs } => self.reports = epochs,
            FromWorker::Epoch(report) => {
                self.reports.push(*report);
                if let Err(error) = self.write_epoch()
                    && !self.has_warned
                {
                    self.has_warned = true;
                    self.printer.warning(&error.to_string());
                }
            }
            FromWorker::Warning { message } => self.printer.warning(&message),
            _ => {}
        }
    }

    fn write_epoch(&mut self) -> Result<(), CliError> {
        self.companions.write_log(&self.reports)?;
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= DRAW_EVERY) {
            self.companions.write_curve(self.title, self.subtitle, &self.reports)?;
            self.drawn = Some(Instant::now());
        }
        Ok(())
    }

    /// Ends the bar and completes the files.
    pub fn finish(self, seconds: f64, reports: &[EpochReport]) -> Result<(), CliError> {
        self.bar.finish(&format!("{seconds:.0} s of training"));
        self.companions.write_log(reports)?;
        self.companions.write_curve(self.title, self.subtitle, reports)
    }
}
