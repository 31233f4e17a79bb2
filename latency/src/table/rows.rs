//! Files of rows, `table.csv` and `networks.csv`, to which rows are only appended.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::LatencyError;
use crate::measure::Measurement;

/// Format of a file: its name and its first column; the other columns are the same in both files.
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

/// Parsed row: the text of its first column, its line number and its measurement.
pub(super) struct Row {
    pub line: u64,
    pub name: String,
    pub measurement: Measurement,
}

/// File of rows, opened for writing when the first row is appended.
#[derive(Debug)]
pub(super) struct RowFile {
    path: PathBuf,
    format: &'static RowFormat,
    /// Length of the complete lines in bytes; a torn row may follow.
    whole: u64,
    /// Length of the file in bytes when it was last read or written here; a different length means that another process has
    /// written to it.
    seen: u64,
    /// Open and locked file, from the first appended row onwards.
    writer: Option<File>,
}

impl RowFile {
    /// Writes a file without rows. Existing measurements are not overwritten.
    pub fn create(folder: &Path, format: &RowFormat) -> Result<(), LatencyError> {
        let path = folder.join(format.file);
        let header = Self::header(format);
        // Measurements without a `device.toml` may be valuable, and are not overwritten.
        if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > header.len() as u64) {
            return Err(LatencyError::Table {
                file: path,
                line: 1,
                problem: "the folder has measurements but no device.toml that describes their device".to_owned(),
                remedy: "restore device.toml, or move the folder away".to_owned(),
            });
        }
        std::fs::write(&path, &header).map_err(LatencyError::io("write", &path))
    }

    fn header(format: &RowFormat) -> Vec<u8> {
        record(std::iter::once(format.name_column).chain(COLUMNS))
    }

    /// Prepares access to a file, which need not exist yet.
    pub fn open(folder: &Path, format: &'static RowFormat) -> Self {
        Self {
            path: folder.join(format.file),
            format,
            whole: 0,
            seen: 0,
            writer: None,
        }
    }

    /// Name of the file.
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

    /// Reads all complete rows; a last line without a line ending is ignored, and overwritten by the next row.
    pub fn read(&mut self) -> Result<Vec<Row>, LatencyError> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let bytes = std::fs::read(&self.path).map_err(LatencyError::io("read", &self.path))?;
        self.parse(&bytes)
    }

    /// Parses the complete rows of a file's content.
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
            // The reader skips blank lines; the position of the record has the correct line number.
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
            None if found.iter().ne(expected()) => "the columns are not in the expected order".to_owned(),
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
            let problem = "p10_ms, median_ms and p90_ms are not in ascending order".to_owned();
            return Err(self.error(line, problem));
        }
        Ok(Row {
            line,
            name: record[0].to_owned(),
            measurement,
        })
    }

    /// Appends a row; it has been passed to the operating system when this returns.
    pub fn append(&mut self, name: &str, row: &Measurement) -> Result<(), LatencyError> {
        let line = line_of(name, row);
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.lock()?,
        };
        // A single call, so that only a kill during the call can tear a row. If it fails, for example on a full disk, the file
        // is opened again for the next row, and the part of this row that was written is truncated.
        let written = writer.write_all(&line);
        self.seen = writer.metadata().map_or(self.seen, |metadata| metadata.len());
        written.map_err(LatencyError::io("write", &self.path))?;
        self.whole += line.len() as u64;
        self.writer = Some(writer);
        Ok(())
    }

    /// Opens and locks the file, and truncates a torn last row.
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
            // Some file systems do not support locks; the check of the length below detects most conflicts.
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

/// Formats a row as a line of the file, with times to the nanosecond.
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

/// Formats fields as a line of CSV.
fn record<'a>(fields: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(fields);
    written.unwrap_or_else(|error| panic!("writing to memory does not fail: {error}"));
    writer
        .into_inner()
        .unwrap_or_else(|error| panic!("writing to memory does not fail: {error}"))
}

/// Rounds a measurement as if it were written and read back, so that an interrupted profile continues with exactly the same
/// numbers as an uninterrupted one.
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
