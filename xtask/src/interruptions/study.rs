//! The study of this check: its command lines, and one process that runs it.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::processes;
use super::schedule::{Schedule, Victim};
use crate::environment::{self, workspace};
use crate::error::{Error, Result};
use crate::program;

/// A search that trains for real, in few minutes: no device, since measured latencies are never twice the same, and tiny networks, so
/// that a trial takes about a second. Its space and recipe are in `xtask/interruptions`.
const SEARCH: &str =
    "--max-macs 900k --proxy-scale 1 --trials 24 --references 1 --seed 3 --threads-per-worker 1 --finalists 2";

/// Time between two looks at a process.
const POLL: Duration = Duration::from_millis(10);

/// Workers of a study.
#[derive(Debug, Clone)]
pub enum Workers {
    /// Two processes on this machine.
    Local,
    /// Those of a configuration file.
    File(PathBuf),
}

/// The program under test and its data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The program where one is named; else it is built.
    pub mnas: Option<PathBuf>,
    /// Path, or `demo`.
    pub path: PathBuf,
    /// Most images of a split.
    pub images: usize,
}

impl Subject {
    /// The program of this workspace with synthetic images; few, so that a trial takes about a second.
    pub fn demo() -> Self {
        Self {
            mnas: None,
            path: "demo".into(),
            images: 200,
        }
    }

    /// Takes one argument with its value; false for one that is about something else, `None` for a wrong value.
    pub fn take(&mut self, flag: &OsStr, value: &OsStr) -> Option<bool> {
        match flag.to_str() {
            Some("--data") if value == "demo" => self.path = value.into(),
            Some("--data") => self.path = std::path::absolute(value).ok()?,
            Some("--mnas") => self.mnas = Some(std::path::absolute(value).ok()?),
            Some("--images") => self.images = value.to_str()?.parse().ok()?,
            _ => return Some(false),
        }
        Some(true)
    }
}

/// Path of the program under test, built where none is named; or the exit code of a failed build.
pub fn program_of(subject: &Subject) -> Result<std::result::Result<PathBuf, ExitCode>> {
    match &subject.mnas {
        Some(mnas) => Ok(Ok(mnas.clone())),
        None => program::built(),
    }
}

/// A new folder beside the running program; a former one of the name is removed.
pub fn empty_folder(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(|error| Error::io("find", Path::new("the running program"), &error))?;
    let place = own.with_file_name(name);
    if place.exists() {
        std::fs::remove_dir_all(&place).map_err(|error| Error::io("remove", &place, &error))?;
    }
    std::fs::create_dir_all(&place).map_err(|error| Error::io("create", &place, &error))?;
    Ok(place)
}

/// A study in a folder of its own.
#[derive(Debug)]
pub struct Study {
    mnas: PathBuf,
    subject: Subject,
    workers: Workers,
    /// Working folder of its processes.
    place: PathBuf,
}

impl Study {
    /// A study that has not begun, in the new folder `place`.
    pub fn new(mnas: &Path, subject: &Subject, workers: &Workers, place: &Path) -> Result<Self> {
        std::fs::create_dir_all(place).map_err(|error| Error::io("create", place, &error))?;
        Ok(Self {
            mnas: mnas.to_path_buf(),
            subject: subject.clone(),
            workers: workers.clone(),
            place: place.to_path_buf(),
        })
    }

    /// The study's folder.
    pub fn folder(&self) -> PathBuf {
        self.place.join("study")
    }

    /// Starts the search, or goes on with it where it has begun.
    pub fn start(&self) -> Result<Running> {
        let mut command = Command::new(&self.mnas);
        if self.folder().join("study.toml").exists() {
            command.args(["search", "--resume", "--out", "study"]);
        } else {
            let images = self.subject.images.to_string();
            command.args([
                "search",
                "--out",
                "study",
                "--images",
                &images,
                "--final-images",
                &images,
            ]);
            command
                .arg("--data")
                .arg(&self.subject.path)
                .args(SEARCH.split_whitespace());
            let files = workspace().join("xtask/interruptions");
            command.arg("--space").arg(files.join("space.toml"));
            for flag in ["--recipe", "--final-recipe"] {
                command.arg(flag).arg(files.join("recipe.toml"));
            }
        }
        match &self.workers {
            Workers::Local => command.args(["--workers", "2"]),
            Workers::File(path) => command.arg("--config").arg(path),
        };
        environment::forget_own_package(&mut command);
        let log = self.log();
        let output = File::options().create(true).append(true).open(&log);
        let output = output.map_err(|error| Error::io("write", &log, &error))?;
        command
            .current_dir(&self.place)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child = command.stderr(output).spawn();
        Ok(Running {
            child: child.map_err(|error| Error::io("start", &self.mnas, &error))?,
        })
    }

    /// Runs the study to its end; a failure is an error with the end of its log.
    pub fn finish(&self) -> Result<()> {
        let mut running = self.start()?;
        match running.wait(None)? {
            Some(status) => self.check(status),
            None => Ok(()),
        }
    }

    /// Refuses the end of a process that failed.
    pub fn check(&self, status: ExitStatus) -> Result<()> {
        if status.success() {
            return Ok(());
        }
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        Err(Error::new(
            format!(
                "the search ended with {status}:\n{}",
                lines[lines.len().saturating_sub(12)..].join("\n")
            ),
            format!("the whole log is {}", self.log().display()),
        ))
    }

    fn log(&self) -> PathBuf {
        self.place.join("log.txt")
    }
}

/// A coordinator under way; it is killed with the guard at the latest.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

/// Effect of a kill.
#[derive(Debug, Default)]
pub struct Killed {
    /// Kind of the processes that were killed.
    pub victim: Option<Victim>,
    /// Processes that did not end with their coordinator.
    pub orphans: Vec<u32>,
    /// Time until all processes were gone.
    pub took: Duration,
}

impl Running {
    /// Waits for the end, at most for `time`; `None` of a process that still runs.
    pub fn wait(&mut self, time: Option<Duration>) -> Result<Option<ExitStatus>> {
        let started = Instant::now();
        loop {
            let status = self.child.try_wait();
            if let Some(status) = status.map_err(|error| Error::io("wait for", Path::new("mnas"), &error))? {
                return Ok(Some(status));
            }
            if time.is_some_and(|time| started.elapsed() >= time) {
                return Ok(None);
            }
            std::thread::sleep(POLL);
        }
    }

    /// Kills what the schedule says; a coordinator without workers is killed in place of one of these.
    pub fn kill(&mut self, schedule: &mut Schedule) -> Result<Killed> {
        let victim = schedule.victim();
        let started = processes::descendants(self.child.id())?;
        if victim == Victim::Worker
            && let Some(worker) = schedule.choose(&started)
        {
            processes::kill(worker)?;
            return Ok(Killed {
                victim: Some(victim),
                ..Killed::default()
            });
        }
        let began = Instant::now();
        processes::kill(self.child.id())?;
        if victim == Victim::All {
            for &worker in &started {
                processes::kill(worker)?;
            }
        }
        self.wait(None)?;
        let orphans = processes::wait_until_gone(&started)?;
        Ok(Killed {
            victim: Some(if victim == Victim::All {
                victim
            } else {
                Victim::Coordinator
            }),
            orphans,
            took: began.elapsed(),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Has ended already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
