//! Studies that are killed at any moment and resumed end like uninterrupted ones.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::OnceLock;

use crate::support::{Workplace, refused, signal, stderr, wait_until_gone};

const FLAGS: &str = "--trials 8 --seed 5";

type Rows = Vec<BTreeMap<String, String>>;

/// Trials and front of an uninterrupted search.
fn undisturbed() -> &'static (Rows, Rows) {
    static RESULT: OnceLock<(Rows, Rows)> = OnceLock::new();
    RESULT.get_or_init(|| {
        let place = Workplace::new();
        place.search(FLAGS).success();
        result(&place)
    })
}

fn result(place: &Workplace) -> (Rows, Rows) {
    (place.rows("study/trials.csv"), place.rows("study/front.csv"))
}

#[test]
fn a_killed_coordinator_takes_its_workers_along_and_the_study_goes_on() {
    let place = Workplace::new();
    let mut running = place.start_search(FLAGS);
    place.wait_for_trials(&mut running, 3);
    let workers = running.children();
    assert_eq!(workers.len(), 2);
    running.signal("KILL");
    assert_eq!(running.exit_code(), None);
    wait_until_gone(&workers);
    let finished = place.finished_trials("study");
    assert!(finished < 8, "the search was done before it was killed");
    // An incomplete last line.
    let mut journal = OpenOptions::new()
        .append(true)
        .open(place.path("study/trials.jsonl"))
        .unwrap();
    journal
        .write_all(b"{\"at\":1780000000000,\"event\":{\"finished\":{\"trial\":7,\"resu")
        .unwrap();
    let plotted = place.run("plot study").success();
    assert!(stderr(&plotted).contains("wrote study/front.svg"));
    place.resume("study").success();
    assert_eq!(result(&place), *undisturbed());
    // Trials that were finished before are not trained again.
    let journal = place.read("study/trials.jsonl");
    assert_eq!(journal.lines().filter(|line| line.contains("\"finished\"")).count(), 8);
}

#[test]
fn a_killed_worker_costs_nothing_but_time() {
    let place = Workplace::new();
    let mut running = place.start_search(FLAGS);
    place.wait_for_trials(&mut running, 2);
    signal(running.children()[0], "KILL");
    assert_eq!(running.exit_code(), Some(0), "{}", place.read("stderr.txt"));
    assert!(place.read("stderr.txt").contains("was lost and is started again"));
    assert_eq!(result(&place), *undisturbed());
}

#[test]
fn ctrl_c_saves_everything_and_says_how_to_go_on() {
    let place = Workplace::new();
    let mut running = place.start_search(FLAGS);
    place.wait_for_trials(&mut running, 1);
    let workers = running.children();
    running.signal("INT");
    assert_eq!(running.exit_code(), Some(130));
    wait_until_gone(&workers);
    let said = place.read("stderr.txt");
    assert!(
        said.contains("interrupted") && said.contains("mnas search --resume --out study"),
        "{said}"
    );
    // Results are written before the study is resumed.
    assert!(place.exists("study/trials.csv") && place.exists("study/front.svg"));
    place.resume("study").success();
    assert_eq!(result(&place), *undisturbed());
}

#[test]
fn a_search_that_was_killed_before_it_began_can_be_started_again() {
    let place = Workplace::new();
    let mut running = place.start_search(FLAGS);
    running.wait_until("its folder is there", || place.exists("study/.lock"));
    let begun = place.exists("study/study.toml");
    running.signal("KILL");
    assert_eq!(running.exit_code(), None);
    if begun || place.exists("study/study.toml") {
        // Too late on this machine; the case is tested on the others.
        return;
    }
    place.search(FLAGS).success();
    assert_eq!(result(&place), *undisturbed());
}

#[test]
fn two_processes_do_not_work_on_one_study() {
    let place = Workplace::new();
    let mut running = place.start_search(FLAGS);
    place.wait_for_trials(&mut running, 1);
    refused(place.resume("study"), 1, &["study is in use by another mnas"]);
    assert_eq!(running.exit_code(), Some(0), "{}", place.read("stderr.txt"));
    assert_eq!(result(&place), *undisturbed());
}

#[test]
fn the_end_of_the_time_given_is_no_failure() {
    let place = Workplace::new();
    place.search(&format!("{FLAGS} --time 0s")).success();
    assert_eq!(place.finished_trials("study"), 0);
    place.resume("study").success();
    assert_eq!(result(&place), *undisturbed());
}

#[test]
fn a_damaged_journal_is_refused_by_its_line() {
    let place = Workplace::new();
    place.search("--trials 2").success();
    place.edit("study/trials.jsonl", "\"started\"", "\"vanished\"");
    for line in ["plot study", "search --resume --out study --tables tables"] {
        refused(place.run(line), 3, &["study/trials.jsonl, line 5", "vanished"]);
    }
}

#[test]
fn a_journal_of_another_version_is_refused_with_a_remedy() {
    let place = Workplace::new();
    place.search("--trials 2").success();
    place.edit("study/trials.jsonl", "\"version\":2", "\"version\":7");
    let texts = [
        "trials.jsonl: a journal of version 7",
        "the mnas that wrote it",
        "start a new study",
    ];
    for line in ["plot study", "search --resume --out study --tables tables"] {
        refused(place.run(line), 3, &texts);
    }
}
