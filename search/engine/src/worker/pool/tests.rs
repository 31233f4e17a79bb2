use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Pool, PoolError, PoolEvent, State, WorkerCommand};
use crate::worker::testing::{SCRIPT, command, prepare, request};
use crate::worker::{FromWorker, TrainResult};

const LONG: Duration = Duration::from_secs(20);

/// A pool of workers that follow a script in a folder of their own.
fn pool(script: &str) -> (Pool, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let command = command(folder.path(), script);
    (Pool::new(command, prepare(), &folder.path().join("logs")), folder)
}

fn ready(pool: &mut Pool) -> usize {
    match pool.next(LONG) {
        Some(PoolEvent::Ready { worker, ready }) => {
            assert_eq!((ready.name.as_str(), ready.train), ("fake", 8));
            worker
        }
        other => panic!("{other:?}"),
    }
}

fn accuracy(event: Option<PoolEvent>) -> (u64, f64) {
    match event {
        Some(PoolEvent::Trial(FromWorker::Done {
            trial,
            result: TrainResult { accuracy, .. },
        })) => (trial, accuracy),
        other => panic!("{other:?}"),
    }
}

fn death(event: Option<PoolEvent>) -> (usize, Option<u64>, String) {
    match event {
        Some(PoolEvent::Died { worker, trial, reason }) => (worker, trial, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn trainings_go_to_free_workers_and_come_back() {
    let (mut pool, _folder) = pool(SCRIPT);
    assert!(!pool.assign(request(0)) && pool.is_idle() && pool.alive() == 0);
    pool.grow(2).unwrap();
    assert_eq!(pool.alive(), 2);
    // A worker that loads has no time for a training.
    assert!(!pool.has_free() && !pool.assign(request(0)));
    let mut workers = [ready(&mut pool), ready(&mut pool)];
    workers.sort_unstable();
    assert_eq!(workers, [0, 1]);
    assert!(pool.assign(request(10)) && pool.assign(request(11)));
    assert!(!pool.has_free() && !pool.is_idle() && !pool.assign(request(12)));
    let mut results = [accuracy(pool.next(LONG)), accuracy(pool.next(LONG))];
    results.sort_by_key(|(trial, _)| *trial);
    assert_eq!(results, [(10, 60.0), (11, 61.0)]);
    assert!(pool.is_idle() && pool.assign(request(12)));
    assert_eq!(accuracy(pool.next(LONG)), (12, 62.0));
    // Growing to what is there does nothing.
    pool.grow(2).unwrap();
    assert!(pool.next(Duration::from_millis(20)).is_none());
}

#[test]
fn progress_and_failure_are_told() {
    let (mut pool, _folder) = pool(SCRIPT);
    pool.grow(1).unwrap();
    ready(&mut pool);
    assert!(pool.assign(request(91)));
    let Some(PoolEvent::Trial(FromWorker::Progress { trial: 91, done })) = pool.next(LONG) else {
        panic!("no progress")
    };
    assert!((done - 0.5).abs() < 1e-12);
    let Some(PoolEvent::Trial(FromWorker::Failed { trial: 91, reason })) = pool.next(LONG) else {
        panic!("no failure")
    };
    assert_eq!(reason, "too hot");
    assert!(pool.has_free());
}

#[test]
fn a_death_names_the_training_the_status_and_the_last_words() {
    let (mut pool, folder) = pool(SCRIPT);
    pool.grow(1).unwrap();
    ready(&mut pool);
    assert!(pool.assign(request(92)));
    let (worker, trial, reason) = death(pool.next(LONG));
    assert_eq!((worker, trial), (0, Some(92)));
    assert!(
        reason.contains('7') && reason.ends_with("out of memory \u{fffd}"),
        "{reason}"
    );
    assert!(pool.alive() == 0 && pool.is_idle() && !pool.has_free() && !pool.assign(request(1)));
    let log = std::fs::read(folder.path().join("logs/worker-0.log")).unwrap();
    assert!(log.starts_with(b"first words\n"));

    pool.restart(0).unwrap();
    assert_eq!(pool.alive(), 1);
    ready(&mut pool);
    assert!(pool.assign(request(92)));
    assert_eq!(death(pool.next(LONG)).1, Some(92));
    pool.restart(0).unwrap();
    ready(&mut pool);
    assert!(pool.assign(request(10)));
    assert_eq!(accuracy(pool.next(LONG)), (10, 60.0));
}

#[test]
fn a_worker_that_says_nothing_before_its_death_leaves_its_status() {
    let (mut pool, _folder) = pool("read line; exit 3");
    pool.grow(1).unwrap();
    let (worker, trial, reason) = death(pool.next(LONG));
    assert_eq!((worker, trial), (0, None));
    assert!(reason.contains('3'), "{reason}");
}

#[test]
fn a_worker_that_closes_its_output_is_ended() {
    let (mut pool, _folder) = pool("read line; exec >&-; while :; do read more || sleep 1; done");
    pool.grow(1).unwrap();
    let began = Instant::now();
    death(pool.next(LONG));
    assert!(began.elapsed() < LONG / 2 && pool.alive() == 0);
}

#[test]
fn a_worker_that_refuses_says_why() {
    let (mut pool, _folder) = pool("read line; echo '{\"refused\":{\"reason\":\"no images\"}}'");
    pool.grow(1).unwrap();
    assert!(matches!(pool.next(LONG), Some(PoolEvent::Refused { reason }) if reason == "no images"));
    death(pool.next(LONG));
}

#[test]
fn garbage_and_answers_out_of_turn_are_passed_over() {
    let (mut pool, _folder) = pool(SCRIPT);
    pool.grow(1).unwrap();
    ready(&mut pool);
    assert!(pool.assign(request(93)));
    // Text, bytes that are no text, other JSON, another training's result: then the answer, twice.
    assert_eq!(accuracy(pool.next(LONG)), (93, 12.5));
    assert!(pool.has_free());
    assert!(pool.next(Duration::from_millis(100)).is_none());
    assert!(pool.assign(request(10)));
    assert_eq!(accuracy(pool.next(LONG)), (10, 60.0));
}

#[test]
fn the_dead_do_not_speak() {
    let (mut pool, _folder) = pool(SCRIPT);
    pool.grow(1).unwrap();
    ready(&mut pool);
    assert!(pool.assign(request(92)));
    death(pool.next(LONG));
    pool.restart(0).unwrap();
    ready(&mut pool);
    assert!(pool.assign(request(94)));
    // Lines that the first worker wrote are read late: a result of the same training, and its end.
    let late = "{\"failed\":{\"trial\":94,\"reason\":\"late\"}}".to_owned();
    pool.sender.send((0, 0, Some(late))).unwrap();
    pool.sender.send((0, 0, None)).unwrap();
    assert!(pool.next(Duration::from_millis(100)).is_none());
    assert_eq!(pool.workers[0].state, State::Busy(94));
}

#[test]
fn a_program_that_does_not_start_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let command = WorkerCommand {
        program: "no/such/program".into(),
        arguments: Vec::new(),
    };
    let mut pool = Pool::new(command, prepare(), folder.path());
    let error = pool.grow(1).unwrap_err();
    assert!(
        matches!(error, PoolError::Start { .. }) && error.to_string().contains("no/such/program"),
        "{error}"
    );
    assert_eq!(pool.alive(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn no_worker_outlives_its_pool() {
    let (mut pool, _folder) = pool(SCRIPT);
    pool.grow(2).unwrap();
    ready(&mut pool);
    ready(&mut pool);
    assert!(pool.assign(request(94)));
    let processes: Vec<u32> = pool.workers.iter().map(|worker| worker.child.id()).collect();
    let lives = |process: &u32| Path::new("/proc").join(process.to_string()).exists();
    assert!(processes.iter().all(lives));
    drop(pool);
    assert!(!processes.iter().any(lives));
}
