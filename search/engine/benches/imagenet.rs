//! Speed of the ImageNet predictor: predictions per second, and a search of the front of the default space on
//! `configs/devices/pixel1`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use mnas_engine::imagenet::{FrontOptions, Predictor, search_front};
use mnas_engine::problem::{Metric, Problem, TargetDevice};
use mnas_latency::{LatencyModel, Milliseconds};
use mnas_space::SearchSpace;
use mnas_space::random::stream;

fn main() {
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
