//! Inputs for fuzz tests: mutated and mixed valid texts, and random bytes.

pub mod grammars;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use grammars::{COMMON_NUMBERS, Grammar, NUMBERS};

/// Number of accepted texts that are kept for further mutation.
const KEPT: usize = 256;
/// Largest length of a kept text in bytes.
const LONGEST_KEPT: usize = 2_000;
/// Largest length of a text in bytes, except for one repetition in 256.
const LONG: usize = 16_000;

/// Endless random stream of inputs for a parser.
pub struct Mutator<'g> {
    grammar: &'g Grammar,
    kept: Vec<String>,
    rng: ChaCha8Rng,
}

impl<'g> Mutator<'g> {
    pub fn new(grammar: &'g Grammar, seed: u64) -> Self {
        Self {
            grammar,
            kept: Vec::new(),
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Keeps some of the accepted texts for further mutation.
    pub fn keep(&mut self, text: String) {
        if text.len() > LONGEST_KEPT || self.rng.random_ratio(7, 8) {
            return;
        }
        if self.kept.len() < KEPT {
            self.kept.push(text);
        } else {
            let at = self.rng.random_range(0..KEPT);
            self.kept[at] = text;
        }
    }

    pub fn next(&mut self) -> String {
        let bytes = match self.rng.random_range(0..16) {
            0 => self.random_bytes(),
            1 => self.random_fragments(),
            _ => {
                let mut bytes = self.valid();
                self.mutate(&mut bytes);
                while self.rng.random_ratio(1, 3) {
                    self.mutate(&mut bytes);
                }
                bytes
            }
        };
        String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    fn valid(&mut self) -> Vec<u8> {
        let from_corpus = self.kept.is_empty() || self.rng.random_ratio(1, 4);
        let text = if from_corpus {
            self.pick(self.grammar.corpus)
        } else {
            self.kept.choose(&mut self.rng).map_or("", String::as_str)
        };
        text.as_bytes().to_vec()
    }

    fn pick(&mut self, from: &'static [&'static str]) -> &'static str {
        from.choose(&mut self.rng).unwrap_or(&"")
    }

    fn random_bytes(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; self.rng.random_range(0..300)];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// Fragments and numbers in random order.
    fn random_fragments(&mut self) -> Vec<u8> {
        let mut text = String::new();
        for _ in 0..self.rng.random_range(0..40) {
            text += self.fragment();
        }
        text.into_bytes()
    }

    fn fragment(&mut self) -> &'static str {
        let from = if self.rng.random_ratio(1, 4) {
            NUMBERS
        } else {
            self.grammar.fragments
        };
        self.pick(from)
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let (from, to) = self.range(bytes.len());
        match self.rng.random_range(0..16) {
            0 => {
                let byte = self.rng.random();
                bytes.splice(from..(from + 1).min(bytes.len()), [byte]);
            }
            1 => drop(bytes.drain(from..to)),
            2 => bytes.insert(from, self.rng.random()),
            // Inserts many copies of a range, for long lists and deep nesting.
            3 if self.rng.random_ratio(1, 8) => {
                let range = bytes[from..to].to_vec();
                let longest = if self.rng.random_ratio(1, 256) { 500_000 } else { LONG };
                let most = longest.saturating_sub(bytes.len()) / range.len().max(1);
                let copies = range.repeat(self.rng.random_range(1..=most.clamp(1, 1_000)));
                bytes.splice(from..to, copies);
            }
            3 | 4 => {
                let range = bytes[from..to].to_vec();
                bytes.splice(from..from, range);
            }
            5 => {
                let other = self.valid();
                let (start, end) = self.range(other.len());
                bytes.splice(from..to, other[start..end].iter().copied());
            }
            6..=9 => self.change_number(bytes, from),
            10..=13 => self.move_piece(bytes),
            _ => {
                let fragment = self.fragment();
                bytes.splice(from..from, fragment.bytes());
            }
        }
    }

    /// Random range of a text; short ranges are more frequent.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.rng.random_range(0..=length);
        let longest = if self.rng.random() { 8 } else { length };
        let to = from + self.rng.random_range(0..=longest.min(length - from));
        (from, to)
    }

    /// Copies the text between two separators to another separator, or removes it.
    fn move_piece(&mut self, bytes: &mut Vec<u8>) {
        let separator = *b",_\n".choose(&mut self.rng).unwrap_or(&b',');
        let places: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] == separator).collect();
        let Some(index) = (places.len() > 1).then(|| self.rng.random_range(1..places.len())) else {
            return;
        };
        let (from, to) = (places[index - 1], places[index]);
        if self.rng.random() {
            bytes.drain(from..to);
        } else {
            let piece = bytes[from..to].to_vec();
            let at = places[self.rng.random_range(0..places.len())];
            bytes.splice(at..at, piece);
        }
    }

    /// Replaces the first number at or after `from`.
    fn change_number(&mut self, bytes: &mut Vec<u8>, from: usize) {
        let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|at| from + at) else {
            return;
        };
        let length = bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
            .count();
        let number = if self.rng.random() {
            self.pick(COMMON_NUMBERS)
        } else {
            self.pick(NUMBERS)
        };
        bytes.splice(start..start + length, number.bytes());
    }
}
