//! Every parser meets arbitrary bytes and mutations of valid texts: none panics, hangs, or takes more than bounded memory, and whatever
//! is accepted can be printed, read back, counted, sampled and recognised.
//!
//! The inputs follow from a seed. The ordinary tests give each parser a few thousand; the ignored ones a million (see CONTRIBUTING), or
//! as many as `MNAS_FUZZ_INPUTS` says, and print what they saw.
#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stderr, reason = "a long run reports what it saw")]

mod mutation;
mod support;
mod survival;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use mutation::{Grammar, Mutator};

/// A parser and what is done with what it accepts; says whether it accepted.
struct Target {
    name: &'static str,
    grammar: Grammar,
    try_text: fn(&str) -> bool,
    /// Most bytes alive at once in one `try_text`, beside [`PER_BYTE`] for each of the text.
    most_bytes: u64,
}

const MEBIBYTE: u64 = 1 << 20;
/// A token of TOML, which can be a single byte, is 48.
const PER_BYTE: u64 = 100;

const ARCHITECTURE_STRING: Target = Target {
    name: "architecture strings",
    grammar: mutation::ARCHITECTURE_STRING,
    try_text: survival::architecture_string,
    most_bytes: 4 * MEBIBYTE,
};
const BLOCK_KEY: Target = Target {
    name: "block keys",
    grammar: mutation::BLOCK_KEY,
    try_text: survival::block_key,
    most_bytes: MEBIBYTE,
};
const ARCHITECTURE_TOML: Target = Target {
    name: "architecture TOML",
    grammar: mutation::ARCHITECTURE_TOML,
    try_text: survival::architecture_toml,
    most_bytes: 4 * MEBIBYTE,
};
const NETWORK_JSON: Target = Target {
    name: "network JSON",
    grammar: mutation::NETWORK_JSON,
    try_text: survival::network_json,
    most_bytes: 4 * MEBIBYTE,
};
const SPACE_TOML: Target = Target {
    name: "search-space TOML",
    grammar: mutation::SPACE_TOML,
    try_text: survival::space_toml,
    most_bytes: 256 * MEBIBYTE,
};
const REFERENCE_TOML: Target = Target {
    name: "reference TOML",
    grammar: mutation::REFERENCE_TOML,
    try_text: survival::reference_toml,
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

/// What a run saw.
#[derive(Default)]
struct Seen {
    accepted: usize,
    most_bytes: u64,
    slowest: Duration,
}

fn run(target: &Target, inputs: usize) -> Seen {
    let mut mutator = Mutator::new(&target.grammar, 1);
    let mut seen = Seen::default();
    for _ in 0..inputs {
        let text = mutator.next();
        let mut outcome = Ok(false);
        let begin = Instant::now();
        let memory = allocation_counter::measure(|| {
            outcome = catch_unwind(AssertUnwindSafe(|| (target.try_text)(&text)));
        });
        seen.slowest = seen.slowest.max(begin.elapsed());
        seen.most_bytes = seen.most_bytes.max(memory.bytes_max);
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
            seen.accepted += 1;
            mutator.accepted(text);
        }
    }
    assert!(
        seen.accepted * 50 > inputs,
        "{}: {} accepted",
        target.name,
        seen.accepted
    );
    seen
}

#[test]
fn the_texts_to_begin_with_are_valid() {
    for target in TARGETS {
        for text in target.grammar.corpus {
            assert!((target.try_text)(text), "{}: {text}", target.name);
        }
    }
}

/// A run of a million inputs, with a report.
fn run_long(target: &Target) {
    let inputs = std::env::var("MNAS_FUZZ_INPUTS").map_or(1_000_000, |count| count.parse().unwrap());
    let begin = Instant::now();
    let seen = run(target, inputs);
    eprintln!(
        "{}: {inputs} inputs in {:.0} s, {} accepted; at most {} KiB for one, the slowest {:.0} ms",
        target.name,
        begin.elapsed().as_secs_f64(),
        seen.accepted,
        seen.most_bytes / 1024,
        seen.slowest.as_secs_f64() * 1e3,
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
