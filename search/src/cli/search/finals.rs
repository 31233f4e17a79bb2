//! Finalists of a search: choice, final training and its display.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use mnas_engine::study::{
    Choice, FinalRole, Finalist, FinalsConfig, FinalsEvent, StopReason, Study, TrialKind, choose_finalists,
};
use mnas_engine::worker::Ready;

use super::super::clock::Clock;
use super::super::error::CliError;
use super::automatic;
use super::choices::Choices;
use super::events::EventLog;
use super::workers::start_final_workers;
use crate::report::{Printer, Progress, units};
use crate::study::outcome;

/// Number of finalists of a study; 0 for none.
pub(super) fn count(study: &Study) -> usize {
    config(study).map_or(0, |finals| finals.count)
}

fn config(study: &Study) -> Option<&FinalsConfig> {
    study.config().training()?.finals.as_ref()
}

/// Trains the finalists of a study in full, with the references beside them; false when cancelled. Where the time was planned and the
/// choices say nothing of final trainings, they take as many epochs as the rest of it allows.
pub(super) fn train(
    study: &mut Study,
    choices: &Choices,
    printer: &Printer,
    cancel: &AtomicBool,
    events: &mut EventLog,
) -> Result<bool, CliError> {
    let Some(finals) = config(study).filter(|finals| finals.count > 0).cloned() else {
        return Ok(true);
    };
    let chosen = choose_finalists(study.problem(), study.state().trials(), finals.count);
    let finalists = chosen
        .iter()
        .filter(|choice| choice.role == FinalRole::Finalist)
        .count();
    if finalists == 0 {
        printer.warning("no evaluated network keeps the constraints: there are no finalists");
        return Ok(true);
    }
    if finalists < finals.count {
        printer.warning(&format!(
            "{} finalists are asked for; networks evaluated that keep the constraints: {finalists}, all of which are trained",
            finals.count
        ));
    }
    name_absent_references(study, &chosen, printer);
    let known = study.state().finals();
    let is_settled = |choice: &&Choice| known.of_trial(choice.trial).is_some_and(Finalist::is_settled);
    let settled = chosen.iter().filter(is_settled).count();
    if settled == chosen.len() {
        return Ok(true);
    }
    let planned = automatic::decide_finals(study.config(), study.state(), &chosen);
    let finals = match planned.filter(|_| choices.final_epochs.is_none()) {
        Some(planned) => {
            study.set_finals(planned.clone())?;
            planned
        }
        None => finals,
    };
    let resolutions = chosen
        .iter()
        .map(|choice| &study.state().trials()[choice.trial as usize]);
    let largest = resolutions.map(|trial| trial.architecture.resolution).max();
    let started = start_final_workers(study, &finals, largest.unwrap_or(224), printer, cancel);
    let Some((mut pool, ready)) = started? else {
        return Ok(false);
    };
    check_data(study, &ready, finals.images)?;
    printer.status(&format!(
        "training in full: {finalists} finalist{} and {} reference{} beside {}, recipe {}, {} epochs on {} images, as deployed",
        if finalists == 1 { "" } else { "s" },
        chosen.len() - finalists,
        if chosen.len() - finalists == 1 { "" } else { "s" },
        if finalists == 1 { "it" } else { "them" },
        finals.recipe.name,
        finals.recipe.epochs,
        units::grouped(ready.train as u64)
    ));
    let shown = outcome(study.config(), study.problem(), study.state());
    let labels = shown.rows.iter().map(crate::report::ReportRow::label).collect();
    events.finalists(chosen.iter().map(|choice| choice.trial).collect(), finals.recipe.epochs);
    let mut progress = FinalsProgress::new(printer, labels, settled, chosen.len());
    let stop = study.train_finalists(&chosen, &mut pool, cancel, &mut |event| {
        progress.on_event(event);
        events.on_finals_event(event);
    })?;
    progress
        .bar
        .finish(&format!("{} networks trained in full", progress.settled));
    Ok(stop != StopReason::Cancelled)
}

/// Warns of the published networks without a point that keeps the constraints.
fn name_absent_references(study: &Study, chosen: &[Choice], printer: &Printer) {
    let trials = study.state().trials();
    let mut present: BTreeMap<&str, (&str, bool)> = BTreeMap::new();
    for trial in trials {
        if let TrialKind::Reference { name, title, .. } = &trial.kind {
            let is_chosen = chosen.iter().any(|choice| choice.trial == trial.number);
            present.entry(name).or_insert((title, false)).1 |= is_chosen;
        }
    }
    let absent: Vec<&str> = present
        .values()
        .filter(|(_, is)| !is)
        .map(|(title, _)| *title)
        .collect();
    if !absent.is_empty() {
        printer.status(&format!(
            "not trained in full, since none of their evaluated points keeps the constraints: {}",
            absent.join(", ")
        ));
    }
}

/// Compares the images of the final trainings with those of the trials.
fn check_data(study: &Study, ready: &Ready, images: Option<usize>) -> Result<(), CliError> {
    let (Some(before), Some(training)) = (study.state().data(), study.config().training()) else {
        return Ok(());
    };
    // Images may be stored at another size, so that fingerprints differ; numbers are the same where the same part is taken.
    let has_same_part = images == training.data.images;
    let facts = |ready: &Ready| (ready.classes.clone(), has_same_part.then_some((ready.train, ready.val)));
    if facts(before) == facts(ready) {
        return Ok(());
    }
    Err(mnas_engine::study::StudyError::DataChanged {
        before: before.description.clone(),
        now: ready.description.clone(),
    }
    .into())
}

/// One bar over all final trainings, and a line for each that is settled.
struct FinalsProgress<'a> {
    printer: &'a Printer,
    bar: Progress,
    /// Names of all trials by number.
    labels: Vec<String>,
    settled: usize,
    total: usize,
    /// Shares done of the trainings under way, by finalist, with their trials.
    running: BTreeMap<u64, (u64, f64)>,
    clock: Clock,
}

impl<'a> FinalsProgress<'a> {
    fn new(printer: &'a Printer, labels: Vec<String>, settled: usize, total: usize) -> Self {
        let bar = printer.share("training in full");
        let mut progress = Self {
            printer,
            bar,
            labels,
            settled,
            total,
            running: BTreeMap::new(),
            clock: Clock::default(),
        };
        progress.show();
        progress
    }

    fn on_event(&mut self, event: &FinalsEvent<'_>) {
        match event {
            FinalsEvent::Started { finalist } => {
                self.running.insert(finalist.number, (finalist.trial, 0.0));
            }
            FinalsEvent::Progress { number, done } => {
                if let Some(running) = self.running.get_mut(number) {
                    running.1 = *done;
                }
            }
            FinalsEvent::Settled { finalist } => {
                self.running.remove(&finalist.number);
                self.settled += 1;
                let outcome = match (finalist.test_top1(), finalist.val_top1(), &finalist.outcome) {
                    (Some(test), Some(val), _) => {
                        format!(
                            "{} of the test images, {} of validation",
                            units::percent(test),
                            units::percent(val)
                        )
                    }
                    (None, Some(val), _) => {
                        format!(
                            "{} of the validation images (there is no test split)",
                            units::percent(val)
                        )
                    }
                    (_, None, mnas_engine::study::TrialOutcome::Failed { reason }) => format!("failed: {reason}"),
                    _ => String::new(),
                };
                let name = &self.labels[finalist.trial as usize];
                self.printer
                    .status(&format!("[{}/{}] {name}: {outcome}", self.settled, self.total));
            }
            FinalsEvent::Notice { message } => self.printer.warning(message),
        }
        self.show();
    }

    fn show(&mut self) {
        let under_way: f64 = self.running.values().map(|(_, done)| done).sum();
        let done = self.settled as f64 + under_way;
        let running: Vec<String> = self
            .running
            .values()
            .map(|(trial, done)| format!("{} {:.0} %", self.labels[*trial as usize], 100.0 * done))
            .collect();
        let share = done / self.total as f64;
        let left = self.clock.left(share);
        self.bar.message(&format!(
            "{} of {} done; {}; {left} left",
            self.settled,
            self.total,
            running.join(", ")
        ));
        self.bar.set_share(share);
    }
}
