use super::{Counts, StudyState, TrialKind, TrialOutcome};
use crate::evaluator::{Evaluation, Fidelity};
use crate::problem::Costs;
use crate::study::{Entry, Event};

fn proposed(trial: u64, kind: TrialKind, channels: u32) -> Event {
    let prediction = mnas_latency::Prediction {
        latency: mnas_latency::Milliseconds(2.0),
        low: mnas_latency::Milliseconds(1.0),
        high: mnas_latency::Milliseconds(3.0),
        coverage: 1.0,
    };
    Event::Proposed {
        trial,
        kind,
        architecture: format!("in16,conv_k3_c{channels}_nre,head_o2"),
        costs: Costs {
            latency: vec![prediction],
            params: 1,
            macs: 2,
            peak_activation_bytes: 3,
            file_bytes: 4,
        },
        seed: 9,
        fidelity: Fidelity::Full,
        start_from: None,
    }
}

fn candidate(trial: u64) -> Event {
    proposed(trial, TrialKind::Candidate, 8 + trial as u32)
}

fn started(trial: u64, attempt: u32) -> Event {
    Event::Started { trial, attempt }
}

fn finished(trial: u64) -> Event {
    let result = Evaluation {
        accuracy: 70.0,
        seconds: 1.0,
        training: None,
    };
    let worker = "a".to_owned();
    Event::Finished { trial, result, worker }
}

fn failed(trial: u64) -> Event {
    let (reason, worker) = ("too hot".to_owned(), "b".to_owned());
    Event::Failed { trial, reason, worker }
}

fn measured(trial: u64, device: usize) -> Event {
    Event::Measured {
        trial,
        device,
        latency_ms: 2.5,
    }
}

fn replay(events: &[Event]) -> Result<StudyState, String> {
    let entries = events.iter().zip(100..).map(|(event, at)| Entry {
        at,
        event: event.clone(),
    });
    StudyState::replay(&entries.collect::<Vec<_>>())
}

#[test]
fn a_journal_tells_the_state() {
    let reference = TrialKind::Reference {
        name: "v2".to_owned(),
        title: "V2".to_owned(),
        width: 1.0,
    };
    let events = [
        proposed(0, reference, 8),
        candidate(1),
        started(0, 1),
        started(1, 1),
        candidate(2),
        finished(1),
        started(0, 2),
        started(2, 1),
        failed(2),
        measured(1, 0),
    ];
    let state = replay(&events).unwrap();
    let [reference, first, second] = [0, 1, 2].map(|number| state.trial(number).unwrap());
    assert!(!reference.is_candidate() && !reference.is_settled() && reference.attempts == 2);
    assert!(first.is_settled() && first.accuracy() == Some(70.0) && first.measured_ms == [Some(2.5)]);
    assert_eq!((first.worker.as_str(), second.worker.as_str()), ("a", "b"));
    assert_eq!(
        (first.times.proposed, first.times.started, first.times.settled),
        (101, Some(103), Some(105))
    );
    assert!(second.is_settled() && second.accuracy().is_none());
    let reason = "too hot".to_owned();
    assert_eq!(second.outcome, TrialOutcome::Failed { reason });
    assert_eq!(
        (
            first.costs.latency[0].latency.0,
            first.known_costs().latency[0].latency.0
        ),
        (2.0, 2.5)
    );
    assert_eq!(state.candidates().map(|trial| trial.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(state.references().map(|trial| trial.number).collect::<Vec<_>>(), [0]);
    assert!([reference, first, second].iter().all(|trial| state.knows(trial.id)));
    let counts = Counts {
        imported: 0,
        candidates: 2,
        references: 1,
        promotions: 0,
        settled: 2,
        failed: 1,
    };
    assert_eq!((state.counts(), state.settled_prefix()), (counts, 0));
}

#[test]
fn the_settled_prefix_ends_before_the_first_unsettled_trial() {
    let mut events = vec![candidate(0), candidate(1), candidate(2), finished(1)];
    assert_eq!(replay(&events).unwrap().settled_prefix(), 0);
    events.push(failed(0));
    assert_eq!(replay(&events).unwrap().settled_prefix(), 2);
    events.push(finished(2));
    assert_eq!(replay(&events).unwrap().settled_prefix(), 3);
}

#[test]
fn contradictions_are_named() {
    let problem = |events: &[Event]| replay(events).unwrap_err();
    for second in [0, 2] {
        let error = problem(&[candidate(0), candidate(second)]);
        assert_eq!(error, format!("trial {second} is proposed where trial 1 would be next"));
    }
    assert_eq!(problem(&[candidate(0), finished(1)]), "trial 1 was never proposed");
    for event in [failed(3), started(3, 1), measured(3, 0)] {
        assert_eq!(problem(&[event]), "trial 3 was never proposed");
    }
    assert_eq!(problem(&[candidate(0), finished(0), finished(0)]), "trial 0 ends twice");
    assert_eq!(problem(&[candidate(0), failed(0), finished(0)]), "trial 0 ends twice");
    assert_eq!(
        problem(&[candidate(0), measured(0, 1)]),
        "trial 0 is measured on device 1, which the study lacks"
    );
    let mut strange = candidate(0);
    if let Event::Proposed { architecture, .. } = &mut strange {
        "in16,cnv_k3".clone_into(architecture);
    }
    assert!(problem(&[strange]).starts_with("trial 0: architecture "));
}
