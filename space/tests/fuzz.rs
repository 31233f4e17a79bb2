//! Fuzz tests of all parsers, with arbitrary bytes and mutations of valid texts. A parser must not panic, hang or exceed
//! its memory bound, and every accepted value must support printing, reading back, counting, sampling and encoding.
//!
//! The inputs are derived from a seed. The ordinary tests try a few thousand inputs per parser. The ignored ones try a
//! million (see CONTRIBUTING), or the number in the variable `MNAS_FUZZ_INPUTS`, and print a report.
#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stderr, reason = "long runs print a report")]

mod exercise;
mod mutation;
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use mutation::Mutator;
use mutation::grammars::{self, Grammar};

/// Parser under test.
struct Target {
    name: &'static str,
    grammar: Grammar,
    /// Parses a text and exercises the accepted value; returns true if the text was accepted.
    try_text: fn(&str) -> bool,
    /// Largest number of bytes allocated at one time in `try_text`, in addition to [`PER_BYTE`] for each byte of the text.
    most_bytes: u64,
}

const MEBIBYTE: u64 = 1 << 20;
/// Memory in bytes per byte of text. A token of TOML, which can be a single byte, takes 48 bytes.
const PER_BYTE: u64 = 100;

const ARCHITECTURE_STRING: Target = Target {
    name: "architecture strings",
    grammar: grammars::ARCHITECTURE_STRING,
    try_text: exercise::architecture_string,
    most_bytes: 4 * MEBIBYTE,
};
const BLOCK_KEY: Target = Target {
    name: "block keys",
    grammar: grammars::BLOCK_KEY,
    try_text: exercise::block_key,
    most_bytes: MEBIBYTE,
};
const ARCHITECTURE_TOML: Target = Target {
    name: "architecture TOML",
    grammar: grammars::ARCHITECTURE_TOML,
    try_text: exercise::architecture_toml,
    most_bytes: 4 * MEBIBYTE,
};
const NETWORK_JSON: Target = Target {
    name: "network JSON",
    grammar: grammars::NETWORK_JSON,
    try_text: exercise::network_json,
    most_bytes: 4 * MEBIBYTE,
};
const SPACE_TOML: Target = Target {
    name: "search-space TOML",
    grammar: grammars::SPACE_TOML,
    try_text: exercise::space_toml,
    most_bytes: 256 * MEBIBYTE,
};
const REFERENCE_TOML: Target = Target {
    name: "reference TOML",
    grammar: grammars::REFERENCE_TOML,
    try_text: exercise::reference_toml,
    most_bytes: 16 * MEBIBYTE,
};

const TARGETS: [&Target; 6] = [
    &ARCHITECTURE_STRING,
    &BLOCK_KEY,
    &ARCHITECTURE_TOML,
    &NETWORK_JSON,
    &SPACE_TOML,
    &REFERENCE_TOML,
];

/// Statistics of a run.
#[derive(Default)]
struct Statistics {
    accepted: usize,
    most_bytes: u64,
    slowest: Duration,
}

fn run(target: &Target, inputs: usize) -> Statistics {
    let mut mutator = Mutator::new(&target.grammar, 1);
    let mut statistics = Statistics::default();
    for _ in 0..inputs {
        let text = mutator.next();
        let mut outcome = Ok(false);
        let begin = Instant::now();
        let memory = allocation_counter::measure(|| {
            outcome = catch_unwind(AssertUnwindSafe(|| (target.try_text)(&text)));
        });
        statistics.slowest = statistics.slowest.max(begin.elapsed());
        statistics.most_bytes = statistics.most_bytes.max(memory.bytes_max);
        let accepted = outcome.unwrap_or_else(|panic| {
            eprintln!(
                "{}: this input of {} bytes panics:\n{:.4000}",
                target.name,
                text.len(),
                text
            );
            resume_unwind(panic)
        });
        assert!(
            memory.bytes_max <= target.most_bytes + PER_BYTE * text.len() as u64,
            "{}: {} bytes of memory for {} bytes of input:\n{text:.4000}",
            target.name,
            memory.bytes_max,
            text.len()
        );
        if accepted {
            statistics.accepted += 1;
            mutator.keep(text);
        }
    }
    assert!(
        statistics.accepted * 50 > inputs,
        "{}: {} accepted",
        target.name,
        statistics.accepted
    );
    statistics
}

#[test]
fn corpora_are_valid() {
    for target in TARGETS {
        for text in target.grammar.corpus {
            assert!((target.try_text)(text), "{}: {text}", target.name);
        }
    }
}

/// Runs a million inputs and prints a report.
fn run_long(target: &Target) {
    let inputs = std::env::var("MNAS_FUZZ_INPUTS").map_or(1_000_000, |count| count.parse().unwrap());
    let begin = Instant::now();
    let statistics = run(target, inputs);
    eprintln!(
        "{}: {inputs} inputs in {:.0} s, {} accepted; at most {} KiB for one, the slowest {:.0} ms",
        target.name,
        begin.elapsed().as_secs_f64(),
        statistics.accepted,
        statistics.most_bytes / 1024,
        statistics.slowest.as_secs_f64() * 1e3,
    );
}

macro_rules! fuzz_tests {
    ($($short:ident, $long:ident: $target:ident, $inputs:literal;)+) => {$(
        #[test]
        fn $short() {
            run(&$target, $inputs);
        }

        #[test]
        #[ignore = "a million inputs"]
        fn $long() {
            run_long(&$target);
        }
    )+};
}

fuzz_tests! {
    architecture_strings, a_million_architecture_strings: ARCHITECTURE_STRING, 10_000;
    block_keys, a_million_block_keys: BLOCK_KEY, 10_000;
    architecture_toml, a_million_architecture_toml: ARCHITECTURE_TOML, 5_000;
    network_json, a_million_network_json: NETWORK_JSON, 5_000;
    space_toml, a_million_space_toml: SPACE_TOML, 1_500;
    reference_toml, a_million_reference_toml: REFERENCE_TOML, 1_500;
}
