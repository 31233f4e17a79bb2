//! Architecture strings: syntax, parsing and printing.
//!
//! An architecture string is one line, in the style of timm's strings. Commas separate its pieces: the input, the blocks
//! and the head. Underscores separate the fields of a piece; a field is a code of a few letters and a value:
//!
//! ```text
//! in224,conv_k3_s2_c32_nr6,ir_k3_e1_c16_nr6,ir_r2_k3_s2_e6_c24_se0.25_nr6,conv_k1_c1280_nr6,head_o1000
//! ```
//!
//! | field | meaning | default |
//! |---|---|---|
//! | `eps`, `mom` | epsilon and momentum of batch-norm, fields of `in` | 0.00001, 0.1 |
//! | `r` | number of repeats of the block; those after the first have stride 1 | 1 |
//! | `k` | side of the kernel, odd; in `uib` that of the depthwise convolution after the expansion, 0 for none | required |
//! | `a` | side of the kernel of `uib`'s depthwise convolution before the expansion | none |
//! | `s` | stride | 1 |
//! | `e`, `h` | expansion: factor of the input channels, or number of hidden channels | one is required |
//! | `c` | output channels | required |
//! | `gr` | groups of `ir`'s 1x1 convolutions, channels shuffled before the depthwise one | 1 |
//! | `se`, `si`, `sq` | width of squeeze-excite: share of the gated channels rounded to a multiple of 8, share of the block's input channels, or number of channels | none |
//! | `g` | gate of squeeze-excite: `hs` (hard sigmoid), `si` (sigmoid) | `hs` |
//! | `sn` | activation of squeeze-excite | `re` |
//! | `n` | activation: `re`, `r6` (`ReLU6`), `hs` (hard-swish), `sw` (swish), `ge` (GELU) | required |
//! | `ls` | `uib` with layer scale | without |
//! | `noskip` | no residual connection although the shapes allow one | with |
//! | `f`, `fb`, `fn` | features of `head`'s hidden layer, with bias, batch-norm or neither | none |
//! | `o` | number of classes of `head` | required |
//!
//! Parsing is strict: unknown, duplicate and missing fields are errors with a column.

pub(crate) mod error;
pub(crate) mod parse;
mod piece;
pub(crate) mod print;
