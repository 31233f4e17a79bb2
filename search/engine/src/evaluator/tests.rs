//! The contract of every evaluator.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::*;

/// Request for a trial; evaluators under test identify its network by the number of channels.
pub(crate) fn request(trial: u64) -> TrialRequest {
    TrialRequest {
        trial,
        architecture: format!("in16,conv_k3_c{}_nre,head_o2", 8 * (trial + 1))
            .parse()
            .unwrap(),
        fidelity: Fidelity::Full,
        start_from: None,
        seed: trial,
        weights: None,
        checkpoint: None,
    }
}

/// Evaluates trials 0 to 5, where trial 3 fails, and checks the contract of every evaluator.
pub(crate) fn keeps_the_contract(evaluator: &mut dyn Evaluator) {
    let deadline = Instant::now() + Duration::from_mins(1);
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
                assert!((evaluation.accuracy - 50.0 - trial as f64).abs() < 1e-12);
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
        writeln!(text, "n{trial},{},\"{}\"", 50 + trial, request(trial).architecture).unwrap();
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

/// Worker processes that answer by a shell script.
#[cfg(unix)]
mod workers {
    use std::path::Path;

    use mnas_latency::pipe::{CommandLine, ReconnectPolicy};

    use super::*;
    use crate::evaluator::{WorkerPool, WorkerSetup};
    use crate::training::{Augmentation, DataRequest, OnCorrupt, Proxy, Recipe};
    use crate::worker::{PROTOCOL, ToWorker};

    /// A worker whose accuracy is 49 plus an eighth of the channels of the network, and whose trial with 32 channels fails.
    /// `@READY@` and `@TRAIN@` are placeholders for its commands on loading images and before a training.
    const SCRIPT: &str = r#"
reply() { echo "{\"id\":$1,\"reply\":$2}"; }
ready() { reply "$1" "{\"ready\":{\"name\":\"fake\",\"description\":\"$2 images\",\"classes\":[\"a\",\"b\"],\"train\":8,\"val\":4,\"size\":16,\"demo\":true,\"skipped\":[],\"fingerprint\":\"$2\"}}"; }
while read -r line; do
    id=${line#*\"id\":}
    id=${id%%,*}
    case $line in
    *'"hello"'*)
        echo 'Welcome to the cluster!'
        echo '{"id":1,"hello":{"protocol":"mnas-worker","version":@VERSION@,"program":"test","host":{"cpu":"none","cores":1}}}' ;;
    *'"prepare"'*)
        @READY@ ;;
    *'"train"'*)
        channels=${line#*_c}
        channels=${channels%%_*}
        @TRAIN@
        echo "{\"id\":$id,\"progress\":{\"progress\":{\"done\":0.5}}}"
        if [ "$channels" = 32 ]; then
            reply "$id" '{"failed":{"reason":"too hot"}}'
        else
            reply "$id" "{\"done\":{\"accuracy\":$((49 + channels / 8)).0,\"top5\":99.0,\"train-loss\":0.5,\"seconds\":1.0,\"images-per-second\":8.0}}"
        fi ;;
    esac
done
"#;

    const LOAD: &str = "echo \"{\\\"id\\\":$id,\\\"progress\\\":{\\\"loading\\\":{\\\"done\\\":4,\\\"total\\\":12}}}\"; ready \"$id\" same";

    fn command(folder: &Path, name: &str, ready: &str, train: &str) -> CommandLine {
        let path = folder.join(name);
        let host = serde_json::to_string(&mnas_latency::HostFacts::gather()).unwrap();
        let script = SCRIPT
            .replace("{\"cpu\":\"none\",\"cores\":1}", &host)
            .replace("@VERSION@", &PROTOCOL.version.to_string())
            .replace("@READY@", ready)
            .replace("@TRAIN@", train);
        std::fs::write(&path, script).unwrap();
        CommandLine::new(["sh".to_owned(), path.display().to_string()]).unwrap()
    }

    fn pool(folder: &Path) -> WorkerPool {
        let setup = WorkerSetup {
            prepare: ToWorker::Prepare {
                data: DataRequest {
                    path: "demo".into(),
                    images: None,
                    val_fraction: 0.1,
                    on_corrupt: OnCorrupt::Refuse,
                    seed: 0,
                    memory_mb: None,
                },
                resolution: 16,
                augmentation: Augmentation::None,
                threads: 1,
            },
            proxy: Proxy::DIRECT,
            recipe: Recipe::plain("test", 1, 16, 1.6),
            parent: None,
            test: false,
        };
        let policy = ReconnectPolicy {
            first_pause: Duration::from_millis(10),
            ..ReconnectPolicy::default()
        };
        WorkerPool::new(setup, &folder.join("logs")).with_policy(policy)
    }

    /// Evaluates trials 0 to 5 with repetition of those that are lost; notices and the number of losses.
    fn evaluate_all(pool: &mut WorkerPool) -> (Vec<String>, usize) {
        let deadline = Instant::now() + Duration::from_mins(1);
        let (mut waiting, mut settled): (Vec<u64>, usize) = ((0..6).collect(), 0);
        let (mut notices, mut lost) = (Vec::new(), 0);
        while settled < 6 {
            assert!(Instant::now() < deadline, "{notices:?}");
            while pool.free_slots() > 0
                && let Some(trial) = waiting.pop()
            {
                pool.submit(request(trial)).unwrap();
            }
            match pool.next_event(Duration::from_millis(50)).unwrap() {
                Some(EvaluatorEvent::Finished { .. } | EvaluatorEvent::Failed { .. }) => settled += 1,
                Some(EvaluatorEvent::Lost { trial, .. }) => {
                    lost += 1;
                    waiting.push(trial);
                }
                Some(EvaluatorEvent::Notice { message }) => notices.push(message),
                Some(EvaluatorEvent::Progress { .. }) | None => {}
            }
        }
        (notices, lost)
    }

    #[test]
    fn worker_processes_keep_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let mut pool = pool(folder.path());
        pool.start("local", command(folder.path(), "a", LOAD, ":")).unwrap();
        let ready = pool.wait_for_data(&mut |_, _| true).unwrap().unwrap();
        assert_eq!(ready.description, "same images");
        pool.start("local", command(folder.path(), "b", LOAD, ":")).unwrap();
        keeps_the_contract(&mut pool);
    }

    #[test]
    fn a_worker_that_dies_costs_its_trial_one_attempt_and_is_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut pool = pool(folder.path());
        let die_once = "[ -e \"$0.died\" ] || { : >\"$0.died\"; echo 'out of memory' >&2; exit 7; }";
        pool.start("local", command(folder.path(), "a", LOAD, die_once))
            .unwrap();
        let (notices, lost) = evaluate_all(&mut pool);
        assert_eq!(lost, 1);
        assert!(
            notices.iter().any(|notice| notice.contains("out of memory")),
            "{notices:?}"
        );
        let log = std::fs::read_to_string(folder.path().join("logs/worker-0.log")).unwrap();
        assert!(log.contains("out of memory"), "{log}");
    }

    #[test]
    fn a_worker_that_cannot_work_is_given_up_while_another_lives() {
        let folder = tempfile::tempdir().unwrap();
        let mut pool = pool(folder.path());
        pool.start("good", command(folder.path(), "a", LOAD, ":")).unwrap();
        pool.start("dead", command(folder.path(), "b", "exit 255", ":"))
            .unwrap();
        pool.start(
            "other",
            command(folder.path(), "c", "ready \"$id\" different", "sleep 0.05"),
        )
        .unwrap();
        let refuse = "reply \"$id\" '{\"refused\":{\"reason\":\"no images there\"}}'";
        pool.start("blind", command(folder.path(), "d", refuse, ":")).unwrap();
        let (mut notices, lost) = evaluate_all(&mut pool);
        assert_eq!(lost, 0);
        let deadline = Instant::now() + Duration::from_secs(30);
        while pool.alive() > 1 && Instant::now() < deadline {
            if let Some(EvaluatorEvent::Notice { message }) = pool.next_event(Duration::from_millis(20)).unwrap() {
                notices.push(message);
            }
        }
        let given_up: Vec<&String> = notices.iter().filter(|notice| notice.contains("is given up")).collect();
        assert_eq!(given_up.len(), 3, "{notices:#?}");
        for part in ["255", "images differ", "no images there"] {
            assert!(
                given_up.iter().any(|notice| notice.contains(part)),
                "{part}: {given_up:#?}"
            );
        }
    }

    #[test]
    fn the_loss_of_every_worker_is_an_error_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let mut dead = pool(folder.path());
        let fail = "echo 'cannot load libtorch' >&2; exit 127";
        dead.start("local", command(folder.path(), "a", fail, ":")).unwrap();
        let error = dead.wait_for_data(&mut |_, _| true).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, EvaluatorError::NoWorkers { .. }));
        assert!(
            text.contains("127") && text.contains("cannot load libtorch") && text.contains("logs"),
            "{text}"
        );
        let mut blind = pool(folder.path());
        let refuse = "reply \"$id\" '{\"refused\":{\"reason\":\"no images there\"}}'";
        blind.start("local", command(folder.path(), "b", refuse, ":")).unwrap();
        let error = blind.wait_for_data(&mut |_, _| true).unwrap_err();
        assert!(matches!(error, EvaluatorError::Data { reason } if reason == "no images there"));
        let mut absent = pool(folder.path());
        absent
            .start("local", CommandLine::new(["./no-such-program"]).unwrap())
            .unwrap();
        let text = absent.wait_for_data(&mut |_, _| true).unwrap_err().to_string();
        assert!(text.contains("no-such-program"), "{text}");
    }

    #[test]
    fn results_that_cannot_be_saved_are_an_error_and_waiting_can_be_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut pool = pool(folder.path());
        let unsaved = "reply \"$id\" '{\"unsaved\":{\"reason\":\"disk full\"}}'; continue";
        pool.start("local", command(folder.path(), "a", LOAD, unsaved)).unwrap();
        pool.wait_for_data(&mut |_, _| true).unwrap().unwrap();
        pool.submit(request(0)).unwrap();
        let error = loop {
            match pool.next_event(Duration::from_millis(50)) {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("trial 0") && error.to_string().contains("disk full"));
        let mut slow = self::pool(folder.path());
        slow.start("local", command(folder.path(), "b", "sleep 60", ":"))
            .unwrap();
        assert_eq!(slow.wait_for_data(&mut |_, _| false).unwrap(), None);
    }
}
