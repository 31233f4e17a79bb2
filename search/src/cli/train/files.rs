//! Files beside the weights: log, learning curve, checkpoint.

use std::path::{Path, PathBuf};

use mnas_figures::{Caption, CurvePoint, LearningCurve};

use crate::cli::error::CliError;
use crate::report::{Printer, ReportError, to_csv_text};
use mnas_engine::files::write_repeatedly;
use mnas_engine::training::EpochReport;
use serde::Serialize;

/// An epoch in the log and in the JSON document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct EpochRow {
    pub(super) epoch: u32,
    learning_rate: f64,
    resolution_px: u32,
    train_loss: f64,
    val_loss: Option<f64>,
    top1: Option<f64>,
    top5: Option<f64>,
    images_per_second: f64,
    data_wait_percent: f64,
    seconds: f64,
}

impl From<&EpochReport> for EpochRow {
    fn from(report: &EpochReport) -> Self {
        Self {
            epoch: report.epoch,
            learning_rate: report.learning_rate,
            resolution_px: report.resolution,
            train_loss: report.loss,
            val_loss: report.validation.map(|found| found.loss),
            top1: report.validation.map(|found| found.top1),
            top5: report.validation.map(|found| found.top5),
            images_per_second: hundredths(report.images_per_second),
            data_wait_percent: hundredths(100.0 * report.data_wait_share),
            seconds: hundredths(report.seconds),
        }
    }
}

fn hundredths(value: f64) -> f64 {
    (100.0 * value).round() / 100.0
}

/// Files of a training besides its weights: the same name with other endings.
#[derive(Debug)]
pub struct Companions {
    pub checkpoint: PathBuf,
    pub log: PathBuf,
    pub curve_svg: PathBuf,
    pub curve_png: PathBuf,
}

impl Companions {
    pub fn of(weights: &Path) -> Self {
        let with = |ending: &str| weights.with_extension(ending);
        Self {
            checkpoint: with("checkpoint"),
            log: with("csv"),
            curve_svg: with("svg"),
            curve_png: with("png"),
        }
    }

    /// Refuses to overwrite the checkpoint of an interrupted training.
    pub fn check(&self, resume: bool, printer: &Printer) -> Result<(), CliError> {
        let path = self.checkpoint.display();
        match (resume, self.checkpoint.exists()) {
            (false, true) => Err(CliError::config(format!(
                "{path} holds the state of an interrupted training; continue with --resume, choose another --output, or remove it"
            ))),
            (true, true) => {
                printer.status(&format!("resuming from {path}"));
                Ok(())
            }
            (true, false) => {
                printer.status(&format!("there is no checkpoint {path}; starting from the beginning"));
                Ok(())
            }
            (false, false) => Ok(()),
        }
    }

    /// Writes the log: one line per epoch.
    pub fn write_log(&self, reports: &[EpochReport]) -> Result<(), CliError> {
        let rows: Vec<EpochRow> = reports.iter().map(EpochRow::from).collect();
        let text = to_csv_text(&rows)?;
        Ok(write_repeatedly(&self.log, text.as_bytes())?)
    }

    /// Draws the losses and the accuracy over the epochs.
    pub fn write_curve(&self, title: &str, subtitle: &[String], reports: &[EpochReport]) -> Result<(), CliError> {
        let points = reports.iter().map(|report| CurvePoint {
            epoch: report.epoch,
            train_loss: report.loss,
            val_loss: report.validation.map(|found| found.loss),
            accuracy: report.validation.map(|found| found.top1),
        });
        let curve = LearningCurve {
            caption: Caption {
                title: title.to_owned(),
                subtitle: subtitle.to_vec(),
                description: format!("Accuracy and losses over {} epochs of training.", reports.len()),
            },
            points: points.collect(),
        };
        let figure = curve.draw().map_err(ReportError::from)?;
        write_repeatedly(&self.curve_svg, figure.as_str().as_bytes())?;
        let png = figure.to_png().map_err(ReportError::from)?;
        Ok(write_repeatedly(&self.curve_png, &png)?)
    }

    /// Removes the checkpoint when the weights are saved. Where this fails, the next training refuses it or resumes from it.
    pub fn remove_checkpoint(&self) {
        let _ = std::fs::remove_file(&self.checkpoint);
    }
}
