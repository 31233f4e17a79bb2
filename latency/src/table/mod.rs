//! Latency tables: the layers and networks measured on one device, in a folder of text files.
//!
//! | file | content |
//! |---|---|
//! | `device.toml` | format version, device, runtime and its version, threads, precision, processor, date, anchor |
//! | `table.csv` | one row per block key: median, 10th and 90th percentile in milliseconds, runs, outliers, speed |
//! | `networks.csv` | the same for whole networks, for calibration |
//!
//! Rows are only appended to the CSV files, one flushed row at a time, so that killing the process loses at most the row being written. A
//! last line without a line ending is such a row and is dropped. Any other defect is an error with file and line, because searches rely on
//! the table.

mod built_in;
mod header;
mod latency_table;
mod published;
mod rows;
#[cfg(test)]
mod tests;
mod transfer;

pub use header::{Publication, TableHeader};
pub use latency_table::LatencyTable;
