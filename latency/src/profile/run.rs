//! Main loop of a profile.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mnas_space::random::stream;
use mnas_space::{Architecture, BlockKey};
use rand::seq::SliceRandom;

use super::event::ProfileEvent;
use super::options::ProfileOptions;
use super::plan::ProfilePlan;
use super::report::{MeasuredNetwork, ProfileReport, StopReason};
use super::rounds::{Rounds, samples_of};
use crate::duration::Milliseconds;
use crate::error::{LatencyError, RuntimeError};
use crate::machine::Warning;
use crate::measure::{Measurement, Measurer, TimedModel};
use crate::runtime::{Model, Runtime};
use crate::statistics;
use crate::table::LatencyTable;

/// Maximum number of whole networks in memory at one time if loading is expensive.
const NETWORKS_AT_ONCE: usize = 16;

/// Measures the layers and whole networks that `table` lacks, in a seeded random order, and writes each to disk as soon as it is measured.
/// `cancel` is read between models.
///
/// The anchor's reference time is that of the table, so that rows of different days are comparable.
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
    if !plan.missing_layers.is_empty() {
        table.layers_measurable()?;
    }
    observer(ProfileEvent::Planned(&plan));
    let is_held_out = |network: &&Architecture| table.network(network).is_none() && !networks.contains(network);
    let validation: Vec<Architecture> = options.validation.iter().filter(is_held_out).cloned().collect();
    let mut run = Run::new(runtime, table, options, cancel, observer)?;
    if !plan.is_empty() || !validation.is_empty() {
        run.check_conditions(table.header().threads)?;
    }
    let is_spread = run.measurer.loads_cheaply();
    let whole: Vec<Architecture> = plan.missing_networks.iter().chain(&validation).cloned().collect();
    let at_once = if is_spread {
        whole.len().max(1)
    } else {
        NETWORKS_AT_ONCE
    };
    let mut parts: Vec<Rounds<'_>> = whole.chunks(at_once).map(Rounds::new).collect();
    let (mut stop, layers) = run.layers(table, &plan, parts.first_mut().filter(|_| is_spread))?;
    let mut networks_done = 0;
    let mut validated = Vec::new();
    for rounds in parts {
        if stop == StopReason::Cancelled {
            break;
        }
        for network in run.networks(rounds)? {
            networks_done += 1;
            if validation.contains(&network.architecture) {
                validated.push(network);
                continue;
            }
            table.add_network(network.architecture.clone(), network.measurement)?;
            (run.observer)(ProfileEvent::Network {
                architecture: &network.architecture,
                measurement: &network.measurement,
            });
        }
        if run.is_cancelled() {
            stop = StopReason::Cancelled;
        }
    }
    let coverage = plan.coverage_without(plan.missing_layers.len() - layers);
    Ok(run.finish(stop, layers, networks_done, coverage, validated))
}

struct Run<'a, 'r> {
    measurer: Measurer<'r>,
    options: &'a ProfileOptions,
    cancel: &'a AtomicBool,
    observer: &'a mut dyn FnMut(ProfileEvent<'_>),
    start: Instant,
    /// True if the processor's turbo is known to be on.
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
        let reference_ms = Some(table.header().anchor_reference_ms);
        Ok(Self {
            measurer: Measurer::new(runtime, options.measure.clone(), reference_ms)?,
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

    /// Reads the machine's conditions and reports warnings about them.
    fn check_conditions(&mut self, threads: usize) -> Result<(), LatencyError> {
        let Some(conditions) = self.measurer.conditions()? else {
            return Ok(());
        };
        self.turbo = conditions.turbo.unwrap_or(false);
        for warning in conditions.warnings(threads) {
            self.warn(warning);
        }
        Ok(())
    }

    /// Creates the report, with the warnings that depend on the whole run.
    fn finish(
        mut self,
        stop: StopReason,
        layers: usize,
        networks: usize,
        coverage: f64,
        validation: Vec<MeasuredNetwork>,
    ) -> ProfileReport {
        let unsettled = self.measurer.unsettled() as usize;
        let speeds = statistics::sorted(&self.speeds);
        let warnings = [
            Warning::drift(&speeds, self.turbo),
            Warning::unsettled(unsettled, layers),
            Warning::outliers(self.outliers, self.runs),
        ];
        for warning in warnings.into_iter().flatten() {
            self.warn(warning);
        }
        let report = ProfileReport {
            stop,
            layers,
            networks,
            unsettled,
            coverage,
            speed_range: speeds.first().zip(speeds.last()).map(|(slow, fast)| (*slow, *fast)),
            outliers: self.outliers,
            runs: self.runs,
            elapsed: self.elapsed(),
            validation,
            warnings: self.warnings,
            refused: self.refused,
        };
        (self.observer)(ProfileEvent::Finished(&report));
        report
    }

    /// Elapsed wall time, or the runtime's clock if that is ahead (a simulated clock).
    fn elapsed(&self) -> Duration {
        let Milliseconds(used_ms) = self.measurer.used();
        self.start.elapsed().max(Duration::from_secs_f64(used_ms / 1000.0))
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    fn count(&mut self, measurement: &Measurement) {
        self.speeds.push(measurement.speed);
        self.outliers += u64::from(measurement.outliers);
        self.runs += u64::from(measurement.runs);
    }

    fn warn(&mut self, warning: Warning) {
        (self.observer)(ProfileEvent::Warned(&warning));
        self.warnings.push(warning);
    }

    /// Unwraps the result of a measurement; reports a refusal and converts it to `None`.
    fn unless_refused<T>(&mut self, result: Result<T, LatencyError>) -> Result<Option<T>, LatencyError> {
        match result {
            Err(LatencyError::Runtime(refusal @ RuntimeError::Refused { .. })) => {
                (self.observer)(ProfileEvent::Refused(&refusal));
                self.refused.push(refusal.to_string());
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// Measures the missing layers, those of the networks first, with rounds over the networks in between. Returns the reason why it ended,
    /// and the number of layers measured.
    fn layers(
        &mut self,
        table: &mut LatencyTable,
        plan: &ProfilePlan,
        mut rounds: Option<&mut Rounds<'_>>,
    ) -> Result<(StopReason, usize), LatencyError> {
        let order = self.order(plan);
        let total = order.len();
        let mut measured = 0;
        for (index, key) in order.into_iter().enumerate() {
            if self.is_cancelled() {
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
                if is_due && !rounds.networks.is_empty() {
                    self.round(rounds, false)?;
                }
            }
            let result = self.measurer.measure(&Model::block(&key));
            let Some(measurement) = self.unless_refused(result)? else {
                continue;
            };
            table.add_block(key, measurement)?;
            self.count(&measurement);
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

    /// Missing layers in random order: those of the networks, then common ones, then the rest.
    fn order(&self, plan: &ProfilePlan) -> Vec<BlockKey> {
        let networks = plan.missing_networks.iter();
        let of_networks: HashSet<BlockKey> = networks
            .flat_map(|network| network.layers().map(|layer| layer.key))
            .collect();
        let mut order = plan.missing_layers.clone();
        order.shuffle(&mut stream(self.options.seed, "profile order", 0, 0));
        order.sort_by_key(|key| (!of_networks.contains(key), !self.options.common.contains(key)));
        order
    }

    /// Completes the rounds over whole networks and returns their measurements; empty if cancelled.
    fn networks(&mut self, mut rounds: Rounds<'_>) -> Result<Vec<MeasuredNetwork>, LatencyError> {
        while rounds.done < self.options.network_rounds.max(1) {
            self.round(&mut rounds, true)?;
            if self.is_cancelled() {
                return Ok(Vec::new());
            }
        }
        let measured: Vec<(&Architecture, TimedModel)> = rounds
            .networks
            .into_iter()
            .filter_map(|(network, timed)| Some((network, timed?)))
            .collect();
        // If the machine alternated between two speeds, only samples at the more frequent one are used, for all networks.
        let speeds: Vec<f64> = measured.iter().flat_map(|(_, timed)| timed.speeds()).copied().collect();
        if speeds.is_empty() {
            return Ok(Vec::new());
        }
        let usual = statistics::median(&speeds);
        let networks = measured.into_iter().map(|(architecture, timed)| {
            let measurement = timed.measurement_at(usual);
            self.count(&measurement);
            MeasuredNetwork {
                architecture: architecture.clone(),
                measurement,
                halves: timed.halves_at(usual),
            }
        });
        Ok(networks.collect())
    }

    /// Samples every network once; removes refused networks. Returns early if cancelled.
    fn round(&mut self, rounds: &mut Rounds<'_>, is_shown: bool) -> Result<(), LatencyError> {
        let size = rounds.networks.len();
        let total = self.options.network_rounds.max(1) * size;
        for (index, (network, timed)) in std::mem::take(&mut rounds.networks).into_iter().enumerate() {
            if self.is_cancelled() {
                return Ok(());
            }
            let sampled = self.sample(network, timed);
            let sampled = self.unless_refused(sampled)?;
            rounds.networks.extend(sampled.map(|timed| (network, Some(timed))));
            if is_shown {
                let done = rounds.done * size + index + 1;
                (self.observer)(ProfileEvent::Round { done, total });
            }
        }
        rounds.done += 1;
        Ok(())
    }

    /// Takes the samples of one network in a round; loads the network in its first round.
    fn sample(&mut self, network: &Architecture, timed: Option<TimedModel>) -> Result<TimedModel, LatencyError> {
        let mut timed = match timed {
            Some(timed) => timed,
            None => self
                .measurer
                .prepare(Model::network(network), self.options.measure.network_sample_ms)?,
        };
        let samples = samples_of(&timed);
        self.measurer.sample(&mut timed, samples)?;
        if self.measurer.loads_cheaply() {
            timed.unload();
        }
        Ok(timed)
    }
}
