//! Latency tables: the layers and networks measured on one device, in a folder of files that people can read.
//!
//! | file | content |
//! |---|---|
//! | `device.toml` | format version, device, runtime and its version, threads, precision, processor, date, anchor |
//! | `table.csv` | one row per block key: median, 10th and 90th percentile in milliseconds, runs, outliers, speed |
//! | `networks.csv` | the same for whole networks, for calibration |
//!
//! Both CSV files only grow, one flushed row at a time, so that a kill at any moment loses at most the row being written. A last line
//! without an end is such a row and is dropped; any other fault is an error that names file and line, because a search decides by the
//! table.

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
