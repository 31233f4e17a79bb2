//! `trials.jsonl`: what has happened, one line an event, appended and synced.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::state::TrialKind;
use crate::files::FileError;
use crate::worker::{Ready, TrainResult};

/// One thing that happened in a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The images were loaded for the first time.
    Data(Box<Ready>),
    /// A network was chosen to be trained.
    Proposed {
        /// Number of the trial, from 0.
        trial: u64,
        /// Candidate or reference.
        kind: TrialKind,
        /// The deployed network, as a string.
        architecture: String,
        /// Predicted latency on the device.
        latency_ms: f64,
        /// Lower end of the prediction's interval.
        low_ms: f64,
        /// Upper end of the prediction's interval.
        high_ms: f64,
        /// Share of its layers that were measured.
        coverage: f64,
        /// Seed of its training.
        seed: u64,
    },
    /// A training was given to a worker.
    Started {
        /// Which.
        trial: u64,
        /// How often it was tried, from 1.
        attempt: u32,
    },
    /// A training ended well.
    Finished {
        /// Which.
        trial: u64,
        /// What came out.
        result: TrainResult,
    },
    /// A training ended without a network, or its worker died too often.
    Failed {
        /// Which.
        trial: u64,
        /// Why.
        reason: String,
    },
    /// A whole network was measured on the device.
    Measured {
        /// Which.
        trial: u64,
        /// Median latency.
        latency_ms: f64,
    },
}

#[derive(Serialize, Deserialize)]
struct Line {
    /// Milliseconds since 1970, for people; nothing is computed from it.
    at: u64,
    event: Event,
}

/// Why the journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
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
        /// What the reader says.
        problem: String,
    },
}

/// An open journal.
///
/// Every event is on the disk when [`Journal::append`] returns. A last line without its end, the trace of a crash while
/// writing, is ignored by [`Journal::read`] and cut off by [`Journal::open`].
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Every complete event of the file; none where there is no file.
    pub fn read(path: &Path) -> Result<Vec<Event>, JournalError> {
        Ok(parse(path)?.0)
    }

    /// Opens the file for appending and returns what it holds.
    pub fn open(path: &Path) -> Result<(Self, Vec<Event>), JournalError> {
        let (events, complete) = parse(path)?;
        let write = |source| FileError::write(path, source);
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(path)
            .map_err(write)?;
        file.set_len(complete).map_err(write)?;
        file.seek(SeekFrom::End(0)).map_err(write)?;
        Ok((
            Self {
                file,
                path: path.to_path_buf(),
            },
            events,
        ))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds an event.
    pub fn append(&mut self, event: &Event) -> Result<(), JournalError> {
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        let write = |source| FileError::write(&self.path, source);
        let mut line = serde_json::to_vec(&Line {
            at,
            event: event.clone(),
        })
        .map_err(|error| FileError::write(&self.path, error.into()))?;
        line.push(b'\n');
        let end = self.file.stream_position().map_err(write)?;
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // A part of the line may be there (a full disk): take it back, so that the next line does not join it.
            let _ = self
                .file
                .set_len(end)
                .and_then(|()| self.file.seek(SeekFrom::Start(end)));
            return Err(FileError::write(&self.path, source).into());
        }
        Ok(())
    }
}

/// The events, and how many bytes of the file they take.
fn parse(path: &Path) -> Result<(Vec<Event>, u64), JournalError> {
    let mut text = Vec::new();
    match File::open(path) {
        Ok(mut file) => {
            file.read_to_end(&mut text).map_err(|source| FileError::Read {
                path: path.to_path_buf(),
                source,
            })?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(source) => {
            return Err(FileError::Read {
                path: path.to_path_buf(),
                source,
            }
            .into());
        }
    }
    let complete = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    let mut events = Vec::new();
    for (index, line) in text[..complete].split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let line: Line = serde_json::from_slice(line).map_err(|error| JournalError::Broken {
            path: path.to_path_buf(),
            line: index + 1,
            problem: error.to_string(),
        })?;
        events.push(line.event);
    }
    Ok((events, complete as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(trial: u64) -> Event {
        Event::Started { trial, attempt: 1 }
    }

    #[test]
    fn a_torn_last_line_is_forgotten_and_the_rest_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let (mut journal, events) = Journal::open(&path).unwrap();
        assert!(events.is_empty());
        for trial in 0..3 {
            journal.append(&event(trial)).unwrap();
        }
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        let before_last = Journal::read(&path).unwrap()[..2].to_vec();
        let last_line = whole[..whole.len() - 1]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .unwrap()
            + 1;
        // Killed after any number of bytes of the third line.
        for cut in last_line..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (mut journal, events) = Journal::open(&path).unwrap();
            assert_eq!(events, before_last);
            journal.append(&event(9)).unwrap();
            assert_eq!(Journal::read(&path).unwrap().last(), Some(&event(9)));
        }
    }

    #[test]
    fn numbers_come_back_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let (mut journal, _) = Journal::open(&path).unwrap();
        // A reader that rounds twice takes the first one for its neighbour.
        let latencies = [0.060_657_449_242_011_684, 8.333_333_333_333_334, 0.1 + 0.2];
        let events = latencies.map(|latency_ms| Event::Measured { trial: 0, latency_ms });
        for event in &events {
            journal.append(event).unwrap();
        }
        assert_eq!(Journal::read(&path).unwrap(), events);
    }

    #[test]
    fn a_damaged_middle_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.append(&event(0)).unwrap();
        drop(journal);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.insert_str(0, "{\"at\":1,\"event\":{\"vanished\":{}}}\n");
        std::fs::write(&path, text).unwrap();
        let error = Journal::read(&path).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("vanished"), "{error}");
    }
}
