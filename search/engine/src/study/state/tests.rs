use super::{StudyState, TrialKind, TrialOutcome};
use crate::study::Event;
use crate::worker::TrainResult;

fn proposed(trial: u64, kind: TrialKind, channels: u32) -> Event {
    let architecture = format!("in16,conv_k3_c{channels}_nre,head_o2");
    Event::Proposed {
        trial,
        kind,
        architecture,
        latency_ms: 2.0,
        low_ms: 1.0,
        high_ms: 3.0,
        coverage: 1.0,
        seed: 9,
    }
}

fn candidate(trial: u64) -> Event {
    proposed(trial, TrialKind::Candidate, 8 + trial as u32)
}

fn finished(trial: u64) -> Event {
    let result = TrainResult {
        accuracy: 70.0,
        top5: 90.0,
        train_loss: 1.0,
        seconds: 1.0,
        images_per_second: 1.0,
        data_wait_share: 0.0,
        ..TrainResult::default()
    };
    Event::Finished { trial, result }
}

fn failed(trial: u64) -> Event {
    Event::Failed {
        trial,
        reason: "too hot".to_owned(),
    }
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
        Event::Started { trial: 0, attempt: 1 },
        Event::Started { trial: 1, attempt: 1 },
        candidate(2),
        finished(1),
        Event::Started { trial: 0, attempt: 2 },
        Event::Started { trial: 2, attempt: 1 },
        failed(2),
        Event::Measured {
            trial: 1,
            latency_ms: 2.5,
        },
    ];
    let state = StudyState::replay(&events).unwrap();
    let [reference, first, second] = [0, 1, 2].map(|number| &state.trials[&number]);
    assert!(!reference.is_candidate() && !reference.is_settled() && reference.attempts == 2);
    assert!(first.is_settled() && first.accuracy() == Some(70.0) && first.measured_ms == Some(2.5));
    assert!(second.is_settled() && second.accuracy().is_none());
    assert_eq!(
        second.outcome,
        TrialOutcome::Failed {
            reason: "too hot".to_owned()
        }
    );
    assert_eq!(first.latency_ms, (2.0, 1.0, 3.0));
    assert_eq!(state.candidates().map(|trial| trial.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(state.references().map(|trial| trial.number).collect::<Vec<_>>(), [0]);
    // A reference does not keep its network from being a candidate.
    assert!(state.knows(first.id) && state.knows(second.id) && !state.knows(reference.id));
}

#[test]
fn contradictions_are_named() {
    let problem = |events: &[Event]| StudyState::replay(events).unwrap_err();
    assert_eq!(
        problem(&[candidate(0), candidate(0)]),
        "trial 0 is proposed where trial 1 would be next"
    );
    assert_eq!(
        problem(&[candidate(0), candidate(2)]),
        "trial 2 is proposed where trial 1 would be next"
    );
    assert_eq!(problem(&[candidate(0), finished(1)]), "trial 1 was never proposed");
    assert_eq!(problem(&[failed(0)]), "trial 0 was never proposed");
    assert_eq!(
        problem(&[Event::Started { trial: 3, attempt: 1 }]),
        "trial 3 was never proposed"
    );
    assert_eq!(
        problem(&[Event::Measured {
            trial: 3,
            latency_ms: 1.0
        }]),
        "trial 3 was never proposed"
    );
    assert_eq!(problem(&[candidate(0), finished(0), finished(0)]), "trial 0 ends twice");
    assert_eq!(problem(&[candidate(0), failed(0), finished(0)]), "trial 0 ends twice");
    let mut strange = candidate(0);
    if let Event::Proposed { architecture, .. } = &mut strange {
        "in16,cnv_k3".clone_into(architecture);
    }
    assert!(problem(&[strange]).starts_with("trial 0: architecture "));
}
