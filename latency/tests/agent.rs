//! Devices behind a pipe: good agents, bad agents, and pipes that break.

// The scripts around agents need the GNU tools.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::time::Duration;

use mnas_latency::agent::{AgentError, AgentOptions, AgentRuntime};
use mnas_latency::{LatencyError, Runtime, RuntimeError, StopReason};
use support::{AGENT, Bed, device, hurried, keys, networks};

/// The device of an agent that a shell script surrounds; `{agent}` is its program.
fn scripted(script: &str, timeout: Duration) -> mnas_latency::Device {
    let script = script.replace("{agent}", AGENT);
    device(&["sh", "-c", &script], timeout)
}

const PATIENT: Duration = Duration::from_secs(30);

fn connect(script: &str, timeout: Duration) -> Result<AgentRuntime, AgentError> {
    AgentRuntime::connect(&scripted(script, timeout), hurried())
}

/// Profiles through an agent until done.
fn profiled(script: &str, timeout: Duration) -> (Bed, mnas_latency::ProfileReport) {
    let bed = Bed::new();
    let mut runtime = connect(script, timeout).unwrap();
    let report = bed.profile(&mut runtime, &mut |_| ()).unwrap();
    (bed, report)
}

fn assert_complete(bed: &Bed, report: &mnas_latency::ProfileReport) {
    assert_eq!(report.stop, StopReason::Complete);
    assert_eq!(
        (report.blocks, report.networks),
        (keys().len(), networks().len()),
        "{report:?}"
    );
    assert!(report.refused.is_empty(), "{:?}", report.refused);
    assert_eq!(bed.rows(), (keys().len(), networks().len()));
}

#[test]
fn a_table_is_filled_through_an_agent() {
    let (bed, report) = profiled("exec {agent}", PATIENT);
    assert_complete(&bed, &report);
}

#[test]
fn an_agent_is_a_runtime_like_any_other() {
    let mut runtime = connect("exec {agent}", PATIENT).unwrap();
    assert_eq!((runtime.name(), runtime.version()), ("fake", "1"));
    assert_eq!(runtime.host(), mnas_latency::HostFacts::gather());
    assert_eq!(runtime.conditions().unwrap(), None);
    let models = keys();
    let mut loaded = runtime.load(&mnas_latency::Model::block(&models[0])).unwrap();
    let once = loaded.run(1).unwrap().0;
    let ten = loaded.run(10).unwrap().0;
    assert!(once > 0.0 && ten > 5.0 * once && ten < 20.0 * once, "{once} {ten}");
}

#[test]
fn a_pipe_that_breaks_again_and_again_costs_nothing_but_time() {
    // The question is cut off, between lines or in the middle of one, or the answer.
    let (question, half, answer) = (
        "sed -u 12q | {agent}",
        "stdbuf -o0 head -c 1500000 | {agent}",
        "{agent} | sed -u 40q",
    );
    // An answer that is on its way when the pipe breaks is lost without a sound.
    for (script, timeout) in [(question, PATIENT), (half, PATIENT), (answer, Duration::from_secs(2))] {
        let (bed, report) = profiled(script, timeout);
        assert_complete(&bed, &report);
    }
}

#[test]
fn an_agent_that_falls_silent_is_started_anew() {
    let (bed, report) = profiled("{ sed -u 40q; sleep 60; } | {agent}", Duration::from_secs(2));
    assert_complete(&bed, &report);
}

#[test]
fn noise_between_answers_is_passed_over() {
    let greeting = "echo 'Welcome to your board!'; echo 'Last login: today' >&2; exec {agent}";
    let noise = "{agent} | while IFS= read -r line; do echo '{\"id\":4}'; echo noise; echo \"$line\"; done";
    for script in [greeting, noise] {
        let (bed, report) = profiled(script, PATIENT);
        assert_complete(&bed, &report);
    }
}

#[test]
fn a_connection_that_cannot_be_made_anew_ends_the_profile_and_keeps_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let once = folder.path().join("once");
    // The second life is none.
    let script = format!("mkdir {} || exit 7; sed -u 25q | {{agent}}", once.display());
    let bed = Bed::new();
    let mut runtime = connect(&script, PATIENT).unwrap();
    let error = bed.profile(&mut runtime, &mut |_| ()).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(
            error,
            LatencyError::Runtime(RuntimeError::Agent(AgentError::Lost { attempts: 3, .. }))
        ),
        "{text}"
    );
    assert!(
        text.contains("gave up after 3 attempts; what was measured is kept") && text.contains("exit status: 7"),
        "{text}"
    );
    let (measured, _) = bed.rows();
    assert!(measured > 0 && measured < keys().len(), "{measured}");
    // With a connection it goes on from there.
    let mut runtime = connect("exec {agent}", PATIENT).unwrap();
    let report = bed.profile(&mut runtime, &mut |_| ()).unwrap();
    assert_eq!(
        (report.stop, report.blocks),
        (StopReason::Complete, keys().len() - measured)
    );
}

#[test]
fn a_pipe_that_never_holds_is_given_up() {
    let bed = Bed::new();
    let options = AgentOptions {
        reconnections: 5,
        ..hurried()
    };
    let mut runtime = AgentRuntime::connect(&scripted("sed -u 12q | {agent}", PATIENT), options).unwrap();
    let error = bed.profile(&mut runtime, &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("gave up after 5 attempts"), "{error}");
}

#[test]
fn a_model_that_ends_the_agent_is_refused_and_the_rest_goes_on() {
    let (bed, report) = profiled("sed -u '/\"name\":\"ds_k3/Q' | {agent}", PATIENT);
    assert_eq!(report.stop, StopReason::Complete);
    assert_eq!(report.refused.len(), 1, "{:?}", report.refused);
    assert!(
        report.refused[0].contains("fake refuses `ds_k3") && report.refused[0].contains("ended the agent 3 times"),
        "{:?}",
        report.refused
    );
    assert_eq!(bed.rows(), (keys().len() - 1, networks().len()));
}

/// The error of a first connection; it comes without a second attempt.
fn refused(script: &str, timeout: Duration) -> (AgentError, String) {
    let error = connect(script, timeout).err().unwrap();
    let text = error.to_string();
    (error, text)
}

#[test]
fn what_is_no_agent_is_named() {
    let (error, text) = refused("yes '\u{1b}[31mred'", PATIENT);
    assert!(matches!(error, AgentError::Garbage { .. }), "{text}");
    assert!(
        text.contains("says what no agent says: `[31mred`") && text.contains("must start mnas-agent"),
        "{text}"
    );
    let (error, text) = refused("exec sleep 60", Duration::from_millis(200));
    assert!(matches!(error, AgentError::Silent { .. }), "{text}");
    assert!(
        text.contains("within 200ms (a greeting)") && text.contains("longer `timeout`"),
        "{text}"
    );
    let (error, text) = refused("echo 'Connection refused' >&2; exit 255", PATIENT);
    assert!(matches!(error, AgentError::Ended { .. }), "{text}");
    assert!(
        text.contains("exit status: 255") && text.contains("its last words: `Connection refused`"),
        "{text}"
    );
    let (_, text) = refused("echo 'no such command'; exit 127", PATIENT);
    assert!(text.contains("its last words: `no such command`"), "{text}");
    let missing = device(&["/nowhere/ssh", "pi"], PATIENT);
    let error = AgentRuntime::connect(&missing, hurried()).err().unwrap();
    assert!(matches!(error, AgentError::Start { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("cannot start the agent with `/nowhere/ssh pi`"),
        "{error}"
    );
}

#[test]
fn an_agent_of_another_version_is_told_apart() {
    let script =
        r#"read -r line; echo '{"id":1,"answer":{"hello":{"protocol":7,"version":"9.1.0","new":{}}}}'; exec cat"#;
    let (error, text) = refused(script, PATIENT);
    assert!(matches!(error, AgentError::Version { protocol: 7, .. }), "{text}");
    assert!(
        text.contains("mnas-agent 9.1.0 with protocol 7") && text.contains("install the mnas-agent of this version"),
        "{text}"
    );
}

#[test]
fn an_agent_without_its_runtime_says_so() {
    let script = "export ORT_DYLIB_PATH=/nowhere/libonnxruntime.so; exec {agent}";
    let mut device = scripted(script, PATIENT);
    device.runtime = mnas_latency::RuntimeKind::OnnxRuntime;
    let error = AgentRuntime::connect(&device, hurried()).err().unwrap();
    assert!(matches!(error, AgentError::NoRuntime { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("cannot open onnxruntime") && text.contains("/nowhere/libonnxruntime.so"),
        "{text}"
    );
}

#[test]
fn another_device_behind_the_same_command_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let once = folder.path().join("once");
    let script = format!(
        "if mkdir {}; then sed -u 25q | {{agent}}; else {{agent}} | sed -u 's/\"cpu\":\"/&Other /'; fi 2>/dev/null",
        once.display()
    );
    let bed = Bed::new();
    let mut runtime = connect(&script, PATIENT).unwrap();
    let error = bed.profile(&mut runtime, &mut |_| ()).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(
            error,
            LatencyError::Runtime(RuntimeError::Agent(AgentError::Changed { .. }))
        ),
        "{text}"
    );
    assert!(
        text.contains("another device than before: the processor was") && text.contains("`Other "),
        "{text}"
    );
    assert!(bed.rows().0 > 0);
}

/// What a bare agent answers to some lines.
fn answers(lines: &str) -> Vec<serde_json::Value> {
    let mut output = Vec::new();
    mnas_latency::agent::serve(lines.as_bytes(), &mut output, None).unwrap();
    let text = String::from_utf8(output).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_agent_survives_whatever_it_is_told() {
    let lines = [
        "not JSON",
        "",
        "{\"id\":7,\"ask\":\"dance\"}",
        "{\"id\":8,\"ask\":{\"run\":{\"steps\":[[1,1]]}}}",
        "{\"id\":9,\"ask\":{\"open\":{\"runtime\":\"libtorch\",\"threads\":1,\"precision\":\"fp32\",\"processor\":\"cpu\"}}}",
        "{\"id\":10,\"ask\":{\"open\":{\"runtime\":\"fake\",\"threads\":1,\"precision\":\"fp32\",\"processor\":\"cpu\"}}}",
        "{\"id\":11,\"ask\":{\"load\":{\"model\":1,\"name\":\"x\",\"input\":[3,8,8],\"onnx\":\"not base64!\"}}}",
        "{\"id\":12,\"ask\":{\"load\":{\"model\":1,\"name\":\"x\",\"input\":[3,8,8],\"onnx\":\"AAAA\"}}}",
        "{\"id\":13,\"ask\":{\"run\":{\"steps\":[[1,1],[2,1]]}}}",
        "{\"id\":14,\"ask\":{\"run\":{\"steps\":[[1,1],[1,4]]}}}",
        "{\"id\":15,\"ask\":{\"unload\":{\"model\":1}}}",
        "{\"id\":16,\"ask\":{\"unload\":{\"model\":1}}}",
        "{\"id\":17,\"ask\":{\"hello\":{\"protocol\":99,\"version\":\"9\",\"more\":1}}}",
        "{\"id\":18,\"ask\":\"conditions\"}",
    ];
    let answers = answers(&(lines.join("\n") + "\n{\"id\":19,\"ask\":\"cut off"));
    let error = |index: usize| {
        answers[index]["answer"]["error"]["reason"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", answers[index]))
    };
    assert_eq!(answers.len(), lines.len() - 1);
    assert!(answers[0]["id"].is_null() && error(0).contains("no question"));
    assert!(answers[1]["id"] == 7 && error(1).contains("dance"));
    assert!(error(2).contains("no runtime is open"));
    assert!(error(3).contains("libtorch"));
    assert_eq!(answers[4]["answer"]["opened"]["runtime"], "fake");
    assert!(error(5).contains("not base64"));
    assert_eq!(answers[6]["answer"], "loaded");
    assert!(error(7).contains("no model 2"));
    assert_eq!(answers[8]["answer"]["times"]["ms"].as_array().unwrap().len(), 2);
    assert_eq!(answers[9]["answer"], "unloaded");
    assert!(error(10).contains("no model 1"));
    assert_eq!(
        answers[11]["answer"]["hello"]["protocol"],
        mnas_latency::agent::PROTOCOL
    );
    assert!(answers[12]["answer"]["conditions"].is_null());
}
