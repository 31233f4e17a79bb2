//! Events of a search for programs: their order, fields and agreement with the closing document.

use serde_json::Value;

use crate::support::{Workplace, flat, refused, stdout};

/// Events of a file.
fn read(place: &Workplace, name: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    place.read(name).lines().map(parse).collect()
}

/// Events of a name.
fn named<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

#[test]
fn a_search_writes_every_step_as_an_event() {
    let place = Workplace::new();
    let flags =
        "--trials 3 --seed 5 --references 1 --finalists 1 --final-recipe recipe.toml --events events.jsonl --json";
    let done = place.search(flags).success();
    // The closing document is alone on stdout.
    let document: Value = serde_json::from_str(&stdout(&done)).unwrap();
    let events = read(&place, "events.jsonl");
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names[..4], ["study-opened", "plan", "trial-proposed", "trial-started"]);
    assert_eq!(names.last(), Some(&"finished"));
    assert!(
        events
            .windows(2)
            .all(|pair| pair[0]["at_ms"].as_u64() <= pair[1]["at_ms"].as_u64())
    );
    let opened = &events[0];
    assert_eq!((&opened["space"], &opened["seed"]), (&"tiny".into(), &5.into()));
    assert_eq!(opened["devices"][0]["budget_ms"].as_f64(), Some(0.07));
    assert_eq!((&events[1]["trials"], &events[1]["epochs"]), (&4.into(), &3.into()));

    let finished = named(&events, "trial-finished");
    assert_eq!(finished.len(), 4);
    for event in &finished {
        assert!(event["accuracy"].is_f64() && event["seconds"].is_f64(), "{event}");
        let number = &event["trial"];
        let of_trial: Vec<&str> = events
            .iter()
            .filter(|event| event["trial"] == *number)
            .filter_map(|event| event["event"].as_str())
            .collect();
        assert_eq!(
            of_trial[..3],
            ["trial-proposed", "trial-started", "trial-epoch"],
            "{number}"
        );
    }
    let last = named(&events, "trial-epoch").into_iter().next_back().unwrap();
    assert!(
        last["left_s"].is_u64() && last["done_share"].as_f64() <= Some(1.0),
        "{last}"
    );
    let proposed = named(&events, "trial-proposed");
    assert_eq!(
        (&proposed[0]["kind"], &proposed[1]["kind"]),
        (&"reference".into(), &"candidate".into())
    );
    assert_eq!(proposed[0]["name"], "mobilenet-v3-small");

    let front = named(&events, "front-changed").into_iter().next_back().unwrap();
    assert!(
        front["hypervolume"].is_f64() && front["front"][0]["latency_ms"].is_f64(),
        "{front}"
    );
    let measured = named(&events, "measured");
    assert!(!measured.is_empty() && measured.iter().all(|event| event["device"] == "fake"));
    let chosen = named(&events, "finalists")[0]["trials"].as_array().unwrap().len();
    assert_eq!(named(&events, "final-finished").len(), chosen);
    assert!(named(&events, "final-finished")[0]["test_top1"].is_f64());
    let best = events.last().unwrap()["best"].as_u64().unwrap();
    let row = &place.rows("study/trials.csv")[best as usize];
    assert_eq!(document["best"]["id"], row["id"].as_str());
}

#[test]
fn events_go_on_where_a_study_does_and_to_stderr_as_asked() {
    let place = Workplace::new();
    place.search("--trials 2 --events events.jsonl").success();
    let first = read(&place, "events.jsonl").len();
    place
        .run("search --resume --out study --trials 3 --workers 2 --tables tables --events events.jsonl")
        .success();
    let events = read(&place, "events.jsonl");
    assert_eq!(named(&events[first..], "trial-finished").len(), 1);
    assert_eq!(events[first + 1]["settled"], 2);

    let shown = place.search("--trials 1 --events - --quiet --out other").success();
    let said = String::from_utf8_lossy(&shown.get_output().stderr).into_owned();
    let lines: Vec<Value> = said
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() > 4, "{}", flat(&said));
    refused(
        place.search("--trials 1 --events none/events.jsonl --out third"),
        1,
        &["none/events.jsonl: cannot be written", "--events"],
    );
    assert!(!place.exists("third"));
}
