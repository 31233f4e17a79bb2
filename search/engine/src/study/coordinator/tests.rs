use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mnas_space::{Architecture, SearchSpace};

use super::{Coordinator, Ended, Report, SearchEvent, StudyError};
use crate::study::testing::{CLASSES, all_networks, config, latency, small_space};
use crate::study::{Event, Journal, LatencyModel, StudyConfig, StudyFolder, StudyState, TrialOutcome};
use crate::worker::Pool;
use crate::worker::testing::{SCRIPT, command, prepare};

/// A study of a fake device with workers that only speak the protocol.
struct Bed {
    root: tempfile::TempDir,
    space: SearchSpace,
    latency: LatencyModel,
    config: StudyConfig,
    cancel: AtomicBool,
}

impl Bed {
    /// `within` networks of the space meet the budget.
    fn new(within: usize, trials: usize, in_flight: usize) -> Self {
        let root = tempfile::tempdir().unwrap();
        let space = small_space();
        let latency = latency(&space, &root.path().join("table"));
        let budget_ms = all_networks(&space, &latency)[within - 1].0;
        Self {
            root,
            space,
            latency,
            config: config(budget_ms, trials, in_flight),
            cancel: AtomicBool::new(false),
        }
    }

    /// Runs the study in folder `name` from where its journal ends, with workers that follow `script`.
    fn run(
        &self,
        name: &str,
        script: &str,
        deadline: Option<Instant>,
        observer: &mut dyn FnMut(&SearchEvent<'_>),
    ) -> (Result<Report, StudyError>, StudyState) {
        let root = self.root.path().join(name);
        let folder = if root.exists() {
            None
        } else {
            Some(StudyFolder::create(&root).unwrap())
        };
        std::fs::write(root.join("study.toml"), self.config.to_toml()).unwrap();
        let folder = folder.unwrap_or_else(|| StudyFolder::open(&root).unwrap());
        let (mut journal, events) = Journal::open(&folder.journal()).unwrap();
        let mut state = StudyState::replay(&events).unwrap();
        let mut pool = Pool::new(command(self.root.path(), script), prepare(), &folder.logs());
        pool.grow(self.config.in_flight.min(2)).unwrap();
        let coordinator = Coordinator {
            config: &self.config,
            space: &self.space,
            folder: &folder,
            latency: &self.latency,
            classes: CLASSES,
            deadline,
            cancel: &self.cancel,
        };
        let report = coordinator.run(&mut journal, &mut state, &mut pool, &mut |event| observer(&event));
        (report, state)
    }

    fn journal(&self, name: &str) -> Vec<Event> {
        Journal::read(&self.root.path().join(name).join("trials.jsonl")).unwrap()
    }
}

fn networks(state: &StudyState) -> Vec<Architecture> {
    state.candidates().map(|trial| trial.architecture.clone()).collect()
}

#[test]
fn a_study_runs_to_its_end_and_its_journal_tells_all() {
    let bed = Bed::new(200, 8, 2);
    let mut settled = Vec::new();
    let mut note = |event: &SearchEvent<'_>| {
        if let SearchEvent::Settled {
            settled: count, total, ..
        } = event
        {
            settled.push((*count, *total));
        }
    };
    let (report, state) = bed.run("one", SCRIPT, None, &mut note);
    assert_eq!(
        report.unwrap(),
        Report {
            ended: Ended::Complete,
            settled: 8
        }
    );
    assert_eq!(settled, (1..=8).map(|count| (count, 8)).collect::<Vec<_>>());
    for trial in state.trials.values() {
        assert_eq!(trial.accuracy(), Some(50.0 + trial.number as f64));
        assert_eq!(trial.attempts, 1);
    }
    let replayed = StudyState::replay(&bed.journal("one")).unwrap();
    assert_eq!(replayed.trials, state.trials);
    // Nothing is left to do when it is run again.
    let (report, _) = bed.run("one", SCRIPT, None, &mut |_| ());
    assert_eq!(
        report.unwrap(),
        Report {
            ended: Ended::Complete,
            settled: 0
        }
    );
}

#[test]
fn an_interrupted_study_goes_on_to_the_same_networks() {
    let bed = Bed::new(200, 10, 2);
    let (report, whole) = bed.run("whole", SCRIPT, None, &mut |_| ());
    report.unwrap();
    let mut runs = 0;
    loop {
        runs += 1;
        bed.cancel.store(false, Ordering::Relaxed);
        let mut settled = 0;
        let mut stop_soon = |event: &SearchEvent<'_>| {
            settled += usize::from(matches!(event, SearchEvent::Settled { .. }));
            bed.cancel.store(settled == 3, Ordering::Relaxed);
        };
        let (report, state) = bed.run("parts", SCRIPT, None, &mut stop_soon);
        match report.unwrap().ended {
            Ended::Interrupted => continue,
            Ended::Complete => assert!(networks(&state) == networks(&whole)),
            other => panic!("{other:?}"),
        }
        break;
    }
    assert!(runs >= 3, "{runs}");
}

#[test]
fn a_training_that_kills_its_workers_fails_alone() {
    let bed = Bed::new(200, 5, 2);
    let script = SCRIPT.replace("    92)", "    2 | 92)");
    let mut deaths = 0;
    let (report, state) = bed.run("deaths", &script, None, &mut |event| {
        deaths += usize::from(matches!(event, SearchEvent::WorkerDied { .. }));
    });
    assert_eq!(report.unwrap().ended, Ended::Complete);
    assert_eq!((deaths, state.trials[&2].attempts), (3, 3));
    let TrialOutcome::Failed { reason } = &state.trials[&2].outcome else {
        panic!("trial 2 has a result")
    };
    assert!(
        reason.contains("3 times") && reason.contains("out of memory"),
        "{reason}"
    );
    assert!(
        [0, 1, 3, 4]
            .iter()
            .all(|number| state.trials[number].accuracy().is_some())
    );
}

#[test]
fn a_failed_training_is_noted_with_its_reason() {
    let bed = Bed::new(200, 3, 1);
    let script = SCRIPT.replace(
        "    94)",
        "    1) echo '{\"failed\":{\"trial\":1,\"reason\":\"too hot\"}}' ;;\n    94)",
    );
    let (report, state) = bed.run("failed", &script, None, &mut |_| ());
    assert_eq!(
        report.unwrap(),
        Report {
            ended: Ended::Complete,
            settled: 3
        }
    );
    assert_eq!(
        state.trials[&1].outcome,
        TrialOutcome::Failed {
            reason: "too hot".to_owned()
        }
    );
}

#[test]
fn a_space_that_has_no_more_networks_ends_the_study() {
    let bed = Bed::new(4, 20, 2);
    let (report, state) = bed.run("few", SCRIPT, None, &mut |_| ());
    assert_eq!(
        report.unwrap(),
        Report {
            ended: Ended::Exhausted,
            settled: 4
        }
    );
    assert_eq!(state.trials.len(), 4);
}

#[test]
fn no_trial_begins_after_the_deadline() {
    let bed = Bed::new(200, 20, 2);
    let (report, state) = bed.run("late", SCRIPT, Some(Instant::now()), &mut |_| ());
    assert_eq!(
        report.unwrap(),
        Report {
            ended: Ended::Time,
            settled: 0
        }
    );
    assert!(state.trials.is_empty());
    // One that has begun is brought to its end.
    let slow = SCRIPT.replace("result \"$trial\" \"$((", "sleep 0.4; result \"$trial\" \"$((");
    let deadline = Instant::now() + Duration::from_millis(300);
    let (report, state) = bed.run("late", &slow, Some(deadline), &mut |_| ());
    assert_eq!(report.unwrap().ended, Ended::Time);
    assert!(state.trials.len() < 20 && state.trials.values().all(super::super::Trial::is_settled));
}

#[test]
fn workers_that_cannot_work_end_the_study_with_their_reason() {
    let bed = Bed::new(200, 3, 1);
    let refuse = "read line; echo '{\"refused\":{\"reason\":\"no images there\"}}'";
    let (report, _) = bed.run("refused", refuse, None, &mut |_| ());
    assert!(matches!(report, Err(StudyError::Data { reason }) if reason == "no images there"));
    let (report, state) = bed.run(
        "dead",
        "read line; echo 'cannot load libtorch' >&2; exit 127",
        None,
        &mut |_| (),
    );
    let Err(StudyError::Workers { reason, .. }) = report else {
        panic!("{report:?}")
    };
    assert!(
        reason.contains("127") && reason.contains("cannot load libtorch"),
        "{reason}"
    );
    assert!(state.trials.is_empty());
}
