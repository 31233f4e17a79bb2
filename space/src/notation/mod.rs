//! Architecture strings: parsing and printing.
//!
//! An architecture is one line in timm's tradition, pieces joined by commas, fields of a piece joined by
//! underscores, every field a few letters and a value:
//!
//! ```text
//! in224,conv_k3_s2_c32_nr6,ir_k3_e1_c16_nr6,ir_r2_k3_s2_e6_c24_se0.25_nr6,conv_k1_c1280_nr6,head_o1000
//! ```
//!
//! | field | meaning | default |
//! |---|---|---|
//! | `eps`, `mom` | of `in`: batch-norm's epsilon and momentum | 0.00001, 0.1 |
//! | `r` | how often the block is repeated; repeats after the first have stride 1 | 1 |
//! | `k` | kernel, odd; of `uib` the depthwise convolution after the expansion, 0 for none | required |
//! | `a` | kernel of `uib`'s depthwise convolution before the expansion | none |
//! | `s` | stride | 1 |
//! | `e`, `h` | expansion: factor of the input's channels, or hidden channels outright | one of them |
//! | `c` | output channels | required |
//! | `gr` | groups of `ir`'s 1x1 convolutions, channels shuffled before the depthwise one | 1 |
//! | `se`, `si`, `sq` | squeeze-excite: share of the gated channels rounded to 8, share of the block's input, or its width outright | none |
//! | `g` | squeeze-excite gate: `hs` hard sigmoid, `si` sigmoid | `hs` |
//! | `sn` | squeeze-excite activation | `re` |
//! | `n` | activation: `re`, `r6` (`ReLU6`), `hs` (hard-swish), `sw` (swish), `ge` (GELU) | required |
//! | `ls` | `uib` with layer scale | without |
//! | `noskip` | no residual connection where there could be one | with |
//! | `f`, `fb`, `fn` | hidden features of `head`, with bias, batch-norm or neither | none |
//! | `o` | classes scored by `head` | required |
//!
//! Parsing is strict: unknown, duplicate or missing fields are errors that name the column.

mod parse;
mod print;
mod words;

pub(crate) use parse::{check, parse, parse_blocks, parse_head, parse_key};
pub(crate) use print::{pieces, print, single_piece};

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
