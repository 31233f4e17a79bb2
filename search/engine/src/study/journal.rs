//! `trials.jsonl`: every event of a study, one JSON document per line.
//!
//! The first line names the format and its version; the lines after it are events with the time at which they were written.
//! Events are appended in memory and reach the disk, synced, with [`Journal::commit`]. A last line without its end, the trace
//! of a crash while writing, is ignored by [`Journal::read`] and cut off by [`Journal::open`].

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::finals::FinalEvent;
use super::trial_kind::TrialKind;
use crate::evaluator::{Evaluation, Fidelity};
use crate::files::{self, FileError};
use crate::problem::Costs;
use crate::worker::Ready;

/// Version of the journal's format.
pub const JOURNAL_VERSION: u32 = 2;

/// Name of the journal's format.
const FORMAT: &str = "mnas-journal";

/// An event of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A process began to work on the study.
    Session {
        /// Its command line.
        command: Vec<String>,
        /// Its version.
        mnas: String,
    },
    /// The images were loaded for the first time.
    Data(Box<Ready>),
    /// A network was chosen to be evaluated.
    Proposed {
        /// Number of the trial, from 0.
        trial: u64,
        /// Candidate or reference.
        kind: TrialKind,
        /// The network as deployed, as a string.
        architecture: String,
        /// Its costs.
        costs: Costs,
        /// Seed of its evaluation.
        seed: u64,
        /// Fidelity of the trial.
        #[serde(default, skip_serializing_if = "is_full")]
        fidelity: Fidelity,
        /// The trial whose training it continues.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start_from: Option<u64>,
    },
    /// A trial was given to the evaluator.
    Started {
        /// The trial.
        trial: u64,
        /// Number of the attempt, from 1.
        attempt: u32,
    },
    /// A trial finished with a result.
    Finished {
        /// The trial.
        trial: u64,
        /// Its result.
        result: Evaluation,
        /// The worker that evaluated it.
        worker: String,
    },
    /// A trial failed, or its workers were lost too often.
    Failed {
        /// The trial.
        trial: u64,
        /// The reason.
        reason: String,
        /// The worker that evaluated it last.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        worker: String,
    },
    /// A whole network was measured on a device.
    Measured {
        /// The trial.
        trial: u64,
        /// Index of the device in the study's problem.
        #[serde(default)]
        device: usize,
        /// Median latency.
        latency_ms: f64,
    },
    /// An event of the training of a finalist.
    Final(FinalEvent),
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_full(fidelity: &Fidelity) -> bool {
    *fidelity == Fidelity::Full
}

/// An event with the time at which it was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Milliseconds since 1970; the course of a study does not depend on it.
    pub at: u64,
    /// The event.
    pub event: Event,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
}

/// A journal that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal is of another version.
    #[error(
        "{}: a journal of version {found}, this mnas reads version {JOURNAL_VERSION}; use the mnas that wrote it, or start a new study",
        path.display()
    )]
    Version {
        /// The journal.
        path: PathBuf,
        /// Its version; journals without a first line that names one are of version 1.
        found: u32,
    },
    /// A line in the middle is damaged.
    #[error(
        "{}, line {line}: not an event of this version of mnas ({problem}); restore the file, or remove this line and \
         all after it to go on from there", path.display()
    )]
    Broken {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Message of the reader.
        problem: String,
    },
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Lines that are not on the disk yet.
    buffer: Vec<u8>,
    /// Bytes of the file, all of them whole lines.
    length: u64,
}

impl Journal {
    /// Every complete entry of the file; none where there is no file.
    pub fn read(path: &Path) -> Result<Vec<Entry>, JournalError> {
        Ok(parse(path)?.0)
    }

    /// Opens the journal to append to it, and reads its entries; a torn last line is cut off.
    pub fn open(path: &Path) -> Result<(Self, Vec<Entry>), JournalError> {
        let (entries, length) = parse(path)?;
        let write = |source| FileError::write(path, source);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(write)?;
        file.set_len(length).map_err(write)?;
        file.seek(SeekFrom::End(0)).map_err(write)?;
        let mut journal = Self {
            file,
            path: path.to_path_buf(),
            buffer: Vec::new(),
            length,
        };
        if length == 0 {
            journal.append_line(&Header {
                format: FORMAT.to_owned(),
                version: JOURNAL_VERSION,
            })?;
            journal.commit()?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            files::sync_folder(folder.unwrap_or(Path::new("."))).map_err(write)?;
        }
        Ok((journal, entries))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends an event at the present time; it is on the disk after the next [`Journal::commit`]. Returns the time.
    pub fn append(&mut self, event: &Event) -> Result<u64, JournalError> {
        #[derive(Serialize)]
        struct Line<'a> {
            at: u64,
            event: &'a Event,
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let at = since.map_or(0, |since| since.as_millis() as u64);
        self.append_line(&Line { at, event })?;
        Ok(at)
    }

    fn append_line(&mut self, line: &impl Serialize) -> Result<(), JournalError> {
        let start = self.buffer.len();
        if let Err(error) = serde_json::to_writer(&mut self.buffer, line) {
            self.buffer.truncate(start);
            return Err(FileError::write(&self.path, error.into()).into());
        }
        self.buffer.push(b'\n');
        Ok(())
    }

    /// Writes and syncs all appended events. After a failure (a full disk) the file has its previous length, and the events remain
    /// to be committed.
    pub fn commit(&mut self) -> Result<(), JournalError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.file.write_all(&self.buffer).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // An incomplete line is removed, so that the next line does not continue it.
            let _ = self
                .file
                .set_len(self.length)
                .and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
            return Err(FileError::write(&self.path, source).into());
        }
        self.length += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// The entries, and how many bytes of the file they take with the header.
fn parse(path: &Path) -> Result<(Vec<Entry>, u64), JournalError> {
    let read = |source| FileError::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut text = Vec::new();
    match File::open(path) {
        Ok(mut file) => file.read_to_end(&mut text).map_err(read)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(source) => return Err(read(source).into()),
    };
    let complete = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    let mut entries = Vec::new();
    for (index, line) in text[..complete].split(|&byte| byte == b'\n').enumerate() {
        if index == 0 && !line.is_empty() {
            check_header(path, line)?;
            continue;
        }
        if line.is_empty() {
            continue;
        }
        entries.push(serde_json::from_slice(line).map_err(|error| JournalError::Broken {
            path: path.to_path_buf(),
            line: index + 1,
            problem: error.to_string(),
        })?);
    }
    Ok((entries, complete as u64))
}

fn check_header(path: &Path, line: &[u8]) -> Result<(), JournalError> {
    let found = match serde_json::from_slice::<Header>(line) {
        Ok(header) if header.format == FORMAT => header.version,
        // The first version had no header.
        _ if serde_json::from_slice::<serde_json::Value>(line).is_ok_and(|line| line.get("event").is_some()) => 1,
        _ => {
            return Err(JournalError::Broken {
                path: path.to_path_buf(),
                line: 1,
                problem: "it does not name the format of a journal".to_owned(),
            });
        }
    };
    if found == JOURNAL_VERSION {
        return Ok(());
    }
    Err(JournalError::Version {
        path: path.to_path_buf(),
        found,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(trial: u64) -> Event {
        Event::Started { trial, attempt: 1 }
    }

    fn events(path: &Path) -> Vec<Event> {
        let entries = Journal::read(path).unwrap();
        entries.into_iter().map(|entry| entry.event).collect()
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_the_rest_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let (mut journal, entries) = Journal::open(&path).unwrap();
        assert!(entries.is_empty());
        for trial in 0..3 {
            journal.append(&event(trial)).unwrap();
            journal.commit().unwrap();
        }
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        let before_last = events(&path)[..2].to_vec();
        let last_line = whole[..whole.len() - 1]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .unwrap()
            + 1;
        // Killed after any number of bytes of the last line.
        for cut in last_line..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (mut journal, _) = Journal::open(&path).unwrap();
            assert_eq!(events(&path), before_last);
            journal.append(&event(9)).unwrap();
            journal.commit().unwrap();
            assert_eq!(events(&path).last(), Some(&event(9)));
        }
        // Killed while the first line was written.
        for cut in 0..10 {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (_, entries) = Journal::open(&path).unwrap();
            assert!(entries.is_empty());
            assert!(
                std::fs::read_to_string(&path)
                    .unwrap()
                    .starts_with("{\"format\":\"mnas-journal\"")
            );
        }
    }

    #[test]
    fn events_reach_the_disk_with_a_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.append(&event(0)).unwrap();
        journal.append(&event(1)).unwrap();
        assert!(events(&path).is_empty());
        journal.commit().unwrap();
        assert_eq!(events(&path), [event(0), event(1)]);
    }

    #[test]
    fn numbers_come_back_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let (mut journal, _) = Journal::open(&path).unwrap();
        // A parser that rounds twice reads the first number as its neighbour.
        let latencies = [0.060_657_449_242_011_684, 8.333_333_333_333_334, 0.1 + 0.2];
        let written = latencies.map(|latency_ms| Event::Measured {
            trial: 0,
            device: 1,
            latency_ms,
        });
        for event in &written {
            journal.append(event).unwrap();
        }
        journal.commit().unwrap();
        assert_eq!(events(&path), written);
    }

    #[test]
    fn damaged_lines_and_other_versions_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let refused = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Journal::read(&path).unwrap_err().to_string()
        };
        let header = "{\"format\":\"mnas-journal\",\"version\":2}\n";
        let broken = refused(&format!("{header}{{\"at\":1,\"event\":{{\"vanished\":{{}}}}}}\n"));
        assert!(broken.contains("line 2") && broken.contains("vanished"), "{broken}");
        for (text, version) in [
            ("{\"format\":\"mnas-journal\",\"version\":3}\n", "version 3"),
            (
                "{\"at\":1,\"event\":{\"started\":{\"trial\":0,\"attempt\":1}}}\n",
                "version 1",
            ),
        ] {
            let error = refused(text);
            assert!(
                error.contains(version) && error.contains("start a new study"),
                "{error}"
            );
        }
        assert!(refused("hello\n").contains("line 1"));
    }
}
