//! A training that is watched and may be interrupted.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::files::Companions;
use crate::cli::error::CliError;
use crate::report::Printer;
use mnas_train::{Network, Progress, TrainError, TrainPlan, Trained, train};

/// Trains with a bar that shows epoch, loss, accuracy, images per second and what time is left; the log grows by a line an epoch.
pub fn train_with_bar(
    network: &Network,
    plan: &TrainPlan<'_>,
    name: &str,
    companions: &Companions,
    cancel: &AtomicBool,
    printer: &Printer,
) -> Result<Trained, CliError> {
    let bar = printer.progress(&format!("training {name}"), 1000);
    let epochs = plan.recipe.epochs;
    let mut clock = Clock::new();
    let mut accuracy = String::new();
    let outcome = train(network, plan, &mut |progress| {
        match progress {
            Progress::Step {
                done,
                epoch,
                loss,
                images_per_second,
                data_wait_share,
            } => {
                let loss = loss.map(|loss| format!(", loss {loss:.3}")).unwrap_or_default();
                let left = clock.left(done);
                let waiting = 100.0 * data_wait_share;
                bar.message(&format!(
                    "epoch {epoch}/{epochs}{loss}{accuracy}, {images_per_second:.0} images/s, {waiting:.0} % waiting for data, \
                     {left} left"
                ));
                bar.set((1000.0 * done) as u64);
            }
            Progress::Epoch(report) => {
                if let Some(found) = report.evaluation {
                    accuracy = format!(", accuracy {:.1} %", found.top1);
                }
            }
        }
        if cancel.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let trained = outcome.map_err(|error| match error {
        TrainError::Interrupted { epoch } => CliError::interrupted(format!(
            "interrupted in epoch {epoch}; everything is saved, go on with the same command and --resume"
        )),
        error => {
            let saved = companions.checkpoint.exists();
            let error = CliError::from(error);
            if saved {
                error.with_help(format!(
                    "{} is from before; --resume goes on from it",
                    companions.checkpoint.display()
                ))
            } else {
                error
            }
        }
    })?;
    bar.finish(&format!("{:.0} s of training", trained.seconds));
    Ok(trained)
}

/// Tells from the share done since the start how long the rest takes; a resumed training begins with a share of its own.
struct Clock {
    begin: Option<(f64, Instant)>,
}

impl Clock {
    fn new() -> Self {
        Self { begin: None }
    }

    fn left(&mut self, done: f64) -> String {
        let (start, begin) = *self.begin.get_or_insert((done, Instant::now()));
        let gained = done - start;
        if gained <= 0.0 {
            return "unknown time".to_owned();
        }
        let seconds = begin.elapsed().as_secs_f64() / gained * (1.0 - done).max(0.0);
        humantime::format_duration(Duration::from_secs(seconds.round() as u64)).to_string()
    }
}
