//! `table.csv` and `networks.csv`: rows that are only ever appended.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::LatencyError;
use crate::measure::Measurement;

/// Name and columns of one of the two files; the first column differs, the rest is the same.
#[derive(Debug)]
pub(super) struct RowFormat {
    pub file: &'static str,
    name_column: &'static str,
}

pub(super) const BLOCKS: RowFormat = RowFormat {
    file: "table.csv",
    name_column: "key",
};
pub(super) const NETWORKS: RowFormat = RowFormat {
    file: "networks.csv",
    name_column: "architecture",
};

const COLUMNS: [&str; 6] = ["median_ms", "p10_ms", "p90_ms", "runs", "outliers", "speed"];

/// One row as read: the text of its key, and the line it stands in.
pub(super) struct Row {
    pub line: u64,
    pub name: String,
    pub measurement: Measurement,
}

/// A file of rows; opened for writing when the first row is appended.
#[derive(Debug)]
pub(super) struct RowFile {
    path: PathBuf,
    format: &'static RowFormat,
    /// Bytes of whole lines; what follows is a torn row.
    whole: u64,
    /// Bytes of the file when it was last read or written here; another length means that somebody else wrote.
    seen: u64,
    /// Open and locked from the first row that is appended.
    writer: Option<File>,
}

impl RowFile {
    /// Writes a file without rows. Measurements that lie there are not overwritten.
    pub fn create(folder: &Path, format: &RowFormat) -> Result<(), LatencyError> {
        let path = folder.join(format.file);
        let header = Self::header(format);
        // Measurements without a `device.toml` are somebody's work, not ours to overwrite.
        if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > header.len() as u64) {
            return Err(LatencyError::Table {
                file: path,
                line: 1,
                problem: "there are measurements here, but no device.toml that says of what".to_owned(),
                remedy: "bring device.toml back, or move the folder away".to_owned(),
            });
        }
        std::fs::write(&path, &header).map_err(LatencyError::io("write", &path))
    }

    fn header(format: &RowFormat) -> Vec<u8> {
        record(std::iter::once(format.name_column).chain(COLUMNS))
    }

    /// A file that may not be there yet.
    pub fn open(folder: &Path, format: &'static RowFormat) -> Self {
        Self {
            path: folder.join(format.file),
            format,
            whole: 0,
            seen: 0,
            writer: None,
        }
    }

    /// The file's name.
    pub fn name(&self) -> &'static str {
        self.format.file
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn error(&self, line: u64, problem: String) -> LatencyError {
        let remedy = "delete the line so that it is measured again, or correct it".to_owned();
        LatencyError::Table {
            file: self.path.clone(),
            line,
            problem,
            remedy,
        }
    }

    /// All whole rows; a last line without an end is left out, and overwritten by the next row.
    pub fn read(&mut self) -> Result<Vec<Row>, LatencyError> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let bytes = std::fs::read(&self.path).map_err(LatencyError::io("read", &self.path))?;
        self.parse(&bytes)
    }

    /// The whole rows of a file with this content.
    pub fn parse(&mut self, bytes: &[u8]) -> Result<Vec<Row>, LatencyError> {
        self.seen = bytes.len() as u64;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.whole = whole as u64;
        if whole < bytes.len() {
            tracing::warn!(file = %self.path.display(), "the last row is not whole and is measured again");
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(&bytes[..whole]);
        let mut record = csv::StringRecord::new();
        let mut rows = Vec::new();
        let mut is_header = true;
        loop {
            let line = reader.position().line();
            let more = reader
                .read_record(&mut record)
                .map_err(|error| self.error(line, error.to_string()))?;
            if !more {
                break;
            }
            // Blank lines are skipped by the reader; the record knows where it really stands.
            let line = record.position().map_or(line, csv::Position::line);
            if std::mem::take(&mut is_header) {
                self.check_columns(&record, line)?;
            } else {
                rows.push(self.row(&record, line)?);
            }
        }
        if is_header {
            return Err(self.error(1, "the file has no line of column names".to_owned()));
        }
        Ok(rows)
    }

    fn check_columns(&self, found: &csv::StringRecord, line: u64) -> Result<(), LatencyError> {
        let expected = || std::iter::once(self.format.name_column).chain(COLUMNS);
        let wrong = found.iter().find(|column| !expected().any(|name| name == *column));
        let problem = match wrong {
            Some(column) => format!("unknown column `{column}`"),
            None if found.iter().ne(expected()) => "the columns are not in their order".to_owned(),
            None => return Ok(()),
        };
        Err(LatencyError::Table {
            file: self.path.clone(),
            line,
            problem,
            remedy: format!(
                "expected {} (times in milliseconds)",
                expected().collect::<Vec<_>>().join(",")
            ),
        })
    }

    fn row(&self, record: &csv::StringRecord, line: u64) -> Result<Row, LatencyError> {
        if record.len() != COLUMNS.len() + 1 {
            let problem = format!("{} fields, expected {}", record.len(), COLUMNS.len() + 1);
            return Err(self.error(line, problem));
        }
        let time = |index: usize| -> Result<f64, LatencyError> {
            let text = &record[index];
            let value = text
                .parse::<f64>()
                .ok()
                .filter(|value| value.is_finite() && *value > 0.0);
            value.ok_or_else(|| {
                self.error(
                    line,
                    format!("{} is `{text}`, expected a positive number", COLUMNS[index - 1]),
                )
            })
        };
        let count = |index: usize| -> Result<u32, LatencyError> {
            let text = &record[index];
            text.parse()
                .map_err(|_| self.error(line, format!("{} is `{text}`, expected a count", COLUMNS[index - 1])))
        };
        let measurement = Measurement {
            median_ms: time(1)?,
            p10_ms: time(2)?,
            p90_ms: time(3)?,
            runs: count(4)?,
            outliers: count(5)?,
            speed: time(6)?,
        };
        if measurement.p10_ms > measurement.median_ms || measurement.median_ms > measurement.p90_ms {
            let problem = "p10_ms, median_ms and p90_ms do not rise in this order".to_owned();
            return Err(self.error(line, problem));
        }
        Ok(Row {
            line,
            name: record[0].to_owned(),
            measurement,
        })
    }

    /// Writes one row and hands it to the system before returning.
    pub fn append(&mut self, name: &str, row: &Measurement) -> Result<(), LatencyError> {
        let line = line_of(name, row);
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.lock()?,
        };
        // One call, so that rows are not torn by anything but a kill in the middle of it. Where it fails, on a full
        // disk for one, the file is opened anew for the next row, and what was written of this one is cut off.
        let written = writer.write_all(&line);
        self.seen = writer.metadata().map_or(self.seen, |metadata| metadata.len());
        written.map_err(LatencyError::io("write", &self.path))?;
        self.whole += line.len() as u64;
        self.writer = Some(writer);
        Ok(())
    }

    /// Opens the file for this process alone, without a torn last row.
    fn lock(&mut self) -> Result<File, LatencyError> {
        let busy = || LatencyError::TableBusy {
            file: self.path.clone(),
        };
        let io = |error| LatencyError::io("write", &self.path)(error);
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy()),
            // Some file systems have no locks; the length below still catches most of what they are for.
            Err(TryLockError::Error(error)) => tracing::warn!(file = %self.path.display(), %error, "cannot lock"),
        }
        if file.metadata().map_err(io)?.len() != self.seen {
            return Err(busy());
        }
        file.set_len(self.whole).map_err(io)?;
        if self.whole == 0 {
            let header = Self::header(self.format);
            file.write_all(&header).map_err(io)?;
            self.whole = header.len() as u64;
        }
        Ok(file)
    }
}

/// A row as a line of the file, times to the nanosecond.
fn line_of(name: &str, row: &Measurement) -> Vec<u8> {
    let Measurement {
        median_ms,
        p10_ms,
        p90_ms,
        runs,
        outliers,
        speed,
    } = row;
    let times = [median_ms, p10_ms, p90_ms].map(|ms| format!("{ms:.6}"));
    let rest = [runs.to_string(), outliers.to_string(), format!("{speed:.4}")];
    record(std::iter::once(name).chain(times.iter().chain(&rest).map(String::as_str)))
}

/// Fields as a line of CSV.
fn record<'a>(fields: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(fields);
    written.unwrap_or_else(|error| panic!("memory takes any record: {error}"));
    writer
        .into_inner()
        .unwrap_or_else(|error| panic!("memory takes any record: {error}"))
}

/// Rounds a measurement as writing and reading it back does, so that an interrupted profile continues with
/// exactly the numbers that an undisturbed one has in memory.
pub(super) fn rounded(row: Measurement) -> Measurement {
    let round = |value: f64, decimals: usize| {
        let written = format!("{value:.decimals$}").parse().unwrap_or(value);
        f64::max(written, 10_f64.powi(-(decimals as i32)))
    };
    Measurement {
        median_ms: round(row.median_ms, 6),
        p10_ms: round(row.p10_ms, 6),
        p90_ms: round(row.p90_ms, 6),
        speed: round(row.speed, 4),
        ..row
    }
}
