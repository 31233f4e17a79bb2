//! The loop that fills a table.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mnas_space::{Architecture, BlockKey};
use rand::seq::SliceRandom;

use super::{ProfileOptions, ProfilePlan};
use crate::duration::Milliseconds;
use crate::error::{LatencyError, RuntimeError};
use crate::measure::{Bench, Candidate, Measurement, Warning};
use crate::random;
use crate::runtime::{Model, Runtime};
use crate::statistics;
use crate::table::LatencyTable;

/// Samples of each whole network in one round.
pub(super) const SAMPLES_PER_ROUND: usize = 5;

/// Whole networks held in memory at once.
const NETWORKS_AT_ONCE: usize = 16;

/// What happens while a table is filled, for progress bars and logs.
#[derive(Debug, Clone, Copy)]
pub enum ProfileEvent<'a> {
    /// Nothing is measured yet; this is what will be.
    Planned(&'a ProfilePlan),
    /// Something speaks against trusting the numbers; what can be known before measuring comes first.
    Warned(&'a Warning),
    /// A layer was measured and is on disk.
    Block {
        /// The layer.
        key: &'a BlockKey,
        /// Its latency.
        measurement: &'a Measurement,
        /// Layers done in this run, refused ones included.
        done: usize,
        /// Layers to do in this run.
        total: usize,
        /// Expected time for the rest of the layers, from the pace so far.
        remaining: Duration,
    },
    /// The runtime does not execute a model; the profile goes on without it.
    Refused(&'a RuntimeError),
    /// A round over the whole networks was completed.
    Round {
        /// Samples taken so far, of all networks.
        done: usize,
        /// Samples to take.
        total: usize,
    },
    /// A whole network was measured and is on disk.
    Network {
        /// The network.
        architecture: &'a Architecture,
        /// Its latency.
        measurement: &'a Measurement,
    },
    /// That was all.
    Finished(&'a ProfileReport),
}

/// Why a profile ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Everything asked for is measured or refused.
    Complete,
    /// The time cap was reached before the last layer.
    TimeCap,
    /// It was cancelled; what was measured is kept.
    Cancelled,
}

/// What a profile did.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileReport {
    /// Why it ended.
    pub stop: StopReason,
    /// Layers measured in this run.
    pub blocks: usize,
    /// Whole networks measured in this run.
    pub networks: usize,
    /// Of the layers, those whose interval stayed wider than asked for when a cap was hit.
    pub unsettled: usize,
    /// Models the runtime does not execute, in its words.
    pub refused: Vec<String>,
    /// Share of the layers asked for that is in the table now.
    pub coverage: f64,
    /// Slowest and fastest speed of the machine while measuring, as a share of its reference speed.
    pub speed_range: Option<(f64, f64)>,
    /// Runs too far from their median to be noise; they are part of the numbers.
    pub outliers: u64,
    /// All runs.
    pub runs: u64,
    /// What speaks against trusting the numbers.
    pub warnings: Vec<Warning>,
    /// Time used.
    pub elapsed: Duration,
}

/// Measures the layers and whole networks that `table` lacks, in a seeded random order, each on disk as soon as it
/// is done. `cancel` is looked at between models.
///
/// The anchor's reference time is the table's, so that rows of different days compare.
pub fn profile(
    runtime: &mut dyn Runtime,
    table: &mut LatencyTable,
    keys: impl IntoIterator<Item = BlockKey>,
    networks: &[Architecture],
    options: &ProfileOptions,
    cancel: &AtomicBool,
    observer: &mut dyn FnMut(ProfileEvent<'_>),
) -> Result<ProfileReport, LatencyError> {
    table.measurable()?;
    let plan = ProfilePlan::new(keys, networks, Some(table), options);
    observer(ProfileEvent::Planned(&plan));
    let threads = table.header().threads;
    let mut run = Run {
        bench: Bench::new(
            runtime,
            options.measure.clone(),
            Some(table.header().anchor_reference_ms),
        )?,
        table,
        options,
        cancel,
        observer,
        start: Instant::now(),
        speeds: Vec::new(),
        outliers: 0,
        runs: 0,
        refused: Vec::new(),
        warnings: Vec::new(),
    };
    let conditions = run.bench.conditions()?.filter(|_| !plan.is_empty());
    for warning in conditions.iter().flat_map(|conditions| conditions.warnings(threads)) {
        run.warn(warning);
    }
    let (mut stop, blocks) = run.blocks(&plan)?;
    let mut measured_networks = 0;
    if stop != StopReason::Cancelled {
        for chunk in plan.missing_networks.chunks(NETWORKS_AT_ONCE) {
            measured_networks += run.networks(chunk)?;
        }
        if cancel.load(Ordering::Relaxed) {
            stop = StopReason::Cancelled;
        }
    }
    let unsettled = run.bench.unsettled() as usize;
    let speeds = statistics::sorted(&run.speeds);
    let turbo = conditions.and_then(|conditions| conditions.turbo).unwrap_or(false);
    let drift = Warning::drift(&speeds, turbo);
    let afterwards = [
        drift,
        Warning::unsettled(unsettled, blocks),
        Warning::outliers(run.outliers, run.runs),
    ];
    for warning in afterwards.into_iter().flatten() {
        run.warn(warning);
    }
    let missing = plan.missing_blocks.len() - blocks;
    let report = ProfileReport {
        stop,
        blocks,
        networks: measured_networks,
        unsettled,
        coverage: if plan.blocks == 0 {
            1.0
        } else {
            1.0 - missing as f64 / plan.blocks as f64
        },
        speed_range: speeds.first().zip(speeds.last()).map(|(slow, fast)| (*slow, *fast)),
        outliers: run.outliers,
        runs: run.runs,
        elapsed: run.elapsed(),
        warnings: std::mem::take(&mut run.warnings),
        refused: std::mem::take(&mut run.refused),
    };
    (run.observer)(ProfileEvent::Finished(&report));
    Ok(report)
}

struct Run<'a, 'r> {
    bench: Bench<'r>,
    table: &'a mut LatencyTable,
    options: &'a ProfileOptions,
    cancel: &'a AtomicBool,
    observer: &'a mut dyn FnMut(ProfileEvent<'_>),
    start: Instant,
    speeds: Vec<f64>,
    outliers: u64,
    runs: u64,
    refused: Vec<String>,
    warnings: Vec<Warning>,
}

impl Run<'_, '_> {
    /// Wall time, or the runtime's own where that runs ahead (a fake clock).
    fn elapsed(&self) -> Duration {
        let Milliseconds(used_ms) = self.bench.used();
        self.start.elapsed().max(Duration::from_secs_f64(used_ms / 1000.0))
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    fn note(&mut self, measurement: &Measurement) {
        self.speeds.push(measurement.speed);
        self.outliers += u64::from(measurement.outliers);
        self.runs += u64::from(measurement.runs);
    }

    fn warn(&mut self, warning: Warning) {
        (self.observer)(ProfileEvent::Warned(&warning));
        self.warnings.push(warning);
    }

    /// Passes on what the model did; a refusal is reported and becomes `None`.
    fn accept<T>(&mut self, result: Result<T, LatencyError>) -> Result<Option<T>, LatencyError> {
        match result {
            Err(LatencyError::Runtime(refusal @ RuntimeError::Refused { .. })) => {
                (self.observer)(ProfileEvent::Refused(&refusal));
                self.refused.push(refusal.to_string());
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    fn blocks(&mut self, plan: &ProfilePlan) -> Result<(StopReason, usize), LatencyError> {
        let mut order = plan.missing_blocks.clone();
        order.shuffle(&mut random::stream(self.options.seed, "profile order", 0));
        let total = order.len();
        let mut measured = 0;
        for (index, key) in order.iter().enumerate() {
            if self.cancelled() {
                return Ok((StopReason::Cancelled, measured));
            }
            let elapsed = self.elapsed();
            if self.options.time_cap.is_some_and(|cap| elapsed >= cap) {
                return Ok((StopReason::TimeCap, measured));
            }
            let result = self.bench.measure(&Model::block(key));
            let Some(measurement) = self.accept(result)? else {
                continue;
            };
            self.table.add_block(*key, measurement)?;
            self.note(&measurement);
            measured += 1;
            let done = index + 1;
            let remaining = self.elapsed().mul_f64((total - done) as f64 / done as f64);
            (self.observer)(ProfileEvent::Block {
                key,
                measurement: &measurement,
                done,
                total,
                remaining,
            });
        }
        Ok((StopReason::Complete, measured))
    }

    /// Measures networks in rounds, so that a slow minute falls on all of them alike.
    fn networks(&mut self, networks: &[Architecture]) -> Result<usize, LatencyError> {
        let mut candidates: Vec<Option<(&Architecture, Candidate)>> = Vec::new();
        for network in networks {
            let placed = self.bench.place(&Model::network(network));
            candidates.extend(self.accept(placed)?.map(|candidate| Some((network, candidate))));
        }
        let total = self.options.network_rounds.max(1) * candidates.len();
        let mut done = 0;
        for _ in 0..self.options.network_rounds.max(1) {
            for slot in &mut candidates {
                if self.cancelled() {
                    return Ok(0);
                }
                // One that is refused in the middle of a round leaves it.
                if let Some((_, candidate)) = slot {
                    let sampled = self.bench.sample(candidate, SAMPLES_PER_ROUND);
                    if self.accept(sampled)?.is_none() {
                        *slot = None;
                    }
                }
                done += 1;
                (self.observer)(ProfileEvent::Round { done, total });
            }
        }
        let candidates: Vec<_> = candidates.into_iter().flatten().collect();
        let count = candidates.len();
        for (architecture, candidate) in candidates {
            let measurement = candidate.measurement();
            self.note(&measurement);
            self.table.add_network(architecture.clone(), measurement)?;
            (self.observer)(ProfileEvent::Network {
                architecture,
                measurement: &measurement,
            });
        }
        Ok(count)
    }
}
