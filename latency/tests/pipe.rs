//! Tests of processes behind pipes: correct and faulty processes, and both sides of the protocol.

// The scripts need a POSIX shell.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufReader, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mnas_latency::pipe::{
    CommandLine, Connection, Event, Heartbeat, Identity, Pipe, PipeError, PipeOptions, Protocol, Tagged, serve,
    serve_interruptible,
};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(20);

const PROTOCOL: Protocol = Protocol {
    name: "test",
    version: 3,
};

/// Script that reads the coordinator's hello and replies to it.
const HELLO: &str = r#"read -r hello
echo '{"id":1,"hello":{"protocol":"test","version":3,"program":"sh 1","host":{"cpu":"x","cores":1,"architecture":"a","os":"o","kernel":"k"},"payload":{"memory":8}}}'
"#;

/// Script that replies to every request with its identifier.
const ECHO: &str =
    r#"while read -r line; do id=${line#*\"id\":}; id=${id%%,*}; echo "{\"id\":$id,\"reply\":$id}"; done"#;

fn shell(script: &str) -> CommandLine {
    CommandLine::new(["sh", "-c", script]).unwrap()
}

fn options() -> PipeOptions {
    PipeOptions {
        heartbeat: None,
        ..PipeOptions::new(PROTOCOL)
    }
}

fn greeted(script: &str) -> CommandLine {
    shell(&format!("{HELLO}{script}"))
}

fn open(script: &str, options: &PipeOptions) -> Connection<Value> {
    Connection::open(&greeted(script), options).unwrap()
}

fn request(connection: &mut Connection<Value>) -> Result<Value, PipeError> {
    connection.request(&"work", "the work", LONG, &mut |_| ())
}

fn refused(command: &CommandLine, options: &PipeOptions) -> (PipeError, String) {
    let error = Connection::<Value>::open(command, options).err().unwrap();
    let text = error.to_string();
    (error, text)
}

#[test]
fn hello_comes_first_and_carries_the_serving_sides_facts() {
    let mut connection = open(ECHO, &options());
    let hello = connection.hello();
    assert_eq!((hello.program.as_str(), hello.host.cores), ("sh 1", 1));
    assert_eq!(hello.payload, json!({"memory": 8}));
    assert_eq!(request(&mut connection), Ok(json!(2)));
    assert_eq!(request(&mut connection), Ok(json!(3)));
}

#[test]
fn the_coordinators_hello_names_protocol_program_and_machine() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hello");
    let script = format!("{HELLO} echo \"$hello\" > {}; {ECHO}", file.display());
    let options = PipeOptions {
        heartbeat: Some(Heartbeat::default()),
        ..options()
    };
    let mut connection = Connection::<Value>::open(&shell(&script), &options).unwrap();
    request(&mut connection).unwrap();
    let line: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let hello = &line["hello"];
    assert_eq!(
        (&line["id"], &hello["protocol"], &hello["version"]),
        (&json!(1), &json!("test"), &json!(3))
    );
    assert!(hello["program"].as_str().unwrap().starts_with("mnas "));
    assert!(hello["host"]["cores"].as_u64().unwrap() >= 1);
    assert_eq!(hello["heartbeat-ms"], 5000);
}

#[test]
fn another_protocol_is_refused_with_both_versions() {
    let answers = |hello: &str| shell(&format!("read -r line; echo '{hello}'; exec cat"));
    let newer = answers(r#"{"id":1,"hello":{"protocol":"test","version":7,"program":"test 9.1.0","new":{}}}"#);
    let (error, text) = refused(&newer, &options());
    assert!(
        matches!(error, PipeError::Version { .. }) && !error.is_transient(),
        "{text}"
    );
    assert!(
        text.contains("is test 9.1.0 with protocol test 7") && text.contains("with protocol test 3; install"),
        "{text}"
    );
    let other = answers(r#"{"id":1,"hello":{"protocol":"chat","version":3,"program":"chat 2"}}"#);
    assert!(refused(&other, &options()).1.contains("chat 2 with protocol chat 3"));
    // A program with an older protocol replies to this hello with an error.
    let older = answers(r#"{"id":1,"answer":{"error":{"reason":"this is no question"}}}"#);
    let (error, text) = refused(&older, &options());
    assert!(matches!(error, PipeError::Version { .. }), "{text}");
}

#[test]
fn progress_comes_before_the_reply() {
    let script = r#"read -r line
        echo '{"id":2,"progress":0.5}'; echo '{"id":1,"progress":9}'; echo '{"id":2,"progress":0.9}'; echo '{"id":2,"reply":"done"}'
        read -r line; echo '{"id":3,"error":"no such work"}'
        read -r line; echo '{"error":"not JSON"}'; exec cat"#;
    let mut connection = open(script, &options());
    let mut seen = Vec::new();
    let reply = connection.request(&"work", "the work", LONG, &mut |progress| seen.push(progress));
    assert_eq!((reply, seen), (Ok(json!("done")), vec![json!(0.5), json!(0.9)]));
    for reason in ["no such work", "not JSON"] {
        let error = request(&mut connection).unwrap_err();
        assert!(matches!(error, PipeError::Rejected { .. }), "{error}");
        assert!(error.to_string().ends_with(reason), "{error}");
    }
}

#[test]
fn stray_lines_are_counted_and_passed_over_up_to_a_bound() {
    let (sender, events) = channel();
    let script = format!(
        "echo 'Welcome!'; {HELLO} printf '\\377\\376\\n\\n'; echo '{{\"id\":2}}'; head -c 17000000 /dev/zero; echo; {ECHO}"
    );
    let mut pipe = Pipe::start::<Value>(&shell(&script), &options(), move |event| sender.send(event).unwrap()).unwrap();
    assert!(matches!(events.recv_timeout(LONG), Ok(Event::Hello(_))));
    let id = pipe.request(&"work");
    assert_eq!(events.recv_timeout(LONG), Ok(Event::Reply { id, content: json!(id) }));
    assert_eq!(pipe.stray_lines(), 5);

    let (error, text) = refused(&shell("yes '\u{1b}[31mred'"), &options());
    assert!(
        matches!(error, PipeError::Stray { .. }) && error.is_transient(),
        "{text}"
    );
    assert!(text.contains("lines that are not test's: `[31mred`"), "{text}");
}

#[test]
fn an_end_is_reported_with_status_and_last_line() {
    let mut connection = open(
        "read -r line; printf 'out of memory \\377\\n\\n' >&2; exit 7",
        &options(),
    );
    for _ in 0..2 {
        // A second request returns the same error.
        let error = request(&mut connection).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, PipeError::Ended { .. }), "{text}");
        assert!(
            text.contains("(exit status: 7), its last line: `out of memory \u{fffd}`"),
            "{text}"
        );
    }
    // The last line on stdout is reported if stderr is empty; closing stdout counts as ending.
    let (_, text) = refused(&shell("echo 'no such command'; exit 127"), &options());
    assert!(text.contains("its last line: `no such command`"), "{text}");
    let began = Instant::now();
    let closed = PipeOptions {
        grace: Duration::from_millis(100),
        ..options()
    };
    let (_, text) = refused(&shell("exec >&-; sleep 60"), &closed);
    assert!(
        text.contains("it closed its output") && began.elapsed() < LONG,
        "{text}"
    );
    let (error, text) = refused(&CommandLine::new(["/nowhere/ssh", "pi"]).unwrap(), &options());
    assert!(matches!(error, PipeError::Start { .. }), "{text}");
    assert!(text.contains("cannot start test with `/nowhere/ssh pi`"), "{text}");
}

#[test]
fn time_is_bounded_for_hello_and_for_replies() {
    let hurried = PipeOptions {
        hello: Some(Duration::from_millis(100)),
        ..options()
    };
    let (error, text) = refused(&shell("exec sleep 60"), &hurried);
    assert!(matches!(error, PipeError::TimedOut { .. }), "{text}");
    assert!(text.contains("within 100ms (expected: hello)"), "{text}");
    let mut connection = open("exec sleep 60", &options());
    let error = connection.request(&1, "the work", Duration::from_millis(100), &mut |_| ());
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains("sent nothing within 100ms (expected: the work)"),
        "{text}"
    );
}

#[test]
fn stderr_is_appended_to_a_log_with_a_line_for_every_start() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("worker-0.log");
    let options = PipeOptions {
        log: Some(log.clone()),
        ..options()
    };
    for start in 1..=2 {
        let mut connection = open(&format!("read -r line; echo 'start {start}' >&2; exit 1"), &options);
        let text = request(&mut connection).unwrap_err().to_string();
        assert!(text.contains(&format!("its last line: `start {start}`")), "{text}");
    }
    // The last line of an earlier process is not reported for this one.
    let text = request(&mut open("exit 1", &options)).unwrap_err().to_string();
    assert!(!text.contains("last line"), "{text}");
    let text = fs::read_to_string(&log).unwrap();
    assert_eq!(text.matches("\n--- 20").count() + 1, 3, "{text}");
    assert!(
        text.starts_with("--- 20") && text.contains("Z sh -c ") && text.contains("start 1\n"),
        "{text}"
    );
    let missing = PipeOptions {
        log: Some(folder.path().join("none/log")),
        ..options
    };
    assert!(matches!(refused(&greeted(ECHO), &missing).0, PipeError::Log { .. }));
}

fn next<A>(events: &Receiver<Tagged<A>>) -> (usize, u64, Event<A>) {
    let Tagged {
        index,
        generation,
        event,
    } = events.recv_timeout(LONG).unwrap();
    (index, generation, event)
}

#[test]
fn many_processes_feed_one_channel() {
    let (sender, events) = channel::<Tagged<u64>>();
    let start = |index, generation| {
        let sink = Tagged::sink(sender.clone(), index, generation);
        Pipe::start(&greeted(ECHO), &options(), sink).unwrap()
    };
    let mut pipes = [start(0, 0), start(1, 0)];
    for pipe in &mut pipes {
        pipe.request(&"work");
    }
    let mut replies = Vec::new();
    for _ in 0..4 {
        match next(&events) {
            (_, 0, Event::Hello(_)) => {}
            (index, 0, Event::Reply { id: 2, content: 2 }) => replies.push(index),
            other => panic!("{other:?}"),
        }
    }
    replies.sort_unstable();
    assert_eq!(replies, [0, 1]);
    // Events of a replaced process are distinguishable by their generation.
    pipes[0].kill();
    assert!(matches!(next(&events), (0, 0, Event::Ended(PipeError::Ended { .. }))));
    pipes[0] = start(0, 1);
    assert!(matches!(next(&events), (0, 1, Event::Hello(_))));
    drop(pipes);
}

#[test]
fn a_process_without_heartbeats_counts_as_dead() {
    let options = PipeOptions {
        heartbeat: Some(Heartbeat {
            every: Duration::from_millis(100),
            silence: Duration::from_millis(500),
        }),
        ..options()
    };
    // Sends heartbeats for longer than the allowed silence, then the reply, then nothing.
    let script = r#"read -r line
        for n in 1 2 3 4 5 6 7 8; do sleep 0.1; echo "{\"heartbeat\":$n}"; done
        echo '{"id":2,"reply":"done"}'; exec sleep 60"#;
    let mut connection = open(script, &options);
    assert_eq!(request(&mut connection), Ok(json!("done")));
    let text = request(&mut connection).unwrap_err().to_string();
    assert!(
        text.contains("sent nothing within 500ms (expected: a heartbeat)"),
        "{text}"
    );
}

fn lives(process: u32) -> bool {
    Path::new("/proc").join(process.to_string()).exists()
}

#[test]
fn dropping_a_pipe_closes_stdin_and_ends_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let (ended, child) = (folder.path().join("ended"), folder.path().join("child"));
    let script = format!(
        "sleep 60 >&- & echo $! > {}; cat > /dev/null; echo yes > {}; exec sleep 60",
        child.display(),
        ended.display()
    );
    let options = PipeOptions {
        grace: Duration::from_millis(500),
        ..options()
    };
    let pipe = Pipe::start::<Value>(&greeted(&script), &options, |_| ()).unwrap();
    let began = Instant::now();
    let child: u32 = loop {
        match fs::read_to_string(&child).unwrap_or_default().trim().parse() {
            Ok(child) => break child,
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
        assert!(began.elapsed() < LONG);
    };
    let process = pipe.process_id();
    assert!(lives(process) && lives(child));
    drop(pipe);
    // The process was first requested to end, and killed because it did not.
    assert_eq!(fs::read_to_string(&ended).unwrap(), "yes\n");
    assert!(!lives(process));
    // The process that inherits the child reaps it.
    while lives(child)
        && !fs::read_to_string(format!("/proc/{child}/stat"))
            .unwrap_or_default()
            .contains(") Z ")
    {
        assert!(began.elapsed() < LONG, "the child lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_process_has_a_group_of_its_own() {
    let pipe = Pipe::start::<Value>(&greeted(ECHO), &options(), |_| ()).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pipe.process_id())).unwrap();
    let group = stat.rsplit_once(") ").unwrap().1.split(' ').nth(2).unwrap();
    assert_eq!(group, pipe.process_id().to_string());
}

#[test]
fn writing_never_blocks() {
    let hurried = PipeOptions {
        grace: Duration::from_millis(50),
        ..options()
    };
    let mut pipe = Pipe::start::<Value>(&shell("exec sleep 60"), &hurried, |_| ()).unwrap();
    let began = Instant::now();
    pipe.request(&"x".repeat(8 << 20));
    drop(pipe);
    assert!(began.elapsed() < LONG / 2);
}

/// Output shared between threads.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Output {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn identity() -> Identity {
    Identity {
        protocol: PROTOCOL,
        program: "test 1".to_owned(),
        payload: json!([1, 2]),
    }
}

#[test]
fn the_serving_side_answers_every_line() {
    let lines = [
        r#"{"id":1,"hello":{"protocol":"test","version":99,"more":1}}"#,
        "",
        "not JSON",
        r#"{"id":7,"request":"dance"}"#,
        r#"{"id":8}"#,
        r#"{"id":9,"request":20}"#,
        r#"{"id":10,"request":21"#,
    ];
    let input = std::io::Cursor::new(lines.join("\n"));
    let output = Output::default();
    serve(
        input,
        output.clone(),
        &identity(),
        || (),
        |number: u32, progress| {
            progress.report(&(number + 1)).unwrap();
            2 * number
        },
    )
    .unwrap();
    let lines = output.lines();
    assert_eq!(lines.len(), 6);
    let hello = &lines[0]["hello"];
    assert_eq!((&hello["version"], &hello["payload"]), (&json!(3), &json!([1, 2])));
    assert!(lines[1]["id"].is_null() && lines[1]["error"].as_str().unwrap().contains("not a request"));
    assert!(lines[2]["id"] == 7 && lines[2]["error"].as_str().unwrap().contains("dance"));
    assert!(lines[3]["id"] == 8 && lines[3]["error"].as_str().unwrap().contains("neither"));
    assert_eq!(lines[4], json!({"id": 9, "progress": 21}));
    assert_eq!(lines[5], json!({"id": 9, "reply": 40}));
}

#[test]
fn heartbeats_are_sent_while_a_request_is_worked_on() {
    let hello = r#"{"id":1,"hello":{"heartbeat-ms":20}}"#;
    let input = std::io::Cursor::new(format!("{hello}\n{{\"id\":3,\"request\":1}}\n"));
    let output = Output::default();
    let seen = output.clone();
    serve(
        input,
        output.clone(),
        &identity(),
        || (),
        |_: u32, _| {
            let began = Instant::now();
            while seen.lines().len() < 3 {
                assert!(began.elapsed() < LONG);
                std::thread::sleep(Duration::from_millis(5));
            }
            "done"
        },
    )
    .unwrap();
    let lines = output.lines();
    assert_eq!((&lines[1]["heartbeat"], &lines[2]["heartbeat"]), (&json!(1), &json!(2)));
    assert_eq!(lines.last().unwrap()["reply"], "done");
}

#[test]
fn the_end_of_the_input_is_reported_in_the_middle_of_a_request() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let on_end = {
        let ended = Arc::clone(&ended);
        move || ended.store(true, Ordering::SeqCst)
    };
    writer.write_all(b"{\"id\":2,\"request\":1}\n").unwrap();
    let mut writer = Some(writer);
    let output = Output::default();
    serve(
        BufReader::new(reader),
        output.clone(),
        &identity(),
        on_end,
        |_: u32, _| {
            drop(writer.take());
            let began = Instant::now();
            while !ended.load(Ordering::SeqCst) {
                assert!(began.elapsed() < LONG);
                std::thread::sleep(Duration::from_millis(5));
            }
            "done"
        },
    )
    .unwrap();
    assert_eq!(output.lines().last().unwrap()["reply"], "done");
}

#[test]
fn a_request_that_arrives_interrupts_the_one_before_it() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let interrupted = Arc::new(AtomicBool::new(false));
    let on_arrival = {
        let interrupted = Arc::clone(&interrupted);
        move |request: &String| {
            if request == "stop" {
                interrupted.store(true, Ordering::SeqCst);
            }
        }
    };
    writer.write_all(b"{\"id\":2,\"request\":\"work\"}\n").unwrap();
    let mut writer = Some(writer);
    let output = Output::default();
    serve_interruptible(
        BufReader::new(reader),
        output.clone(),
        &identity(),
        on_arrival,
        || (),
        |request: String, _| {
            if let Some(mut writer) = writer.take() {
                writer.write_all(b"{\"id\":3,\"request\":\"stop\"}\n").unwrap();
            }
            let began = Instant::now();
            while !interrupted.load(Ordering::SeqCst) {
                assert!(began.elapsed() < LONG);
                std::thread::sleep(Duration::from_millis(5));
            }
            format!("{request} interrupted")
        },
    )
    .unwrap();
    let replies: Vec<Value> = output.lines().iter().map(|line| line["reply"].clone()).collect();
    assert_eq!(replies, ["work interrupted", "stop interrupted"]);
}
