//! Events with their fields, as they are written.

use std::path::Path;

use mnas_engine::problem::Metric;
use mnas_engine::study::{DeviceConfig, Trial};
use serde::Serialize;

use super::super::live::LivePoint;
use super::kind_of;

/// An event. Times are in seconds or milliseconds by the ends of their names, accuracies and shares as in the closing document.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event<'a> {
    /// A study is ready to run.
    StudyOpened {
        study: &'a Path,
        name: &'a str,
        space: &'a str,
        strategy: &'static str,
        seed: u64,
        objectives: &'a [String],
        devices: Vec<Deployment<'a>>,
    },
    /// Work that there will be.
    Plan {
        trials: usize,
        settled: usize,
        candidates: usize,
        imported: usize,
        epochs: Option<u32>,
        workers: usize,
        finalists: usize,
    },
    /// A network that is going to be evaluated.
    TrialProposed {
        trial: u64,
        kind: &'static str,
        name: Option<&'a str>,
        id: String,
        architecture: String,
        epochs: Option<u32>,
        latency_ms: Vec<f64>,
        params: u64,
        macs: u64,
    },
    /// A trial was given to a worker.
    TrialStarted { trial: u64, attempt: u32 },
    /// An epoch of a trial is done.
    TrialEpoch {
        trial: u64,
        epoch: u32,
        epochs: u32,
        done_share: f64,
        left_s: Option<u64>,
    },
    /// A trial has its result.
    TrialFinished {
        trial: u64,
        accuracy: Option<f64>,
        score: Option<f64>,
        seconds: f64,
        worker: &'a str,
        settled: usize,
        trials: usize,
        left_s: Option<u64>,
    },
    /// A trial ended without a result.
    TrialFailed {
        trial: u64,
        reason: &'a str,
        settled: usize,
        trials: usize,
        left_s: Option<u64>,
    },
    /// The front of candidates or the best network is another one.
    FrontChanged {
        front: Vec<FrontNetwork>,
        best: Option<FrontNetwork>,
        hypervolume: Option<f64>,
    },
    /// No further trial is begun.
    TrialsEnded { reason: &'static str, settled: usize },
    /// A network was measured whole on a device.
    Measured {
        trial: u64,
        device: &'a str,
        latency_ms: f64,
        predicted_ms: Option<f64>,
    },
    /// Networks are chosen to be trained to the end.
    Finalists { trials: Vec<u64>, epochs: u32 },
    /// A final training was given to a worker.
    FinalStarted { trial: u64 },
    /// A final training has its result, or failed.
    FinalFinished {
        trial: u64,
        val_top1: Option<f64>,
        test_top1: Option<f64>,
        failed: Option<&'a str>,
    },
    /// Something that a user should know about a worker.
    Notice { message: &'a str },
    /// The search is done; its files are written.
    Finished { best: Option<u64> },
    /// The search was interrupted; everything finished is saved.
    Interrupted,
}

/// A device of the study with its budget.
#[derive(Debug, Serialize)]
pub struct Deployment<'a> {
    name: &'a str,
    budget_ms: Option<f64>,
}

impl<'a> Deployment<'a> {
    pub fn of(device: &'a DeviceConfig) -> Self {
        Self {
            name: &device.name,
            budget_ms: device.budget.map(|budget| budget.0),
        }
    }
}

/// A network of the front; of `latency_ms` and `size` the one that the study compares networks by.
#[derive(Debug, Serialize)]
pub struct FrontNetwork {
    trial: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<f64>,
}

impl FrontNetwork {
    pub fn of(point: LivePoint, metric: Metric, has_scores: bool) -> Self {
        let is_latency = matches!(metric, Metric::Latency(_));
        Self {
            trial: point.trial,
            accuracy: (!has_scores).then_some(point.accuracy),
            score: has_scores.then_some(point.accuracy),
            latency_ms: is_latency.then_some(point.size),
            size: (!is_latency).then_some(point.size),
        }
    }
}

impl<'a> Event<'a> {
    /// The event of a trial that is started for the first time.
    pub fn proposed(trial: &'a Trial, epochs: Option<u32>) -> Self {
        let (kind, name) = kind_of(trial);
        let cost = trial.architecture.cost();
        Self::TrialProposed {
            trial: trial.number,
            kind,
            name,
            id: trial.id.to_string(),
            architecture: trial.architecture.to_string(),
            epochs,
            latency_ms: trial.costs.latency.iter().map(|found| found.latency.0).collect(),
            params: cost.params,
            macs: cost.macs,
        }
    }
}
