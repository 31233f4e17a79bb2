//! The ImageNet predictor: its fit, its errors on left-out networks, its speed.
//!
//! `cargo bench -p mnas-engine --bench imagenet -- fit ACCEL_CSV OUTPUT` writes the coefficients;
//! `… -- check ACCEL_CSV` prints the errors with families and fifths left out;
//! `… -- scaling` fits compound scaling to `EfficientNet-B0`;
//! `… -- speed` counts predictions a second and searches the front of the default space on `configs/devices/pixel1`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use mnas_engine::imagenet::validation::{Agreement, LEFT_OUT_FAMILIES, LeftOut, hold_out_fifths, leave_families_out};
use mnas_engine::imagenet::{FrontOptions, Predictor, fit, published_networks, read_accel, search_front};
use mnas_engine::problem::{Metric, Problem, TargetDevice};
use mnas_engine::scaling::{CompoundOptions, fit_compound};
use mnas_latency::{LatencyModel, Milliseconds};
use mnas_space::random::stream;
use mnas_space::{Architecture, Reference, ScalingRule, SearchSpace};

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["fit", accel, output] => write_coefficients(Path::new(accel), Path::new(output)),
        ["check", accel] => print_errors(Path::new(accel)),
        ["scaling"] => print_scaling(),
        ["speed"] | [] => print_speed(),
        other => panic!("{other:?}; expected fit ACCEL_CSV OUTPUT, check ACCEL_CSV, scaling or speed"),
    }
}

fn write_coefficients(accel: &Path, output: &Path) {
    let coefficients = fit::fit(&published_networks(), &read_accel(accel).unwrap());
    std::fs::write(output, coefficients.to_toml()).unwrap();
}

fn print_errors(accel: &Path) {
    let accel = read_accel(accel).unwrap();
    let left_out = leave_families_out(&published_networks(), &accel);
    println!("| left out | networks | mean error | bias | tau | in the 90 % interval | half width | in range |");
    println!("|---|---|---|---|---|---|---|---|");
    for family in LEFT_OUT_FAMILIES {
        print_row(
            family,
            left_out.iter().filter(|network| network.family == family).collect(),
        );
    }
    // The authors' grids; other sources trained MobileNetV2 at widths 0.25, 1.5 and 2 too.
    let other_widths = [0.25, 1.5, 2.0];
    let is_other = |network: &LeftOut| network.family == "mobilenet-v2" && other_widths.contains(&network.width);
    for family in ["mobilenet-v1", "mobilenet-v2"] {
        let grid = left_out
            .iter()
            .filter(|network| network.family == family && !is_other(network));
        print_row(&format!("{family}, the authors' grid"), grid.collect());
    }
    print_row("all", left_out.iter().collect());
    for network in &left_out {
        let LeftOut {
            reference,
            width,
            resolution,
            published,
            predicted,
            interval: (low, high),
            ..
        } = network;
        println!(
            "{reference} {width} {resolution} {:?}: {published:.1} predicted {predicted:.1} ({low:.1}-{high:.1})",
            network.recipe
        );
    }
    let start = Instant::now();
    for (fifth, agreement) in hold_out_fifths(&accel, 0).iter().enumerate() {
        println!(
            "fifth {fifth}: tau {:.4}, mean error {:.4}",
            agreement.tau, agreement.mean_error
        );
    }
    println!("five fits: {:.1} s", start.elapsed().as_secs_f64());
}

#[expect(clippy::needless_pass_by_value, reason = "printed once")]
fn print_row(name: &str, networks: Vec<&LeftOut>) {
    let agreement = Agreement::of_left_out(networks.iter().copied());
    let count = networks.len() as f64;
    let inside = |network: &&&LeftOut| (network.interval.0..=network.interval.1).contains(&network.published);
    let covered = networks.iter().filter(inside).count() as f64 / count;
    let half = networks
        .iter()
        .map(|network| (network.interval.1 - network.interval.0) / 2.0)
        .sum::<f64>()
        / count;
    let in_range = networks.iter().filter(|network| network.in_range).count();
    println!(
        "| {name} | {} | {:.2} | {:+.2} | {:.3} | {:.1} % | {half:.1} | {in_range} |",
        agreement.networks,
        agreement.mean_error,
        agreement.bias,
        agreement.tau,
        100.0 * covered
    );
}

fn print_scaling() {
    let b0 = Reference::named("efficientnet-b0")
        .unwrap()
        .architecture(1.0, 224, 1000)
        .unwrap();
    let rule = ScalingRule::named("efficientnet").unwrap();
    let mut predict = |network: &Architecture| {
        let predicted = Predictor::embedded().predict(network);
        predicted
            .map(|predicted| predicted.top1)
            .map_err(|error| error.to_string())
    };
    let start = Instant::now();
    let fit = fit_compound(&b0, &rule, &CompoundOptions::default(), &mut predict).unwrap();
    println!(
        "{:.2} s, best of {}: {:?}",
        start.elapsed().as_secs_f64(),
        fit.candidates.len(),
        fit.best
    );
    println!("published: {:?}", fit.published);
    for step in fit.family.iter().chain(&fit.published_family) {
        let (macs, accuracy) = (step.cost.macs as f64 / 1e6, &step.accuracy);
        println!(
            "{} {} px: {macs:.0} M, predicted {accuracy:?}",
            step.name, step.architecture.resolution
        );
    }
}

fn print_speed() {
    let space = SearchSpace::from_toml(SearchSpace::embedded("mobilenet").unwrap()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/devices/pixel1");
    let device = TargetDevice {
        name: "pixel1".to_owned(),
        latency: LatencyModel::load(&folder).unwrap(),
        budget: Some(Milliseconds(20.0)),
    };
    let problem = Problem::new(
        space,
        1000,
        vec![device],
        vec![Metric::Accuracy, Metric::Latency(0)],
        Vec::new(),
    );
    let predictor = Predictor::embedded();
    let mut rng = stream(0, "speed", 0, 0);
    let mut genotype = problem.space.sample(&mut rng);
    let mut architecture = problem.space.express(&genotype, 1000);
    for (name, with_costs) in [("predictions", false), ("predictions with costs", true)] {
        let (count, mut sum) = (1_000_000_u32, 0.0);
        for timed in [false, true] {
            let start = Instant::now();
            for _ in 0..count {
                problem.space.mutate_in_place(&mut genotype, &mut rng);
                problem.space.express_into(&genotype, 1000, &mut architecture);
                sum += predictor.score(&architecture).unwrap_or(0.0);
                if with_costs {
                    sum += problem.costs(&architecture).macs as f64;
                }
            }
            if timed {
                println!(
                    "{name}: {:.0} a second on one core ({sum:.0})",
                    f64::from(count) / start.elapsed().as_secs_f64()
                );
            }
        }
    }
    let start = Instant::now();
    let options = FrontOptions {
        candidates: 5_000_000,
        seed: 0,
    };
    let front = search_front(&problem, predictor, options, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    println!(
        "{} candidates in {:.1} s",
        front.candidates,
        start.elapsed().as_secs_f64()
    );
    println!(
        "{} over the budget, {} out of range",
        front.over_constraints, front.out_of_range
    );
    println!("{} members, every 20th of them:", front.members.len());
    for member in front.members.iter().rev().step_by(20) {
        println!(
            "{:.2} ms: {:.2} % predicted ({:.1}-{:.1}), distance {:.2}: {}",
            member.proposal.costs.latency[0].latency.0,
            member.predicted.top1,
            member.predicted.low,
            member.predicted.high,
            member.predicted.distance,
            member.proposal.architecture
        );
    }
}
