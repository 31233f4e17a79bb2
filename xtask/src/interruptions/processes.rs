//! Processes by `ps`, and their end by `kill`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// A process has to be gone this long after its coordinator.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running process. One that has ended and waits for its parent to take note does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    id: u32,
    parent: u32,
}

/// Processes that one started, and those that these started.
pub fn descendants(of: u32) -> Result<Vec<u32>> {
    let all = running()?;
    let mut found = vec![of];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(
            all.iter()
                .filter(|process| process.parent == parent)
                .map(|process| process.id),
        );
        next += 1;
    }
    found.remove(0);
    Ok(found)
}

/// Ends a process at once, as `kill -9` does. One that is gone already is no error.
pub fn kill(id: u32) -> Result<()> {
    let mut command = Command::new("kill");
    command
        .args(["-9", &id.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
        .status()
        .map_err(|error| Error::io("start", Path::new("kill"), &error))?;
    Ok(())
}

/// Waits until processes are gone, and returns those that are not, which are then killed.
pub fn wait_until_gone(wanted: &[u32]) -> Result<Vec<u32>> {
    let started = Instant::now();
    loop {
        let left: Vec<u32> = running()?
            .iter()
            .map(|process| process.id)
            .filter(|id| wanted.contains(id))
            .collect();
        if left.is_empty() {
            return Ok(left);
        }
        if started.elapsed() > PATIENCE {
            for &id in &left {
                kill(id)?;
            }
            return Ok(left);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn running() -> Result<Vec<Process>> {
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid=,stat="])
        .output()
        .map_err(|error| Error::io("start", Path::new("ps"), &error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(parse).collect())
}

/// A line of `ps -o pid=,ppid=,stat=`; `None` for a process that has ended.
fn parse(line: &str) -> Option<Process> {
    let mut words = line.split_whitespace();
    let (id, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (!words.next()?.starts_with('Z')).then_some(Process { id, parent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_processes_do_not_run() {
        assert_eq!(parse("  12     1 Ss"), Some(Process { id: 12, parent: 1 }));
        assert_eq!(parse("  13    12 Z+"), None);
        assert_eq!(parse("PID PPID STAT"), None);
    }

    #[test]
    fn a_process_is_found_killed_and_gone() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(descendants(std::process::id()).unwrap().contains(&child.id()));
        kill(child.id()).unwrap();
        assert!(!child.wait().unwrap().success());
        assert!(wait_until_gone(&[child.id()]).unwrap().is_empty());
    }
}
