//! Error reports and exit codes.

use std::path::Path;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceSpan};
use mnas_latency::{LatencyError, RuntimeError};
use mnas_space::{DocumentError, NotationError, ReferenceError};

use crate::classifier::ClassifierError;
use crate::comparison::ComparisonError;
use crate::export::ExportError;
use crate::report::ReportError;
use crate::worker_client::WorkerError;
use mnas_engine::evaluator::EvaluatorError;
use mnas_engine::files::FileError;
use mnas_engine::study::{ConfigError, FolderError, JournalError, StudyError, WarmStartError};
use mnas_engine::training::RecipeError;
use mnas_engine::training::weights::WeightsError;
use mnas_engine::worker::FailureKind;

/// Documented exit codes; 2 is clap's own for wrong arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// The reader of stdout has closed it, as `head` does.
    BrokenPipe = 0,
    Failure = 1,
    Usage = 2,
    Config = 3,
    NoNetworkFits = 4,
    Table = 5,
    Interrupted = 130,
}

/// An error with its exit code and, where it lies in a document, the place.
#[derive(Debug)]
pub struct CliError {
    code: ExitCode,
    message: String,
    help: Option<String>,
    place: Option<Box<Place>>,
}

#[derive(Debug)]
struct Place {
    source: NamedSource<String>,
    span: SourceSpan,
}

impl CliError {
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
            place: None,
        }
    }

    pub fn failure(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Failure, message)
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Config, message)
    }

    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// An error at a line and column (from 1) of a document.
    pub fn in_document(file: &str, text: &str, line: usize, column: usize, problem: &str) -> Self {
        let start: usize = text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let rest = &text[start.min(text.len())..];
        let offset = start
            + rest
                .char_indices()
                .nth(column.saturating_sub(1))
                .map_or(0, |(at, _)| at);
        let offset = offset.min(text.len());
        let token = text[offset..].find([' ', '\n', ',', ']', '}']).unwrap_or(0).max(1);
        let length = token.min(text.len() - offset);
        Self {
            place: Some(Box::new(Place {
                source: NamedSource::new(file, text.to_owned()),
                span: (offset, length).into(),
            })),
            ..Self::config(format!("{file}, line {line}, column {column}: {problem}"))
        }
    }

    pub fn document(file: &Path, text: &str, error: &DocumentError) -> Self {
        Self::in_document(
            &file.display().to_string(),
            text,
            error.line,
            error.column,
            &error.problem,
        )
    }

    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Interrupted, message)
    }

    pub fn code(&self) -> u8 {
        self.code as u8
    }

    /// The error as text: the message, the place and the remedy.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
        match handler.render_report(&mut text, self) {
            Ok(()) => text.trim_matches('\n').to_owned(),
            Err(_) => self.message.clone(),
        }
    }
}

impl std::fmt::Display for CliError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}

impl Diagnostic for CliError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.place
            .as_ref()
            .map(|place| &place.source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            Some("here".to_owned()),
            place.span,
        ))))
    }
}

impl From<LatencyError> for CliError {
    fn from(error: LatencyError) -> Self {
        let code = match &error {
            error if error.is_table_of_another_device() => ExitCode::Table,
            LatencyError::Table { .. }
            | LatencyError::DeviceConfig { .. }
            | LatencyError::DeviceAddress { .. }
            | LatencyError::UnknownDevice { .. } => ExitCode::Config,
            LatencyError::MissingKeys { .. } | LatencyError::EmptyTable => ExitCode::Table,
            _ => ExitCode::Failure,
        };
        Self::new(code, error.to_string())
    }
}

impl From<RuntimeError> for CliError {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::Recording { .. } | RuntimeError::NotBuiltIn { .. } => Self::config(error.to_string()),
            RuntimeError::LibraryMissing { .. }
            | RuntimeError::LibraryUnknown { .. }
            | RuntimeError::LibraryUnusable { .. } => {
                Self::failure(error.to_string()).with_help("`mnas doctor` lists what is found and what is missing")
            }
            // The messages of the other errors contain the remedy.
            error => Self::failure(error.to_string()),
        }
    }
}

impl From<StudyError> for CliError {
    fn from(error: StudyError) -> Self {
        match error {
            StudyError::Folder(error) => error.into(),
            StudyError::Journal(error) => error.into(),
            StudyError::Latency(error) => error.into(),
            StudyError::File(error) => error.into(),
            StudyError::Evaluator(error) => error.into(),
            StudyError::Config {
                path,
                text,
                error: ConfigError::Document(place),
            } => Self::document(&path, &text, &place),
            StudyError::Space { path, text, error } => Self::document(&path, &text, &error),
            StudyError::Config { .. } | StudyError::DataChanged { .. } | StudyError::Contradiction { .. } => {
                Self::config(error.to_string())
            }
        }
    }
}

impl From<ComparisonError> for CliError {
    fn from(error: ComparisonError) -> Self {
        match error {
            ComparisonError::Study(error) => error.into(),
            error @ ComparisonError::Twice { .. } => Self::usage(error.to_string()),
            error @ ComparisonError::Differs { .. } => Self::config(error.to_string()).with_help(
                "compare studies with the same objectives and the same source of accuracies (table, or data and recipe)",
            ),
        }
    }
}

impl From<WarmStartError> for CliError {
    fn from(error: WarmStartError) -> Self {
        match error {
            WarmStartError::Study(error) => (*error).into(),
            error => Self::config(error.to_string()),
        }
    }
}

impl From<EvaluatorError> for CliError {
    fn from(error: EvaluatorError) -> Self {
        match error {
            EvaluatorError::Data { .. } | EvaluatorError::Table(_) => Self::config(error.to_string()),
            EvaluatorError::NoWorkers { .. } => Self::failure(error.to_string()).with_help(
                "a worker is started by this program, or by --worker-command and [[worker]] in the configuration file; run that command \
                 by hand: it has to wait for requests on stdin",
            ),
            EvaluatorError::Unsaved { .. } | EvaluatorError::Log(_) => Self::failure(error.to_string()),
        }
    }
}

impl From<FolderError> for CliError {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::File(error) => error.into(),
            FolderError::Locked { .. } => Self::failure(error.to_string()),
            FolderError::Exists { .. } | FolderError::NotAStudy { .. } | FolderError::Missing { .. } => {
                Self::config(error.to_string())
            }
        }
    }
}

impl From<JournalError> for CliError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::File(error) => error.into(),
            JournalError::Broken { .. } | JournalError::Version { .. } => Self::config(error.to_string()),
        }
    }
}

impl From<ExportError> for CliError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Weights(error) => error.into(),
            ExportError::Worker(error) => error.into(),
            ExportError::Calibration(_) => Self::config(error.to_string()),
            error => Self::failure(error.to_string()),
        }
    }
}

impl From<ClassifierError> for CliError {
    fn from(error: ClassifierError) -> Self {
        match error {
            ClassifierError::Runtime(error) => error.into(),
            ClassifierError::NoRuntime { .. } => Self::failure(error.to_string()),
            ClassifierError::File(_) | ClassifierError::Format { .. } | ClassifierError::Input { .. } => {
                Self::config(error.to_string())
            }
        }
    }
}

impl From<WeightsError> for CliError {
    fn from(error: WeightsError) -> Self {
        match error {
            WeightsError::File(FileError::Write { .. }) => Self::failure(error.to_string()),
            WeightsError::NoArchitecture { .. } => Self::usage(error.to_string()),
            error => Self::config(error.to_string()),
        }
    }
}

impl From<WorkerError> for CliError {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::Failed {
                kind: FailureKind::Input,
                ..
            } => Self::config(error.to_string()),
            WorkerError::Interrupted { .. } => Self::interrupted(error.to_string()),
            error => Self::failure(error.to_string()),
        }
    }
}

/// Errors that always mean an unusable configuration or unusable data.
macro_rules! config_errors {
    ($($error:ty),*) => {$(
        impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::config(error.to_string())
            }
        }
    )*};
}
config_errors!(ConfigError, RecipeError, NotationError, ReferenceError);

/// Errors of the machine: disks, streams, libraries.
macro_rules! failures {
    ($($error:ty),*) => {$(
        impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::failure(error.to_string())
            }
        }
    )*};
}
failures!(FileError, ReportError);

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::new(ExitCode::BrokenPipe, error.to_string()),
            _ => Self::failure(error.to_string()),
        }
    }
}
