//! Progress of a profile and its totals.

use mnas_latency::{ProfileEvent, ProfileReport, Warning};

use crate::report::{Printer, Progress};

/// Number of layers or parts of networks too small for a progress bar.
const NOT_WORTH_A_BAR: usize = 20;

/// Sums over the parts of a profile.
#[derive(Debug, Default)]
pub struct Totals {
    /// Layers measured.
    pub layers: usize,
    /// Whole networks measured.
    pub networks: usize,
    /// Layers that hit a cap before their interval was as narrow as requested.
    pub unsettled: usize,
    /// Runs too far from their median to be noise.
    pub outliers: u64,
    /// All runs.
    pub runs: u64,
    /// Slowest and fastest speed of the machine, as a share of its reference speed.
    pub speed_range: Option<(f64, f64)>,
    /// Models that the runtime does not execute, with its message.
    pub refused: Vec<String>,
    /// Warnings that were given.
    pub warnings: Vec<String>,
    /// Time used, in seconds.
    pub seconds: f64,
}

impl Totals {
    fn add(&mut self, report: &ProfileReport) {
        self.layers += report.layers;
        self.networks += report.networks;
        self.unsettled += report.unsettled;
        self.outliers += report.outliers;
        self.runs += report.runs;
        self.seconds += report.elapsed.as_secs_f64();
        self.refused.extend(report.refused.iter().cloned());
        self.speed_range = match (self.speed_range, report.speed_range) {
            (Some((slow, fast)), Some((other_slow, other_fast))) => Some((slow.min(other_slow), fast.max(other_fast))),
            (one, other) => one.or(other),
        };
    }
}

/// Progress of a profile: a bar for layers, one for networks.
#[derive(Debug)]
pub struct ProfileProgress<'a> {
    printer: &'a Printer,
    /// Sums over the parts of the profile.
    pub totals: Totals,
    /// Kinds of warnings that were given: each is shown once, although every part of a profile may give it.
    warned: Vec<std::mem::Discriminant<Warning>>,
    /// The bar and its closing line.
    bar: Option<(Progress, String)>,
}

impl<'a> ProfileProgress<'a> {
    pub fn new(printer: &'a Printer) -> Self {
        Self {
            printer,
            totals: Totals::default(),
            warned: Vec::new(),
            bar: None,
        }
    }

    pub fn on_event(&mut self, event: &ProfileEvent<'_>) {
        match event {
            ProfileEvent::Planned(plan) => {
                self.finish();
                let layers = plan.missing_layers.len();
                if layers > NOT_WORTH_A_BAR {
                    self.begin("measuring layers", layers);
                }
            }
            ProfileEvent::Block { done, total, .. } => {
                if let Some((bar, end)) = &mut self.bar {
                    bar.set(*done as u64);
                    *end = format!("{done} of {total}");
                }
            }
            ProfileEvent::Round { total, .. } if *total <= NOT_WORTH_A_BAR => {}
            ProfileEvent::Round { done, total } => {
                let networks = "measuring networks";
                if self
                    .bar
                    .as_ref()
                    .is_none_or(|(_, end)| !end.is_empty() && !end.ends_with("samples"))
                {
                    self.finish();
                    self.begin(networks, *total);
                }
                if let Some((bar, end)) = &mut self.bar {
                    bar.set_total(*total as u64);
                    bar.set(*done as u64);
                    *end = format!("{done} samples");
                }
            }
            ProfileEvent::Warned(warning) => self.warn(warning),
            ProfileEvent::Refused(error) => self.printer.warning(&error.to_string()),
            ProfileEvent::Network { .. } => {}
            ProfileEvent::Finished(report) => self.totals.add(report),
        }
    }

    fn warn(&mut self, warning: &Warning) {
        let kind = std::mem::discriminant(warning);
        if !self.warned.contains(&kind) {
            self.warned.push(kind);
            self.printer.warning(&format!("{warning}; {}", warning.advice()));
            self.totals.warnings.push(format!("{warning}; {}", warning.advice()));
        }
    }

    fn begin(&mut self, what: &str, total: usize) {
        self.bar = Some((self.printer.progress(what, total as u64), String::new()));
    }

    pub fn finish(&mut self) {
        if let Some((bar, end)) = self.bar.take() {
            bar.finish(&end);
        }
    }
}
