//! What a user looks at when a study ends: rows, the Pareto front, CSV files, plots, the closing table, and the one
//! printer through which the binary speaks.
//!
//! Read [`point`] first: every other part works on its [`ReportRow`]. [`mark_front`] decides which rows are on the front
//! and within the budget; [`write_tables`] and [`write_plots`] write a study's files; [`closing_table`] is what the terminal
//! shows and [`Printer`] shows it. Commands that list something else draw it with [`listing`] and [`to_csv_text`].

mod csv;
mod error;
#[cfg(test)]
mod fixture;
pub mod geometry;
pub mod labels;
pub mod listing;
pub mod plot;
pub mod point;
pub mod printer;
pub mod table;
pub mod units;

pub use csv::{front_csv, to_csv_text, trials_csv, write_tables};
pub use error::ReportError;
pub use listing::{Heading, fitting_listing, listing};
pub use plot::{
    Agreement, AgreementSeries, Curve, CurvePoint, Panel, PanelPlot, PlotSpec, Series, SeriesPoint, render_png,
    render_svg, write_plots,
};
pub use point::{ReportRow, RowKind, RowStatus, best_row, mark_front};
pub use printer::{Captured, LogWriter, Printer, Progress};
pub use table::{TableOptions, closing_table};
