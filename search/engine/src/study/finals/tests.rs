use super::{Choice, FinalEvent, FinalRole, Finals, Int8Latency, Int8Result};
use crate::evaluator::Evaluation;
use crate::training::{Accuracy, Split};
use crate::worker::TrainResult;

fn chosen(number: u64, trial: u64) -> FinalEvent {
    FinalEvent::Chosen {
        number,
        trial,
        role: FinalRole::Finalist,
        seed: 1,
    }
}

fn finished(number: u64, top1: f64) -> FinalEvent {
    let test = Accuracy {
        top1,
        top5: 99.0,
        loss: 1.0,
        images: 100,
    };
    let training = TrainResult {
        test: Some(test),
        ..TrainResult::default()
    };
    let result = Evaluation {
        accuracy: top1 + 1.0,
        seconds: 2.0,
        training: Some(training),
    };
    let worker = "local/0".to_owned();
    FinalEvent::Finished { number, result, worker }
}

fn failed(number: u64) -> FinalEvent {
    let (reason, worker) = ("diverged".to_owned(), String::new());
    FinalEvent::Failed { number, reason, worker }
}

fn replay(events: &[FinalEvent]) -> Result<Finals, String> {
    let mut finals = Finals::default();
    for (event, at) in events.iter().zip(1..) {
        finals.apply(event, at)?;
    }
    Ok(finals)
}

#[test]
fn events_of_final_trainings_tell_the_state() {
    let started = FinalEvent::Started { number: 0, attempt: 2 };
    let finals = replay(&[
        chosen(0, 7),
        chosen(1, 3),
        chosen(2, 5),
        started,
        finished(0, 80.0),
        failed(2),
    ])
    .unwrap();
    assert_eq!(finals.all().len(), 3);
    let best = finals.of_trial(7).unwrap();
    assert_eq!((best.val_top1(), best.test_top1()), (Some(81.0), Some(80.0)));
    assert_eq!((best.attempts, best.times.settled), (2, Some(5)));
    let role = FinalRole::Finalist;
    let choice = [7, 3, 5, 9].map(|trial| Choice { trial, role });
    let waiting: Vec<u64> = finals.unsettled(&choice).map(|finalist| finalist.trial).collect();
    assert_eq!(waiting, [3]);
    // Written as JSON and read again, an event is the same.
    let event = finished(1, 79.5);
    let text = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<FinalEvent>(&text).unwrap(), event);
}

fn int8(number: u64, latency: Option<Int8Latency>) -> FinalEvent {
    let result = Int8Result {
        top1: 79.0,
        split: Split::Test,
        images: 100,
        runtime: "litert 2.3.0, 1 thread".to_owned(),
        latency,
    };
    FinalEvent::Int8 { number, result }
}

#[test]
fn evaluations_in_int8_belong_to_trained_finalists() {
    let latency = Some(Int8Latency {
        int8_ms: 0.5,
        fp32_ms: 0.75,
    });
    let trained = [chosen(0, 7), finished(0, 80.0)];
    let finals = replay(&[&trained[..], &[int8(0, None), int8(0, latency)]].concat()).unwrap();
    assert_eq!(finals.all()[0].int8.as_ref().unwrap().latency, latency);
    for event in [int8(0, None), int8(0, latency)] {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<FinalEvent>(&text).unwrap(), event);
        assert!(
            replay(&[chosen(0, 7), failed(0), event])
                .unwrap_err()
                .contains("no result")
        );
    }
}

#[test]
fn contradictions_are_named() {
    let refused = |events: &[FinalEvent]| replay(events).unwrap_err();
    assert!(refused(&[chosen(1, 0)]).contains("finalist 0 would be next"));
    assert!(refused(&[failed(0)]).contains("never chosen"));
    assert!(refused(&[chosen(0, 0), failed(0), finished(0, 1.0)]).contains("ends twice"));
}
