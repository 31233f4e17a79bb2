//! Child process in its own process group, with pipes to its stdin and stdout.

use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::command::CommandLine;
use super::stderr::{ErrorOutput, StderrTarget};

/// Polling interval while waiting for a process to end.
const POLL: Duration = Duration::from_millis(5);

/// Time between the request to terminate and the kill: launchers such as `srun` end what they started elsewhere first.
const TERMINATION: Duration = Duration::from_millis(500);

/// Child process with its process group.
#[derive(Debug)]
pub(super) struct Process {
    id: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    child: Child,
    ended: Option<End>,
}

/// Way in which a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Exit by itself, with this status.
    Exited(String),
    /// Killed by the coordinator.
    Killed,
}

/// Newly started process with its pipes.
pub(super) struct Started {
    pub process: Process,
    pub input: Option<ChildStdin>,
    pub output: Option<ChildStdout>,
    pub errors: ErrorOutput,
}

impl Process {
    /// Starts a command in its own process group, so that Ctrl-C in the coordinator's terminal does not reach it.
    pub fn start(command: &CommandLine, stderr: StderrTarget) -> std::io::Result<Started> {
        let (program, arguments) = command
            .words()
            .split_first()
            .unwrap_or_else(|| panic!("a command line has a program"));
        let mut process = Command::new(program);
        process
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr.stdio()?);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut process, 0);
        let mut child = process.spawn()?;
        let errors = stderr.follow(child.stderr.take());
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let process = Self {
            id: child.id(),
            state: Mutex::new(State { child, ended: None }),
        };
        Ok(Started {
            process,
            input,
            output,
            errors,
        })
    }

    /// Identifier of the process, which is also that of its group.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Waits at most `grace` for the process to exit, then kills the rest of its group.
    pub fn end(&self, grace: Duration) -> End {
        let deadline = Instant::now() + grace;
        loop {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(end) = &state.ended {
                return end.clone();
            }
            let has_exited = self.has_exited(&mut state.child);
            if has_exited || Instant::now() >= deadline {
                return self.reap(&mut state, has_exited);
            }
            // Releases the lock, so that another thread with a shorter grace period can end the process.
            drop(state);
            thread::sleep(POLL);
        }
    }

    /// Terminates the group, kills what is left of it and reaps the process. Until it is reaped, its identifier cannot be reused for
    /// another group.
    fn reap(&self, state: &mut State, has_exited: bool) -> End {
        if !has_exited {
            self.terminate_group();
            let deadline = Instant::now() + TERMINATION;
            while !self.has_exited(&mut state.child) && Instant::now() < deadline {
                thread::sleep(POLL);
            }
        }
        self.kill_group();
        // Kills the process itself in case the group could not be killed.
        let _ = state.child.kill();
        let status = state
            .child
            .wait()
            .map_or_else(|error| error.to_string(), |status| status.to_string());
        let end = if has_exited { End::Exited(status) } else { End::Killed };
        state.ended = Some(end.clone());
        end
    }

    fn terminate_group(&self) {
        #[cfg(unix)]
        self.signal_group(rustix::process::Signal::TERM);
    }

    fn kill_group(&self) {
        #[cfg(unix)]
        self.signal_group(rustix::process::Signal::KILL);
    }

    #[cfg(unix)]
    fn signal_group(&self, signal: rustix::process::Signal) {
        if let Some(group) = self.unix_id() {
            // A group that has ended already needs no signal.
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }

    /// Returns true if the process has exited; does not reap it.
    #[cfg(unix)]
    fn has_exited(&self, _child: &mut Child) -> bool {
        use rustix::process::{WaitId, WaitIdOptions, waitid};

        let Some(id) = self.unix_id() else { return true };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(id), options), Ok(None))
    }

    #[cfg(not(unix))]
    fn has_exited(&self, child: &mut Child) -> bool {
        !matches!(child.try_wait(), Ok(None))
    }

    #[cfg(unix)]
    fn unix_id(&self) -> Option<rustix::process::Pid> {
        i32::try_from(self.id).ok().and_then(rustix::process::Pid::from_raw)
    }
}
