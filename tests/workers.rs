//! The program that links libtorch: found, missing, of another version, and served by hand.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use mnas_engine::worker::PROTOCOL;
use serde_json::Value;

use crate::support::{Running, Workplace, refused, stderr, stdout};

const NETWORK: &str = "in16,conv_k3_s2_c8_nr6,ir_k3_s2_e2_c16_nr6,head_o10";

/// Runs a copy of `mnas` that has no worker beside it.
fn alone(place: &Workplace, line: &str, worker: Option<&Path>) -> assert_cmd::assert::Assert {
    let program = place.path("alone/mnas");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_mnas"), &program).unwrap();
    }
    let mut command = place.command(program.to_str().unwrap(), line.split_whitespace());
    command.env_remove("MNAS_WORKER").env("PATH", "/usr/bin:/bin");
    if let Some(worker) = worker {
        command.env("MNAS_WORKER", worker);
    }
    assert_cmd::Command::from_std(command).assert()
}

fn train() -> String {
    format!("train {NETWORK} --data demo --images 20 --recipe recipe.toml --threads 1 -o w.safetensors")
}

#[test]
fn a_missing_worker_is_named_with_its_remedy_and_missed_by_trainings_only() {
    let place = Workplace::new();
    let texts = ["cannot find mnas-worker", "cargo mnas install", "MNAS_WORKER"];
    refused(alone(&place, &train(), None), 1, &texts);
    let doctor = alone(&place, "doctor", None);
    assert!(stdout(&doctor).contains("MISSING  libtorch"), "{}", stdout(&doctor));
    alone(&place, "space tiny", None).success();

    let worker = Path::new(env!("CARGO_BIN_EXE_mnas")).with_file_name("mnas-worker");
    alone(&place, &train(), Some(&worker)).success();
    assert!(place.exists("w.safetensors"));
}

#[test]
fn a_worker_of_another_version_is_refused() {
    let place = Workplace::new();
    let hello = |version: u32, program: &str| {
        let host = r#"{"cpu":"x","cores":1,"architecture":"a","os":"o","kernel":"k"}"#;
        let script = format!(
            "#!/bin/sh\nread -r hello\necho '{{\"id\":1,\"hello\":{{\"protocol\":\"mnas-worker\",\"version\":{version},\
             \"program\":\"{program}\",\"host\":{host}}}}}'\nread -r end\n"
        );
        place.write("worker", script);
        let worker = place.path("worker");
        fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).unwrap();
        alone(&place, &train(), Some(&worker))
    };
    refused(
        hello(99, "mnas-worker 9.9.9"),
        1,
        &["mnas-worker 9.9.9", "99", "this is mnas 0", "one version"],
    );
    refused(
        hello(PROTOCOL.version, "mnas-worker 0.0.1"),
        1,
        &["mnas-worker 0.0.1", "one version"],
    );
}

#[test]
fn the_command_becomes_a_worker_that_ends_with_its_input() {
    let place = Workplace::new();
    let mut command = place.mnas("worker --train-device cpu");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut running = Running { child };
    // Ctrl-C on the terminal of a coordinator reaches its workers too.
    let mut lines = BufReader::new(output).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let hello = format!(r#"{{"protocol":"mnas-worker","version":{}}}"#, PROTOCOL.version);
    writeln!(input, "{{\"id\":1,\"hello\":{hello}}}").unwrap();
    let hello = next();
    assert_eq!(hello["hello"]["protocol"], "mnas-worker", "{hello}");
    assert_eq!(hello["hello"]["payload"]["computes"], true, "{hello}");
    running.signal("INT");
    let data = r#"{"path":"demo","val-fraction":0.1,"on-corrupt":"refuse","seed":0}"#;
    writeln!(input, "{{\"id\":2,\"request\":{{\"inspect\":{data}}}}}").unwrap();
    assert_eq!(next()["reply"]["inspected"]["demo"], true);
    drop(input);
    assert_eq!(running.exit_code(), Some(0));
}

#[test]
fn a_worker_that_is_killed_ends_the_training_with_a_reason() {
    let place = Workplace::new();
    let line = format!("{} --epochs 100000 --checkpoint-every 0s", train());
    let output = fs::File::create(place.path("stderr.txt")).unwrap();
    let mut command: Command = place.mnas(&line);
    let mut running = Running {
        child: command.stdout(Stdio::null()).stderr(output).spawn().unwrap(),
    };
    running.wait_until("an epoch is in the log", || {
        place.exists("w.csv") && place.read("w.csv").lines().count() > 2
    });
    crate::support::signal(running.children()[0], "KILL");
    assert_eq!(running.exit_code(), Some(1));
    let said = place.read("stderr.txt");
    assert!(said.contains("mnas-worker") && said.contains("--resume"), "{said}");
    assert!(place.exists("w.checkpoint") && place.exists("w.svg"));
}

#[test]
fn the_training_speed_is_that_of_all_workers() {
    let place = Workplace::new();
    let done = place.run(&format!(
        "bench {NETWORK} --batch-size 4 --time 1ms --workers 2 --train-device cpu --json"
    ));
    let document: Value = serde_json::from_str(&stdout(&done.success())).unwrap();
    assert_eq!((&document["workers"], &document["device"]), (&2.into(), &"cpu".into()));
    assert!(document["images_per_s"].as_f64().unwrap() > 0.0);
    let former = place.run(&format!("bench {NETWORK} --device cpu"));
    assert!(stderr(&former).contains("--device"));
    former.code(2);
}
