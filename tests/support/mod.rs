//! A folder to run `mnas` in, the files of a study, and processes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::assert::Assert;
use tempfile::TempDir;

mod real_data;

pub use real_data::real_data;

/// Time limit of a command, also on a busy machine.
const PATIENCE: Duration = Duration::from_mins(4);

/// A few hundred networks that train in a moment.
const SPACE: &str = r#"name = "tiny"
description = "a few hundred small networks"
reference = [{ name = "mobilenet-v3-small", width = 0.35, resolution = 24 }]

[[family]]
name = "small"
width = [0.5, 1.0, 1.5]
resolution = [16, 20, 24]
stage = [
  { block = "conv", kernel = 3, stride = 2, channels = 8, activation = "relu6" },
  { block = "ir", kernel = [3, 5], expansion = [1, 2, 3], stride = 2, channels = 16, depth = [1, 2], activation = "relu6" },
  { block = "ir", kernel = [3, 5], expansion = [2, 3], stride = 2, channels = 24, depth = [1, 2], activation = "hard-swish" },
]
"#;

/// A recipe of few steps of large size: accuracies far from good, and far from equal.
pub fn recipe(name: &str, epochs: u32) -> String {
    format!(
        r#"name = "{name}"
epochs = {epochs}
batch-size = 4
learning-rate = 1.0
momentum = 0.9
weight-decay = 4e-5
label-smoothing = 0.0
warmup-epochs = 0.5
augmentation = {{ crop-flip = {{ padding = 0.125 }} }}
"#
    )
}

/// The budget of the tests' searches, on a device with invented latencies: some networks of the space are slower.
pub const BUDGET_MS: f64 = 0.07;

/// The flags of a small search, but for trials and seed.
const SEARCH: &str = "search --budget 0.07ms --device fake --space space.toml --recipe recipe.toml --data demo --images 60 \
     --proxy-scale 1 --workers 2 --references 0 --profile-time 60s --tables tables --out study --config search.toml";

/// Settings that a search would otherwise measure on the machine.
const CONFIG: &str = "threads-per-worker = 1\n";

/// Returns true if LiteRT is set up; otherwise reports that the test is skipped, which fails in continuous integration.
pub fn has_litert() -> bool {
    let given = std::env::var_os("LITERT_DYLIB_PATH").is_some_and(|path| !path.is_empty());
    if given || option_env!("LITERT_DYLIB_PATH").is_some_and(|path| !path.is_empty()) {
        return true;
    }
    let is_required = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(
        !is_required,
        "LITERT_DYLIB_PATH is not set; run the tests with `cargo xtask test`"
    );
    let line = "SKIPPED a test of TFLite files: LITERT_DYLIB_PATH, the path of a library, is not set\n";
    // Not with `eprintln!`, which the test harness shows for failed tests only.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    false
}

/// A folder with a small space, a short recipe and a configuration, removed at the end.
pub struct Workplace {
    folder: TempDir,
}

impl Workplace {
    pub fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        place.write("space.toml", SPACE);
        place.write("recipe.toml", recipe("tiny", 3));
        place.write("search.toml", CONFIG);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and the folders it needs.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Changes a text in a file; the text has to be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no `{from}`:\n{text}");
        self.write(name, text.replacen(from, to, 1));
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// `mnas` with the words of `line`, in this folder, to be started.
    pub fn mnas(&self, line: &str) -> Command {
        self.command(env!("CARGO_BIN_EXE_mnas"), line.split_whitespace())
    }

    /// Any program in this folder with the environment of a test.
    pub fn command<'a>(&self, program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        for variable in ["MNAS_LOG", "COLUMNS", "RUST_BACKTRACE"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs `mnas` to its end.
    pub fn run(&self, line: &str) -> Assert {
        assert_cmd::Command::from_std(self.mnas(line))
            .timeout(PATIENCE)
            .assert()
    }

    /// Runs a small search to its end.
    pub fn search(&self, flags: &str) -> Assert {
        self.run(&search_line(flags))
    }

    /// Resumes a study.
    pub fn resume(&self, study: &str) -> Assert {
        self.run(&format!("search --resume --out {study} --workers 2 --tables tables"))
    }

    /// Starts a small search and leaves it running; it is killed with the guard at the latest.
    pub fn start_search(&self, flags: &str) -> Running {
        let stderr = fs::File::create(self.path("stderr.txt")).unwrap();
        let mut command = self.mnas(&search_line(flags));
        Running {
            child: command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap(),
        }
    }

    /// The rows of `trials.csv` or `front.csv` without the seconds that a training took.
    pub fn rows(&self, file: &str) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.path(file)).unwrap();
        let rows = reader.deserialize::<BTreeMap<String, String>>().map(Result::unwrap);
        rows.map(|mut row| {
            row.remove("train_seconds").unwrap();
            row
        })
        .collect()
    }

    /// Number of finished trials in the journal of a study.
    pub fn finished_trials(&self, study: &str) -> usize {
        let journal = fs::read_to_string(self.path(study).join("trials.jsonl")).unwrap_or_default();
        journal.lines().filter(|line| line.contains("\"finished\"")).count()
    }

    /// Waits until a running search has finished this many trials and is not done.
    pub fn wait_for_trials(&self, running: &mut Running, count: usize) {
        running.wait_until(&format!("{count} trials are finished"), || {
            self.finished_trials("study") >= count
        });
    }
}

/// The command line of a small search with further flags; the last of equal flags counts here.
pub fn search_line(flags: &str) -> String {
    let given: Vec<&str> = flags.split_whitespace().filter(|word| word.starts_with("--")).collect();
    let words: Vec<&str> = SEARCH.split_whitespace().collect();
    let mut line = vec![words[0]];
    for pair in words[1..].chunks(2).filter(|pair| !given.contains(&pair[0])) {
        line.extend(pair);
    }
    format!("{} {flags}", line.join(" "))
}

/// A process that is killed when the test ends early.
pub struct Running {
    pub child: Child,
}

impl Running {
    /// Waits until a condition holds while the process runs.
    pub fn wait_until(&mut self, what: &str, condition: impl Fn() -> bool) {
        let started = Instant::now();
        while !condition() {
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "the process ended before {what}"
            );
            assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The processes it started.
    pub fn children(&self) -> Vec<u32> {
        let children = processes()
            .into_iter()
            .filter(|process| process.parent == self.child.id());
        children.map(|process| process.id).collect()
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits for the end and returns the exit code; `None` for a process that was killed.
    pub fn exit_code(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(started.elapsed() < PATIENCE, "the process does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Has ended already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to one process.
pub fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "cannot send {name} to {process}");
}

/// Waits until processes have ended.
pub fn wait_until_gone(wanted: &[u32]) {
    let started = Instant::now();
    loop {
        let left: Vec<u32> = processes()
            .into_iter()
            .map(|process| process.id)
            .filter(|id| wanted.contains(id))
            .collect();
        if left.is_empty() {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "processes {left:?} are left behind"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

struct Process {
    id: u32,
    parent: u32,
}

/// The running processes that have not ended, by `ps`; zombies count as ended.
fn processes() -> Vec<Process> {
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid=,stat="])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let parse = |line: &str| {
        let mut words = line.split_whitespace();
        let (id, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        (!words.next()?.starts_with('Z')).then_some(Process { id, parent })
    };
    text.lines().filter_map(parse).collect()
}

/// A number in the field of a row.
pub fn number(row: &BTreeMap<String, String>, field: &str) -> f64 {
    row[field]
        .parse()
        .unwrap_or_else(|error| panic!("{field} `{}`: {error}", row[field]))
}

/// Output of the command on stdout.
pub fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// Output of the command on stderr, on one line and without the frame around errors, so that it can be searched whatever the
/// breaks.
pub fn stderr(assert: &Assert) -> String {
    flat(&String::from_utf8_lossy(&assert.get_output().stderr))
}

/// A text on one line; frames of errors are left out, also where they cut a word.
pub fn flat(text: &str) -> String {
    text.replace(['│', '×', '╰', '─', '▶'], " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Asserts that a text contains others.
#[track_caller]
pub fn contains_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

/// Asserts an exit code and texts on stderr.
#[track_caller]
pub fn refused(assert: Assert, code: i32, texts: &[&str]) -> Assert {
    let said = stderr(&assert);
    let found = assert.get_output().status.code();
    assert_eq!(found, Some(code), "{said}");
    // A long path may be cut by a line break of the report.
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    for text in texts {
        assert!(squeezed(&said).contains(&squeezed(text)), "`{text}` is not in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    assert
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
