//! Outcome of a study: its tables without times, its files, and the trials that it finished.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::error::{Error, Result};

/// Tables that two runs of one study share.
const TABLES: [&str; 3] = ["trials.csv", "front.csv", "finalists.csv"];

/// The column of a table that depends on the machine.
const TIME: &str = "train_seconds";

/// Parts of a study that do not depend on interruptions.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Rows of the tables without times, by file.
    tables: BTreeMap<&'static str, Vec<Vec<String>>>,
    /// Paths of all files but logs.
    files: BTreeSet<String>,
    /// Number of times that each trial was finished.
    finished: BTreeMap<u64, usize>,
}

impl Outcome {
    /// Reads the outcome of a study that is done.
    pub fn read(study: &Path) -> Result<Self> {
        let mut tables = BTreeMap::new();
        for name in TABLES {
            tables.insert(name, without_times(&read(&study.join(name))?));
        }
        let mut files = BTreeSet::new();
        list(study, study, &mut files)?;
        Ok(Self {
            tables,
            files,
            finished: count_events(&read(&study.join("trials.jsonl"))?, "finished"),
        })
    }

    /// Numbers of rows, but for headers: trials, networks on the front, networks trained to the end.
    pub fn sizes(&self) -> [usize; 3] {
        TABLES.map(|name| self.tables[name].len().saturating_sub(1))
    }

    /// Differences from the outcome of another run, a line each.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for name in TABLES {
            let (ours, theirs) = (&self.tables[name], &other.tables[name]);
            if ours.len() != theirs.len() {
                found.push(format!("{name} has {} lines in place of {}", theirs.len(), ours.len()));
            }
            let differing = ours.iter().zip(theirs).position(|(one, other)| one != other);
            if let Some(line) = differing {
                found.push(format!(
                    "{name}, line {}: `{}` in place of `{}`",
                    line + 1,
                    theirs[line].join(","),
                    ours[line].join(",")
                ));
            }
        }
        found.extend(
            other
                .files
                .difference(&self.files)
                .map(|file| format!("{file} is left over")),
        );
        found.extend(
            self.files
                .difference(&other.files)
                .map(|file| format!("{file} is missing")),
        );
        let repeated = other.finished.iter().filter(|(_, times)| **times != 1);
        found.extend(repeated.map(|(trial, times)| format!("trial {trial} was finished {times} times")));
        found
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Error::io("read", path, &error))
}

/// Adds the paths of all files in a folder but logs, relative to `root`.
fn list(folder: &Path, root: &Path, into: &mut BTreeSet<String>) -> Result<()> {
    let failed = |error| Error::io("list", folder, &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let relative = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        if path.is_dir() && relative != "logs" {
            list(&path, root, into)?;
        } else if path.is_file() {
            into.insert(relative);
        }
    }
    Ok(())
}

/// Rows of a CSV text without the column of times.
fn without_times(text: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = text.lines().map(fields).collect();
    let column = rows
        .first()
        .and_then(|header| header.iter().position(|name| name == TIME));
    if let Some(column) = column {
        for row in rows.iter_mut().filter(|row| row.len() > column) {
            row.remove(column);
        }
    }
    rows
}

/// Fields of a line of CSV; a comma within quotes separates nothing.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    for character in line.chars() {
        match (character, fields.last_mut()) {
            ('"', _) => is_quoted = !is_quoted,
            (',', _) if !is_quoted => fields.push(String::new()),
            (character, Some(field)) => field.push(character),
            (_, None) => {}
        }
    }
    fields
}

/// Number of trials that a journal has finished; none where it is not there yet.
pub fn count_finished(journal: &Path) -> usize {
    count_events(&fs::read_to_string(journal).unwrap_or_default(), "finished").len()
}

/// Number of times that each trial of a journal was given to a worker.
pub fn attempts(journal: &Path) -> BTreeMap<u64, usize> {
    count_events(&fs::read_to_string(journal).unwrap_or_default(), "started")
}

/// Number of events of a kind that each trial has in a journal.
fn count_events(journal: &str, kind: &str) -> BTreeMap<u64, usize> {
    let start = format!("\"{kind}\":{{\"trial\":");
    let mut found = BTreeMap::new();
    for line in journal.lines() {
        let trial = line
            .split_once(&start)
            .and_then(|(_, rest)| rest.split([',', '}']).next()?.parse().ok());
        if let Some(trial) = trial {
            *found.entry(trial).or_insert(0) += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "trial,architecture,train_seconds,top1\n";

    fn outcome(row: &str, journal: &str, extra: Option<&str>) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        for name in TABLES {
            fs::write(folder.path().join(name), format!("{HEADER}{row}\n")).unwrap();
        }
        fs::write(folder.path().join("trials.jsonl"), journal).unwrap();
        fs::create_dir_all(folder.path().join("logs")).unwrap();
        fs::write(folder.path().join("logs/worker-0.log"), "").unwrap();
        if let Some(extra) = extra {
            fs::create_dir_all(folder.path().join("weights")).unwrap();
            fs::write(folder.path().join("weights").join(extra), "").unwrap();
        }
        Outcome::read(folder.path()).unwrap()
    }

    #[test]
    fn times_do_not_count_and_everything_else_does() {
        let once = "{\"event\":{\"finished\":{\"trial\":0,\"x\":1}}}\n";
        let plain = outcome("0,\"in16,conv\",1.5,61.2", once, None);
        assert_eq!(plain.sizes(), [1, 1, 1]);
        assert!(
            plain
                .differences(&outcome("0,\"in16,conv\",9.25,61.2", once, None))
                .is_empty()
        );
        let other = outcome("0,\"in16,conv\",1.5,61.3", &once.repeat(2), Some("0.partial"));
        let found = plain.differences(&other);
        assert_eq!(
            found[0],
            "trials.csv, line 2: `0,in16,conv,61.3` in place of `0,in16,conv,61.2`"
        );
        assert!(
            found.contains(&"weights/0.partial is left over".to_owned()),
            "{found:?}"
        );
        assert!(found.contains(&"trial 0 was finished 2 times".to_owned()), "{found:?}");
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn a_lost_row_is_told() {
        let whole = outcome("0,a,1,2\n1,b,1,2", "", None);
        let found = whole.differences(&outcome("0,a,1,2", "", None));
        assert_eq!(found[0], "trials.csv has 2 lines in place of 3");
    }
}
