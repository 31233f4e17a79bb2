//! Reports of a study: rows, the Pareto front, CSV files, figures, the closing table, and the printer of the binary.
//!
//! Read [`point`] first: every other part works on its [`ReportRow`]. [`mark_front`] decides which rows are on the front
//! and within the budget; [`write_tables`] and [`write_plots`] write a study's files; [`closing_table`] is the table at the
//! end of a search and [`Printer`] prints it. Other commands format theirs with [`listing`] and [`to_csv_text`].

mod csv;
mod error;
pub mod figures;
mod finalists;
#[cfg(test)]
mod fixture;
pub mod listing;
pub mod point;
pub mod printer;
pub mod progress;
mod references;
pub mod table;
pub mod units;

pub use csv::{front_csv, to_csv_text, trials_csv, write_tables};
pub use error::ReportError;
pub use figures::{PlotSpec, front_figure, front_figure_with_best, write_figure, write_plots};
pub use finalists::{FinalistRow, finalists_table, write_finalists};
pub use listing::{Heading, fitting_listing, listing};
pub use point::{ReportRow, RowKind, RowStatus, best_row, mark_front};
pub use printer::{Captured, LogWriter, Printer};
pub use progress::Progress;
pub use references::{ReferenceRow, references_table, write_references};
pub use table::{TableOptions, closing_table};
