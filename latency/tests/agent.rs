//! Tests of devices behind a pipe: correct agents, faulty agents, and pipes that break.

// The scripts that wrap agents need GNU tools.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mnas_latency::agent::{AgentError, AgentOptions, AgentRuntime};
use mnas_latency::pipe::PipeError;
use mnas_latency::runtimes::Libraries;
use mnas_latency::{
    Device, LatencyError, LoadedModel, Milliseconds, Model, ModelContent, ModelForm, Processor, Runtime, RuntimeError,
    RuntimeKind, StopReason,
};
use support::{AGENT, Bed, device, hurried, keys, networks};

/// Device whose agent is wrapped in a shell script; `{agent}` stands for the agent's program.
fn scripted(script: &str, timeout: Duration) -> Device {
    let script = script.replace("{agent}", AGENT);
    device(&["sh", "-c", &script], timeout)
}

const PATIENT: Duration = Duration::from_secs(30);

fn connect(script: &str, timeout: Duration) -> Result<AgentRuntime, AgentError> {
    AgentRuntime::connect(&scripted(script, timeout), hurried())
}

/// Runs a complete profile through an agent.
fn profiled(script: &str, timeout: Duration) -> (Bed, mnas_latency::ProfileReport) {
    let bed = Bed::new();
    let mut runtime = connect(script, timeout).unwrap();
    let report = bed.profile(&mut runtime, &mut |_| ()).unwrap();
    (bed, report)
}

fn assert_complete(bed: &Bed, report: &mnas_latency::ProfileReport) {
    assert_eq!(report.stop, StopReason::Complete);
    assert_eq!(
        (report.layers, report.networks),
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
    let mut loaded = runtime.load(&Model::block(&models[0])).unwrap();
    let once = loaded.run(1).unwrap().0;
    let ten = loaded.run(10).unwrap().0;
    assert!(once > 0.0 && ten > 5.0 * once && ten < 20.0 * once, "{once} {ten}");
}

#[test]
fn a_pipe_that_breaks_again_and_again_costs_nothing_but_time() {
    // The pipe breaks between requests, within a request, or before a reply.
    let (question, half, answer) = (
        "sed -u 12q | {agent}",
        "stdbuf -o0 head -c 1500000 | {agent}",
        "{agent} | sed -u 40q",
    );
    // A reply in transit when the pipe breaks is lost silently, so the time-out must be short.
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
    // The second start of the agent fails.
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
    // With a working connection, the profile continues from the measurements so far.
    let mut runtime = connect("exec {agent}", PATIENT).unwrap();
    let report = bed.profile(&mut runtime, &mut |_| ()).unwrap();
    assert_eq!(
        (report.stop, report.layers),
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

/// Returns the error of the first connection, which is not retried.
fn refused(script: &str, timeout: Duration) -> (AgentError, String) {
    let error = connect(script, timeout).err().unwrap();
    let text = error.to_string();
    (error, text)
}

#[test]
fn what_is_no_agent_is_named() {
    let (error, text) = refused("yes '\u{1b}[31mred'", PATIENT);
    assert!(matches!(error, AgentError::Pipe(PipeError::Stray { .. })), "{text}");
    assert!(
        text.contains("writes lines that are not mnas-agent's: `[31mred`")
            && text.contains("must start the program itself"),
        "{text}"
    );
    let (error, text) = refused("exec sleep 60", Duration::from_millis(200));
    assert!(matches!(error, AgentError::Pipe(PipeError::TimedOut { .. })), "{text}");
    assert!(
        text.contains("within 200ms (expected: hello)") && text.contains("allow more time"),
        "{text}"
    );
    let (error, text) = refused("echo 'Connection refused' >&2; exit 255", PATIENT);
    assert!(matches!(error, AgentError::Pipe(PipeError::Ended { .. })), "{text}");
    assert!(
        text.contains("exit status: 255") && text.contains("its last line: `Connection refused`"),
        "{text}"
    );
    let (_, text) = refused("echo 'no such command'; exit 127", PATIENT);
    assert!(text.contains("its last line: `no such command`"), "{text}");
    let missing = device(&["/nowhere/ssh", "pi"], PATIENT);
    let error = AgentRuntime::connect(&missing, hurried()).err().unwrap();
    assert!(matches!(error, AgentError::Pipe(PipeError::Start { .. })), "{error}");
    assert!(
        error
            .to_string()
            .contains("cannot start mnas-agent with `/nowhere/ssh pi`"),
        "{error}"
    );
}

#[test]
fn an_agent_of_another_version_is_told_apart() {
    let script = r#"read -r line; echo '{"id":1,"hello":{"protocol":"mnas-agent","version":7,"program":"mnas-agent 9.1.0","new":{}}}'; exec cat"#;
    let (error, text) = refused(script, PATIENT);
    assert!(matches!(error, AgentError::Pipe(PipeError::Version { .. })), "{text}");
    assert!(
        text.contains("mnas-agent 9.1.0 with protocol mnas-agent 7")
            && text.contains("install the program of this version"),
        "{text}"
    );
}

#[test]
fn an_agent_without_its_runtime_says_so() {
    let script = "export ORT_DYLIB_PATH=/nowhere/libonnxruntime.so; exec {agent}";
    let mut device = scripted(script, PATIENT);
    device.runtime = RuntimeKind::OnnxRuntime;
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

/// Replies of an agent to some lines, without a pipe.
fn replies(lines: &str) -> Vec<serde_json::Value> {
    let mut output = Vec::new();
    let input = std::io::Cursor::new(lines.to_owned());
    let mut open = |device: &Device| mnas_latency::runtimes::open(device, &Libraries::default());
    mnas_latency::agent::serve(input, &mut output, "an agent", &mut open).unwrap();
    let text = String::from_utf8(output).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_agent_survives_wrong_requests() {
    let lines = [
        "not JSON",
        "",
        r#"{"id":7,"request":"dance"}"#,
        r#"{"id":8,"request":{"run":{"steps":[[1,1]]}}}"#,
        r#"{"id":9,"request":{"open":{"runtime":"libtorch","threads":1,"precision":"fp32","processor":"cpu"}}}"#,
        r#"{"id":10,"request":{"open":{"runtime":"fake","threads":1,"precision":"fp32","processor":"cpu"}}}"#,
        r#"{"id":11,"request":{"load":{"model":1,"name":"x","content":{"onnx":{"input":[3,8,8],"file":"not base64!"}}}}}"#,
        r#"{"id":12,"request":{"load":{"model":1,"name":"x","content":{"block":"conv_k1_c8"}}}}"#,
        r#"{"id":13,"request":{"load":{"model":1,"name":"x","content":{"onnx":{"input":[3,8,8],"file":"AAAA"}}}}}"#,
        r#"{"id":14,"request":{"run":{"steps":[[1,1],[2,1]]}}}"#,
        r#"{"id":15,"request":{"run":{"steps":[[1,1],[1,4]]}}}"#,
        r#"{"id":16,"request":{"unload":{"model":1}}}"#,
        r#"{"id":17,"request":{"unload":{"model":1}}}"#,
        r#"{"id":18,"hello":{"protocol":"mnas-agent","version":99,"more":1}}"#,
        r#"{"id":19,"request":"conditions"}"#,
    ];
    let replies = replies(&(lines.join("\n") + "\n{\"id\":20,\"request\":\"cut off"));
    let error = |index: usize| {
        let line = &replies[index];
        let reason = line["error"].as_str().or(line["reply"]["error"]["reason"].as_str());
        reason.unwrap_or_else(|| panic!("{line}"))
    };
    assert_eq!(replies.len(), lines.len() - 1);
    assert!(replies[0]["id"].is_null() && error(0).contains("not a request"));
    assert!(replies[1]["id"] == 7 && error(1).contains("dance"));
    assert!(error(2).contains("no runtime is open"));
    assert!(error(3).contains("libtorch"));
    assert_eq!(replies[4]["reply"]["opened"]["runtime"], "fake");
    assert_eq!(replies[4]["reply"]["opened"]["models"], "onnx");
    assert!(error(5).contains("not base64"));
    assert!(error(6).contains("the block key cannot be read"));
    assert_eq!(replies[7]["reply"], "loaded");
    assert!(error(8).contains("no model 2"));
    assert_eq!(replies[9]["reply"]["times"]["ms"].as_array().unwrap().len(), 2);
    assert_eq!(replies[10]["reply"], "unloaded");
    assert!(error(11).contains("no model 1"));
    assert_eq!(replies[12]["hello"]["version"], mnas_latency::agent::PROTOCOL.version);
    assert!(replies[13]["reply"]["conditions"].is_null());
}

/// Runtime as of another crate, which needs block keys and architectures.
struct Foreign(Arc<Mutex<Vec<String>>>);

struct Loaded;

impl Runtime for Foreign {
    fn name(&self) -> &'static str {
        "foreign"
    }

    fn version(&self) -> &'static str {
        "3"
    }

    fn model_form(&self) -> ModelForm {
        ModelForm::Blocks
    }

    fn load(&mut self, model: &Model) -> Result<Box<dyn LoadedModel>, RuntimeError> {
        let content = match &model.content {
            ModelContent::Block(key) => key.to_string(),
            ModelContent::Network(architecture) => architecture.to_string(),
            ModelContent::Onnx { .. } => "a file".to_owned(),
        };
        self.0.lock().unwrap().push(content);
        Ok(Box::new(Loaded))
    }
}

impl LoadedModel for Loaded {
    fn run(&mut self, inferences: u32) -> Result<Milliseconds, RuntimeError> {
        Ok(Milliseconds(f64::from(inferences)))
    }
}

#[test]
fn an_agent_serves_any_runtime_with_models_in_its_form() {
    let network = &networks()[0];
    let key = &keys()[0];
    let lines = [
        r#"{"id":2,"request":{"open":{"runtime":"libtorch","threads":2,"precision":"fp32","processor":"cuda"}}}"#
            .to_owned(),
        format!(r#"{{"id":3,"request":{{"load":{{"model":1,"name":"x","content":{{"block":"{key}"}}}}}}}}"#),
        format!(r#"{{"id":4,"request":{{"load":{{"model":2,"name":"y","content":{{"network":"{network}"}}}}}}}}"#),
        r#"{"id":5,"request":{"run":{"steps":[[2,3]]}}}"#.to_owned(),
    ];
    let loaded = Arc::new(Mutex::new(Vec::new()));
    let mut open = |device: &Device| -> Result<Box<dyn Runtime>, RuntimeError> {
        assert_eq!((device.runtime, device.threads), (RuntimeKind::LibTorch, 2));
        assert_eq!(device.processor, Processor::Cuda);
        Ok(Box::new(Foreign(Arc::clone(&loaded))))
    };
    let mut output = Vec::new();
    let input = std::io::Cursor::new(lines.join("\n") + "\n");
    mnas_latency::agent::serve(input, &mut output, "an agent", &mut open).unwrap();
    let output = String::from_utf8(output).unwrap();
    let replies: Vec<serde_json::Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let opened = &replies[0]["reply"]["opened"];
    assert_eq!(
        (&opened["runtime"], &opened["models"]),
        (&"foreign".into(), &"blocks".into())
    );
    assert_eq!(replies[3]["reply"]["times"]["ms"][0], 3.0);
    assert_eq!(*loaded.lock().unwrap(), [key.to_string(), network.to_string()]);
}

#[test]
fn the_coordinator_sends_models_in_the_form_that_the_agent_needs() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    // The fake runtime accepts both forms; the script changes the reply so that the coordinator sends block keys.
    let script = format!(
        "tee {} | {{agent}} | sed -u 's/\"models\":\"onnx\"/\"models\":\"blocks\"/'",
        seen.display()
    );
    let (bed, report) = profiled(&script, PATIENT);
    assert_complete(&bed, &report);
    let lines = std::fs::read_to_string(seen).unwrap();
    for key in keys() {
        assert!(lines.contains(&format!(r#""content":{{"block":"{key}"}}"#)), "{key}");
    }
    for network in networks() {
        assert!(
            lines.contains(&format!(r#""content":{{"network":"{network}"}}"#)),
            "{network}"
        );
    }
    assert!(!lines.contains("\"file\""));
}
