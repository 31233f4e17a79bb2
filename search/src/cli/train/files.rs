//! Files beside the weights: log, learning curve, checkpoint.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use mnas_figures::{Caption, CurvePoint, LearningCurve};

use super::EpochRow;
use crate::cli::error::CliError;
use crate::report::{Printer, ReportError};
use mnas_engine::files::write_repeatedly;
use mnas_engine::training::EpochReport;

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
                "{path} holds the state of an interrupted training; go on with --resume, choose another --output, or remove it"
            ))),
            (true, true) => {
                printer.status(&format!("going on from {path}"));
                Ok(())
            }
            (true, false) => {
                printer.status(&format!("there is no {path} to go on from; starting at the beginning"));
                Ok(())
            }
            (false, false) => Ok(()),
        }
    }

    /// Writes the log: one line an epoch.
    pub fn write_log(&self, reports: &[EpochReport]) -> Result<(), CliError> {
        let mut text = "epoch,learning_rate,resolution_px,train_loss,val_loss,val_top1_percent,val_top5_percent,\
                        images_per_s,data_wait_percent,seconds\n"
            .to_owned();
        let optional = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        for row in reports.iter().map(EpochRow::from) {
            let _ = writeln!(
                text,
                "{},{},{},{},{},{},{},{:.1},{:.2},{:.2}",
                row.epoch,
                row.learning_rate,
                row.resolution,
                row.loss,
                optional(row.val_loss),
                optional(row.accuracy),
                optional(row.top5),
                row.images_per_second,
                row.data_wait_percent,
                row.seconds
            );
        }
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
