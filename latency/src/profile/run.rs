//! The loop that fills a table.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mnas_space::random::stream;
use mnas_space::{Architecture, BlockKey};
use rand::seq::SliceRandom;

use super::{ProfileOptions, ProfilePlan};
use crate::duration::Milliseconds;
use crate::error::{LatencyError, RuntimeError};
use crate::measure::{Bench, Candidate, Measurement, Warning};
use crate::runtime::{Model, Runtime};
use crate::statistics;
use crate::table::LatencyTable;

/// Most samples of each whole network in one round ...
pub(super) const SAMPLES_PER_ROUND: usize = 7;

/// ... which take about this much time; two are taken of any network.
const ROUND_MS: f64 = 20.0;

/// Whole networks held in memory at once where loading them is expensive.
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

/// A network that was measured beside those of the table, to judge predictions by.
#[derive(Debug, Clone, PartialEq)]
pub struct Witness {
    /// The network.
    pub architecture: Architecture,
    /// What it was measured at.
    pub measurement: Measurement,
    /// The medians of the first and the second half of its samples.
    pub halves: Option<(Milliseconds, Milliseconds)>,
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
    /// What [`ProfileOptions::witnesses`] were measured at; none where it was cancelled.
    pub witnesses: Vec<Witness>,
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
    if !plan.missing_blocks.is_empty() {
        table.layers_measurable()?;
    }
    observer(ProfileEvent::Planned(&plan));
    let is_stranger = |network: &&Architecture| table.network(network).is_none() && !networks.contains(network);
    let witnesses: Vec<Architecture> = options.witnesses.iter().filter(is_stranger).cloned().collect();
    let mut run = Run::new(runtime, table, options, cancel, observer)?;
    if !plan.is_empty() || !witnesses.is_empty() {
        run.look_around(table.header().threads)?;
    }
    let is_spread = run.bench.loads_cheaply();
    let whole: Vec<Architecture> = plan.missing_networks.iter().chain(&witnesses).cloned().collect();
    let at_once = if is_spread {
        whole.len().max(1)
    } else {
        NETWORKS_AT_ONCE
    };
    let mut parts: Vec<Rounds<'_>> = whole.chunks(at_once).map(Rounds::of).collect();
    let (mut stop, blocks) = run.blocks(table, &plan, parts.first_mut().filter(|_| is_spread))?;
    let mut measured_networks = 0;
    let mut seen = Vec::new();
    for rounds in parts {
        if stop == StopReason::Cancelled {
            break;
        }
        for network in run.networks(rounds)? {
            measured_networks += 1;
            if witnesses.contains(&network.architecture) {
                seen.push(network);
                continue;
            }
            table.add_network(network.architecture.clone(), network.measurement)?;
            (run.observer)(ProfileEvent::Network {
                architecture: &network.architecture,
                measurement: &network.measurement,
            });
        }
        if run.cancelled() {
            stop = StopReason::Cancelled;
        }
    }
    let missing = plan.missing_blocks.len() - blocks;
    let coverage = if plan.blocks == 0 {
        1.0
    } else {
        1.0 - missing as f64 / plan.blocks as f64
    };
    Ok(run.finish(stop, blocks, measured_networks, coverage, seen))
}

struct Run<'a, 'r> {
    bench: Bench<'r>,
    options: &'a ProfileOptions,
    cancel: &'a AtomicBool,
    observer: &'a mut dyn FnMut(ProfileEvent<'_>),
    start: Instant,
    /// Whether the processor's turbo is on, where that is known.
    turbo: bool,
    speeds: Vec<f64>,
    outliers: u64,
    runs: u64,
    refused: Vec<String>,
    warnings: Vec<Warning>,
}

impl<'a, 'r> Run<'a, 'r> {
    fn new(
        runtime: &'r mut dyn Runtime,
        table: &LatencyTable,
        options: &'a ProfileOptions,
        cancel: &'a AtomicBool,
        observer: &'a mut dyn FnMut(ProfileEvent<'_>),
    ) -> Result<Self, LatencyError> {
        Ok(Self {
            bench: Bench::new(
                runtime,
                options.measure.clone(),
                Some(table.header().anchor_reference_ms),
            )?,
            options,
            cancel,
            observer,
            start: Instant::now(),
            turbo: false,
            speeds: Vec::new(),
            outliers: 0,
            runs: 0,
            refused: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// Warns of what speaks against measuring now.
    fn look_around(&mut self, threads: usize) -> Result<(), LatencyError> {
        let Some(conditions) = self.bench.conditions()? else {
            return Ok(());
        };
        self.turbo = conditions.turbo.unwrap_or(false);
        for warning in conditions.warnings(threads) {
            self.warn(warning);
        }
        Ok(())
    }

    /// Sums up, with warnings that only the whole run can tell.
    fn finish(
        mut self,
        stop: StopReason,
        blocks: usize,
        networks: usize,
        coverage: f64,
        witnesses: Vec<Witness>,
    ) -> ProfileReport {
        let unsettled = self.bench.unsettled() as usize;
        let speeds = statistics::sorted(&self.speeds);
        let afterwards = [
            Warning::drift(&speeds, self.turbo),
            Warning::unsettled(unsettled, blocks),
            Warning::outliers(self.outliers, self.runs),
        ];
        for warning in afterwards.into_iter().flatten() {
            self.warn(warning);
        }
        let report = ProfileReport {
            stop,
            blocks,
            networks,
            unsettled,
            coverage,
            speed_range: speeds.first().zip(speeds.last()).map(|(slow, fast)| (*slow, *fast)),
            outliers: self.outliers,
            runs: self.runs,
            elapsed: self.elapsed(),
            witnesses,
            warnings: self.warnings,
            refused: self.refused,
        };
        (self.observer)(ProfileEvent::Finished(&report));
        report
    }

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

    /// Measures layers, those of the networks first, with rounds over the networks in between.
    fn blocks(
        &mut self,
        table: &mut LatencyTable,
        plan: &ProfilePlan,
        mut rounds: Option<&mut Rounds<'_>>,
    ) -> Result<(StopReason, usize), LatencyError> {
        let of_networks: HashSet<BlockKey> = plan
            .missing_networks
            .iter()
            .flat_map(|network| network.layers().map(|layer| layer.key).collect::<Vec<_>>())
            .collect();
        let mut order = plan.missing_blocks.clone();
        order.shuffle(&mut stream(self.options.seed, "profile order", 0, 0));
        order.sort_by_key(|key| (!of_networks.contains(key), !self.options.common.contains(key)));
        let total = order.len();
        let mut measured = 0;
        for (index, key) in order.into_iter().enumerate() {
            if self.cancelled() {
                return Ok((StopReason::Cancelled, measured));
            }
            let elapsed = self.elapsed();
            if self.options.time_cap.is_some_and(|cap| elapsed >= cap) {
                return Ok((StopReason::TimeCap, measured));
            }
            if let Some(rounds) = &mut rounds {
                let used = |cap: Duration| elapsed.as_secs_f64() / cap.as_secs_f64();
                let share = (index as f64 / total as f64).max(self.options.time_cap.map_or(0.0, used));
                let is_due = rounds.done < (share * self.options.network_rounds as f64) as usize;
                if is_due && !rounds.slots.is_empty() {
                    self.round(rounds, false)?;
                }
            }
            let result = self.bench.measure(&Model::block(&key));
            let Some(measurement) = self.accept(result)? else {
                continue;
            };
            table.add_block(key, measurement)?;
            self.note(&measurement);
            measured += 1;
            let done = index + 1;
            let remaining = self.elapsed().mul_f64((total - done) as f64 / done as f64);
            (self.observer)(ProfileEvent::Block {
                key: &key,
                measurement: &measurement,
                done,
                total,
                remaining,
            });
        }
        Ok((StopReason::Complete, measured))
    }

    /// The rounds over whole networks that are left, and what the networks were measured at; none where it was cancelled.
    fn networks(&mut self, mut rounds: Rounds<'_>) -> Result<Vec<Witness>, LatencyError> {
        while rounds.done < self.options.network_rounds.max(1) {
            self.round(&mut rounds, true)?;
            if self.cancelled() {
                return Ok(Vec::new());
            }
        }
        let measured: Vec<(&Architecture, Candidate)> = rounds
            .slots
            .into_iter()
            .filter_map(|(network, candidate)| Some((network, candidate?)))
            .collect();
        // Where the machine changed between two speeds, the samples of all networks are of the more frequent one.
        let speeds: Vec<f64> = measured
            .iter()
            .flat_map(|(_, candidate)| candidate.speeds())
            .copied()
            .collect();
        if speeds.is_empty() {
            return Ok(Vec::new());
        }
        let usual = statistics::median(&speeds);
        Ok(measured
            .into_iter()
            .map(|(architecture, candidate)| {
                let measurement = candidate.measurement_at(usual);
                self.note(&measurement);
                Witness {
                    architecture: architecture.clone(),
                    measurement,
                    halves: candidate.halves_at(usual),
                }
            })
            .collect())
    }

    /// One round over networks; one that is refused leaves. Cancelled, it ends in the middle.
    fn round(&mut self, rounds: &mut Rounds<'_>, is_shown: bool) -> Result<(), LatencyError> {
        let size = rounds.slots.len();
        let all = self.options.network_rounds.max(1);
        for (index, (network, candidate)) in std::mem::take(&mut rounds.slots).into_iter().enumerate() {
            if self.cancelled() {
                return Ok(());
            }
            let sampled = self.part(network, candidate);
            let sampled = self.accept(sampled)?;
            rounds.slots.extend(sampled.map(|candidate| (network, Some(candidate))));
            if is_shown {
                let done = rounds.done * size + index + 1;
                (self.observer)(ProfileEvent::Round {
                    done,
                    total: all * size,
                });
            }
        }
        rounds.done += 1;
        Ok(())
    }

    /// One network's part in a round.
    fn part(&mut self, network: &Architecture, candidate: Option<Candidate>) -> Result<Candidate, LatencyError> {
        let mut candidate = match candidate {
            None => self
                .bench
                .place(Model::network(network), self.options.measure.network_sample_ms)?,
            Some(candidate) => candidate,
        };
        let samples = (ROUND_MS / candidate.expected_ms()) as usize;
        self.bench.sample(&mut candidate, samples.clamp(2, SAMPLES_PER_ROUND))?;
        if self.bench.loads_cheaply() {
            candidate.unload();
        }
        Ok(candidate)
    }
}

/// Networks that are measured in rounds, so that a slow minute falls on all of them alike.
struct Rounds<'n> {
    slots: Vec<(&'n Architecture, Option<Candidate>)>,
    done: usize,
}

impl<'n> Rounds<'n> {
    fn of(networks: &'n [Architecture]) -> Self {
        Self {
            slots: networks.iter().map(|network| (network, None)).collect(),
            done: 0,
        }
    }
}
