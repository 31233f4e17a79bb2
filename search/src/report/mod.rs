//! Reports of a study: rows, the Pareto front, CSV files, figures, the closing table, and the printer of the binary.
//!
//! Read [`point`] first: every other part works on its [`ReportRow`]. [`mark_front`] decides which rows are on the front
//! and within the budget; [`write_tables`] and [`write_plots`] write a study's files; [`closing_table`] is the table at the
//! end of a search and [`Printer`] prints it. Other commands format theirs with [`listing`] and [`to_csv_text`].

mod csv;
mod error;
pub mod figures;
#[cfg(test)]
mod fixture;
pub mod listing;
pub mod point;
pub mod printer;
pub mod table;
pub mod units;

pub use csv::{front_csv, to_csv_text, trials_csv, write_tables};
pub use error::ReportError;
pub use figures::{PlotSpec, front_figure, write_figure, write_plots};
pub use listing::{Heading, fitting_listing, listing};
pub use point::{ReportRow, RowKind, RowStatus, best_row, mark_front};
pub use printer::{Captured, LogWriter, Printer, Progress};
pub use table::{TableOptions, closing_table};
