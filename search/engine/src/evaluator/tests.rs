//! The contract of every evaluator.

use std::time::{Duration, Instant};

use super::*;

/// A network that the evaluators under test know by its number of channels.
pub(crate) fn request(trial: u64) -> TrialRequest {
    TrialRequest {
        trial,
        architecture: format!("in16,conv_k3_c{}_nre,head_o2", 8 * (trial + 1))
            .parse()
            .unwrap(),
        fidelity: Fidelity::Full,
        seed: trial,
        weights: None,
        checkpoint: None,
    }
}

/// Evaluates trials 0 to 5, of which trial 3 fails, and checks what every evaluator promises.
pub(crate) fn keeps_the_contract(evaluator: &mut dyn Evaluator) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut waiting: Vec<u64> = (0..6).rev().collect();
    let mut settled = Vec::new();
    while settled.len() < 6 {
        assert!(Instant::now() < deadline, "no news for too long; settled: {settled:?}");
        while evaluator.free_slots() > 0
            && let Some(trial) = waiting.pop()
        {
            let before = evaluator.free_slots();
            evaluator.submit(request(trial)).unwrap();
            assert!(evaluator.free_slots() < before);
        }
        match evaluator.next_event(Duration::from_millis(50)).unwrap() {
            Some(EvaluatorEvent::Finished {
                trial,
                evaluation,
                worker,
            }) => {
                assert!(trial != 3 && !worker.is_empty());
                assert_eq!(evaluation.accuracy, 50.0 + trial as f64);
                settled.push(trial);
            }
            Some(EvaluatorEvent::Failed { trial, reason, .. }) => {
                assert!(trial == 3 && !reason.is_empty(), "trial {trial}: {reason}");
                settled.push(trial);
            }
            Some(EvaluatorEvent::Progress { trial, done }) => {
                assert!(!settled.contains(&trial) && (0.0..=1.0).contains(&done));
            }
            Some(EvaluatorEvent::Notice { .. }) | None => {}
            Some(EvaluatorEvent::Lost { trial, reason }) => panic!("trial {trial} is lost: {reason}"),
        }
    }
    settled.sort_unstable();
    assert_eq!(settled, [0, 1, 2, 3, 4, 5]);
    assert!(evaluator.free_slots() > 0);
    assert_eq!(evaluator.next_event(Duration::ZERO).unwrap(), None);
}

#[test]
fn a_function_keeps_the_contract() {
    keeps_the_contract(&mut FunctionEvaluator::new(|request: &TrialRequest| {
        match request.trial {
            3 => Err("too hot".to_owned()),
            trial => Ok(50.0 + trial as f64),
        }
    }));
}

/// A table of the networks of trials 0, 1, 2, 4 and 5.
fn table(folder: &std::path::Path) -> PathBuf {
    let path = folder.join("table.csv");
    let mut text = "name,accuracy,architecture\n".to_owned();
    for trial in [0, 1, 2, 4, 5] {
        text += &format!("n{trial},{},\"{}\"\n", 50 + trial, request(trial).architecture);
    }
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_recorded_table_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let table = RecordedTable::read(&table(folder.path())).unwrap();
    assert_eq!((table.len(), table.classes(), table.best()), (5, 2, 55.0));
    keeps_the_contract(&mut table.evaluator());
}

#[test]
fn a_network_is_found_whatever_its_encoding_and_the_mean_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twice.csv");
    let text = "architecture,accuracy\n\"in16,conv_k3_c8_nre,head_o2\",50\n\"in16,conv_k3_c8_nre,id_c8,head_o2\",60\n";
    std::fs::write(&path, text).unwrap();
    let table = RecordedTable::read(&path).unwrap();
    assert_eq!((table.len(), table.accuracy(&request(0).architecture)), (1, Some(55.0)));
}

#[test]
fn unusable_tables_are_named_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    let refused = |text: &str| {
        std::fs::write(&path, text).unwrap();
        RecordedTable::read(&path).unwrap_err().to_string()
    };
    let network = "\"in16,conv_k3_c8_nre,head_o2\"";
    for (text, parts) in [
        ("", vec!["no column `architecture`"]),
        ("architecture,top1\n", vec!["no column `accuracy`"]),
        ("architecture,accuracy\n", vec!["no rows"]),
        ("architecture,accuracy\ncnv,50\n", vec!["line 2", "architecture"]),
        (
            &format!("architecture,accuracy\n{network},much\n"),
            vec!["line 2", "`much`"],
        ),
        (
            &format!("architecture,accuracy\n{network},101\n"),
            vec!["line 2", "101", "percentage"],
        ),
        (
            &format!("architecture,accuracy\n{network},50\n\"in16,conv_k3_c8_nre,head_o3\",50\n"),
            vec!["line 3", "3 classes"],
        ),
        ("{\"2221222\": {\"mean_acc\": 90}}", vec!["`2221222`", "eight digits"]),
        ("{\"22212220\": 90}", vec!["table.csv"]),
    ] {
        let error = refused(text);
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    let missing = RecordedTable::read(&folder.path().join("none.csv"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("none.csv"), "{missing}");
}

#[test]
fn the_json_of_nas_bench_macro_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("macro.json");
    std::fs::write(
        &path,
        "{\"22212220\": {\"mean_acc\": 93.127}, \"00000000\": {\"mean_acc\": 60.5}}",
    )
    .unwrap();
    let table = RecordedTable::read(&path).unwrap();
    assert_eq!((table.len(), table.classes(), table.best()), (2, 10, 93.127));
}
