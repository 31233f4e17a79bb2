//! Strategies on problems of known accuracies: evaluations until the best network is found, regret, hypervolume, time per proposal.
//!
//! `cargo bench -p mnas-engine --bench strategies -- [NAME=VALUE…]` prints one line for each problem and strategy. Names:
//! `truth` (`macro`, `accel`, `synthetic`, `noisy`; several with commas), `strategy` (names with commas), `goal`
//! (`accuracy` or `front`), `seeds`, `trials`, `lookahead`, `threads`, and `data`, the folder of `nas-bench-macro.json` and
//! `accel-nasbench.csv`; `signals`, a `signals.csv` of `mnas proxy-report --out` with every network of a table, whose naswot and entropy
//! the strategies are given.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

mod course;
mod options;
mod signals;
mod truth;

use course::Course;
use options::{Goal, Options};
use truth::Truth;

fn main() {
    let options = Options::read(std::env::args().skip(1));
    for name in &options.truths {
        let truth = Truth::open(name, &options);
        if let Some(path) = &options.signals {
            truth
                .problem
                .set_signals(std::sync::Arc::new(signals::Recorded::read(path)));
        }
        println!(
            "{name}, {:?}: {} trials, {} seeds, lookahead {}; best {:.3} %",
            options.goal, options.trials, options.seeds, options.lookahead, truth.best
        );
        for strategy in &options.strategies {
            let courses = courses(&truth, strategy, &options);
            println!("  {strategy:<10} {}", summary(&truth, &courses, &options));
        }
    }
}

/// One search for every seed, on several threads.
fn courses(truth: &Truth, strategy: &str, options: &Options) -> Vec<Course> {
    let next = std::sync::atomic::AtomicU64::new(0);
    let mut all: Vec<(u64, Course)> = std::thread::scope(|scope| {
        let run = || {
            let mut done = Vec::new();
            loop {
                let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if seed >= options.seeds {
                    return done;
                }
                done.push((seed, Course::run(truth, strategy, options, options.first_seed + seed)));
            }
        };
        let threads: Vec<_> = (0..options.threads).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    all.sort_by_key(|(seed, _)| *seed);
    all.into_iter().map(|(_, course)| course).collect()
}

fn summary(truth: &Truth, courses: &[Course], options: &Options) -> String {
    let share = |of: &dyn Fn(&Course) -> bool| {
        100.0 * courses.iter().filter(|course| of(course)).count() as f64 / courses.len() as f64
    };
    let mean = |of: &dyn Fn(&Course) -> f64| courses.iter().map(of).sum::<f64>() / courses.len() as f64;
    let milliseconds = mean(&|course| course.proposal_ms);
    let time = format!("{milliseconds:.2} ms a proposal");
    if options.goal == Goal::Front {
        let volumes = |at: usize| mean(&|course| 100.0 * course.volume(at) / truth.volume(&truth.members_points()));
        let steps: Vec<String> = [30, 50, 100, 200, options.trials]
            .into_iter()
            .filter(|at| *at <= options.trials)
            .map(|at| format!("{at}: {:.3} %", volumes(at)))
            .collect();
        return format!("hypervolume after {}; {time}", steps.join(", "));
    }
    let found = |within: usize| share(&|course| course.found_at(truth.best).is_some_and(|at| at <= within));
    let mut counts: Vec<usize> = courses
        .iter()
        .map(|course| course.found_at(truth.best).unwrap_or(usize::MAX))
        .collect();
    counts.sort_unstable();
    let median = counts[counts.len() / 2];
    let median = if median == usize::MAX {
        format!("over {}", options.trials)
    } else {
        median.to_string()
    };
    let regret = |at: usize| mean(&|course| truth.best - course.best(at));
    format!(
        "best found: median {median}, within 50 {:.0} %, 75 {:.0} %, 100 {:.0} %; mean regret after 20 {:.3}, 30 {:.3}, 50 {:.3}, 100 {:.3}; within 0.1 after 30 {:.0} %; {time}",
        found(50),
        found(75),
        found(100),
        regret(20),
        regret(30),
        regret(50),
        regret(100),
        share(&|course| truth.best - course.best(30) <= 0.1),
    )
}
