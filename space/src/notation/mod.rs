//! Architecture strings: parsing and printing.
//!
//! An architecture is one line in timm's tradition, pieces joined by commas, fields of a piece joined by
//! underscores, every field one or two letters and a value:
//!
//! ```text
//! in224,conv_k3_s2_c32_nr6,ir_k3_e1_c16_nr6,ir_r2_k3_s2_e6_c24_se0.25_nr6,conv_k1_c1280_nr6,head_o1000
//! ```
//!
//! | field | meaning | default |
//! |---|---|---|
//! | `r` | how often the block is repeated; repeats after the first have stride 1 | 1 |
//! | `k` | kernel, odd | required |
//! | `s` | stride | 1 |
//! | `e`, `h` | expansion of `ir`: factor of the input's channels, or hidden channels outright | one of them |
//! | `c` | output channels | required |
//! | `se`, `sq` | squeeze-excite: share of the gated channels rounded to 8, or its width outright | none |
//! | `g` | squeeze-excite gate: `hs` hard sigmoid, `si` sigmoid | `hs` |
//! | `n` | activation: `re`, `r6` (`ReLU6`), `hs` (hard-swish), `sw` (swish) | required |
//! | `f` | hidden features of `head` | none |
//! | `o` | classes scored by `head` | required |
//!
//! Parsing is strict: unknown, duplicate or missing fields are errors that name the column.

mod fields;
mod parse;
mod print;

pub(crate) use fields::Fields;
pub(crate) use parse::{check, parse, parse_blocks, parse_head, parse_key};
pub(crate) use print::{pieces, print, single_piece};

/// Bounds that keep sizes within 64-bit arithmetic and memory within reason; far beyond any mobile network.
pub(crate) mod limits {
    pub const BLOCKS: usize = 512;
    pub const CHANNELS: u32 = 16_384;
    pub const HIDDEN_CHANNELS: u32 = 65_536;
    pub const KERNEL: u32 = 31;
    pub const STRIDE: u32 = 8;
    pub const RESOLUTION: u32 = 4_096;
    pub const CLASSES: u32 = 1_000_000;
    pub const EXPANSION: f64 = 64.0;
    pub const TEXT_BYTES: usize = 64 * 1024;
}

/// Why a text is not an architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}; {expected}")]
pub struct NotationError {
    /// Where in the text, counted in characters from 1.
    pub column: usize,
    /// What was found there.
    pub problem: String,
    /// What would have been accepted.
    pub expected: String,
}

impl NotationError {
    pub(crate) fn new(column: usize, problem: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            column,
            problem: problem.into(),
            expected: expected.into(),
        }
    }

    /// Moves the column by `offset` characters, for a piece that stood inside a longer text.
    #[must_use]
    pub fn shifted(mut self, offset: usize) -> Self {
        self.column += offset;
        self
    }
}
