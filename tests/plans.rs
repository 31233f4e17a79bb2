//! Searches of a given time: the plan, and times and flags that it refuses.

use crate::support::{Workplace, contains_all, flat, refused, stderr, stdout};

#[test]
fn a_plan_is_shown_before_anything_is_trained() {
    let place = Workplace::new();
    let done = place.search("--time 10h --references 1 --dry-run").success();
    let said = flat(&stderr(&done));
    contains_all(
        &said,
        &[
            "plan for 10h:",
            "candidates and up to 1 references",
            "for the 2 best in full",
            "final trainings of the references come on top",
            "images/s measured",
        ],
    );
    let config = stdout(&done);
    for key in [
        "[evaluator.train.plan]",
        "total-s = 36000.0",
        "search-s",
        "finals-s",
        "train-images = 60",
    ] {
        assert!(config.contains(key), "`{key}` is not in: {config}");
    }
    // The number of trainings that is asked for leaves nothing to plan.
    let fixed = place.search("--time 10m --trials 3 --dry-run --out other").success();
    assert!(!stdout(&fixed).contains("plan"), "{}", stdout(&fixed));
}

#[test]
fn times_and_flags_without_a_plan_are_refused() {
    let place = Workplace::new();
    let short = place.search("--time 1s");
    refused(short, 2, &["1 s are too short", "at least", "--time", "--epochs"]);
    assert!(!place.exists("study/study.toml"));
    refused(place.search("--evaluator auto"), 2, &["plans a time", "--time 30m"]);
    for flag in [
        "--trials 3",
        "--epochs 2",
        "--finalists 1 --final-epochs 2",
        "--halving 3",
    ] {
        let asked = place.search(&format!("--evaluator auto --time 10m {flag}"));
        refused(asked, 2, &["is decided by the plan", "--evaluator train"]);
    }
}
