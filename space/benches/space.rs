//! Speed and allocations of the crate's operations in the default search space, on one core.
//!
//! `cargo bench -p mnas-space` prints criterion's figures, then a table with the time, rate and allocations of each
//! operation.
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::print_stderr, reason = "prints the table of results")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use mnas_space::{Architecture, Counter, Genotype, SearchSpace};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const CLASSES: u32 = 1000;
/// Number of networks that the operations cycle through.
const NETWORKS: usize = 512;

struct Workbench {
    space: SearchSpace,
    rng: ChaCha8Rng,
    genotype: Genotype,
    architecture: Architecture,
    counter: Counter,
    members: Vec<Architecture>,
    non_members: Vec<Architecture>,
    texts: Vec<String>,
    turn: usize,
}

type Operation = (&'static str, fn(&mut Workbench));

const OPERATIONS: &[Operation] = &[
    ("sample, express, count", |bench| {
        let Workbench {
            space,
            rng,
            genotype,
            architecture,
            counter,
            ..
        } = bench;
        space.sample_into(genotype, rng);
        space.express_into(genotype, CLASSES, architecture);
        black_box(counter.count(architecture));
    }),
    ("mutate, express, count", |bench| {
        let Workbench {
            space,
            rng,
            genotype,
            architecture,
            counter,
            ..
        } = bench;
        space.mutate_in_place(genotype, rng);
        space.express_into(genotype, CLASSES, architecture);
        black_box(counter.count(architecture));
    }),
    ("contains, a member", |bench| {
        let turn = bench.next_turn();
        assert!(bench.space.contains(black_box(&bench.members[turn])));
    }),
    ("contains, no member", |bench| {
        let turn = bench.next_turn();
        assert!(!bench.space.contains(black_box(&bench.non_members[turn])));
    }),
    ("id", |bench| {
        let turn = bench.next_turn();
        black_box(black_box(&bench.members[turn]).id());
    }),
    ("parse", |bench| {
        let turn = bench.next_turn();
        black_box(bench.texts[turn].parse::<Architecture>()).expect("a printed network can be read");
    }),
    ("print", |bench| {
        let turn = bench.next_turn();
        black_box(bench.members[turn].to_string());
    }),
    ("count without reuse", |bench| {
        let turn = bench.next_turn();
        black_box(bench.members[turn].cost());
    }),
];

impl Workbench {
    fn new() -> Self {
        let text = SearchSpace::embedded("mobilenet").expect("the default space is embedded");
        let space = SearchSpace::from_toml(text).expect("the default space is valid");
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut draw = || space.express(&space.sample(&mut rng), CLASSES);
        let members: Vec<_> = (0..NETWORKS).map(|_| draw()).collect();
        // One block that is not among the choices, at any position, so that most of the network can match.
        let non_member = |(index, member): (usize, &Architecture)| {
            let mut changed = member.clone();
            let at = index % changed.blocks.len();
            changed.blocks[at] = changed.blocks[at].with_stride(3);
            changed
        };
        let mut bench = Self {
            genotype: space.sample(&mut ChaCha8Rng::seed_from_u64(2)),
            architecture: members[0].clone(),
            counter: Counter::default(),
            non_members: members.iter().enumerate().map(non_member).collect(),
            texts: members.iter().map(Architecture::to_string).collect(),
            members,
            space,
            rng,
            turn: 0,
        };
        // Fills the counter with nearly all layers of the space, as a search does.
        for _ in 0..200_000 {
            (OPERATIONS[0].1)(&mut bench);
        }
        bench
    }

    fn next_turn(&mut self) -> usize {
        self.turn = (self.turn + 1) % NETWORKS;
        self.turn
    }
}

fn criterion_benchmarks(criterion: &mut Criterion) {
    let mut bench = Workbench::new();
    let mut group = criterion.benchmark_group("default space");
    group.throughput(criterion::Throughput::Elements(1));
    for (name, operation) in OPERATIONS {
        group.bench_function(*name, |timer| timer.iter(|| operation(&mut bench)));
    }
    group.finish();
    print_table(&mut bench);
}

/// Prints time, rate and allocations of every operation.
fn print_table(bench: &mut Workbench) {
    // Keeps a run shorter than the scheduler's time slice, so that most runs are not interrupted on a busy machine.
    const CALLS: u32 = 500;
    const RUNS: usize = 501;
    eprintln!("| operation | time | per second | allocations |\n|---|---|---|---|");
    for (name, operation) in OPERATIONS {
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let begin = Instant::now();
                (0..CALLS).for_each(|_| operation(bench));
                begin.elapsed() / CALLS
            })
            .collect();
        times.sort_unstable();
        let median = times[RUNS / 2];
        let allocations = allocation_counter::measure(|| (0..CALLS).for_each(|_| operation(bench)));
        eprintln!(
            "| {name} | {:.0} ns | {:.0} | {:.2} |",
            median.as_secs_f64() * 1e9,
            1.0 / median.as_secs_f64(),
            allocations.count_total as f64 / f64::from(CALLS),
        );
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).without_plots();
    targets = criterion_benchmarks
}
criterion_main!(benches);
