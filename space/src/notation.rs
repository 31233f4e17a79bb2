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

use std::fmt;

use crate::activation::{Activation, Gate};
use crate::architecture::{Architecture, INPUT_CHANNELS};
use crate::block::{Block, Head};
use crate::graph::Shape;
use crate::key::BlockKey;

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
    fn new(column: usize, problem: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { column, problem: problem.into(), expected: expected.into() }
    }

    /// Moves the column by `offset` characters, for a piece that stood inside a longer text.
    #[must_use]
    pub fn shifted(mut self, offset: usize) -> Self {
        self.column += offset;
        self
    }
}

#[derive(Debug)]
struct Field<'t> {
    key: &'t str,
    value: &'t str,
    column: usize,
    taken: bool,
}

/// The fields of one piece; readers take what they know, and what is left over is an error.
#[derive(Debug)]
pub(crate) struct Fields<'t> {
    kind: &'t str,
    column: usize,
    fields: Vec<Field<'t>>,
    /// Fields that must be present when a block is read; a template in a search space leaves some out.
    known: Vec<&'static str>,
}

impl<'t> Fields<'t> {
    /// Splits `ir_k3_e6` into its kind and fields; `column` is where the piece starts.
    fn split(piece: &'t str, column: usize) -> Result<Self, NotationError> {
        let mut parts = piece.split('_');
        let kind = parts.next().unwrap_or_default();
        let mut fields: Vec<Field<'t>> = Vec::new();
        let mut at = column + kind.chars().count() + 1;
        for part in parts {
            let field = Self::field(part, at)?;
            if fields.iter().any(|other| other.key == field.key) {
                let problem = format!("field `{}` stands twice in `{kind}`", field.key);
                return Err(NotationError::new(at, problem, "write each field once"));
            }
            fields.push(field);
            at += part.chars().count() + 1;
        }
        Ok(Self { kind, column, fields, known: Vec::new() })
    }

    fn field(part: &'t str, column: usize) -> Result<Field<'t>, NotationError> {
        let expected = "expected a field such as `k3`, `c32` or `nr6`";
        if part.is_empty() {
            return Err(NotationError::new(column, "an empty field", expected));
        }
        // `n` and `g` take letters; every other key ends where its number begins.
        let split = match part.as_bytes()[0] {
            b'n' | b'g' => 1,
            _ => part.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(part.len()),
        };
        let (key, value) = part.split_at(split);
        if key.is_empty() || value.is_empty() {
            return Err(NotationError::new(column, format!("`{part}` is not a field"), expected));
        }
        Ok(Field { key, value, column, taken: false })
    }

    fn take(&mut self, key: &'static str) -> Option<(&'t str, usize)> {
        self.known.push(key);
        let field = self.fields.iter_mut().find(|field| field.key == key)?;
        field.taken = true;
        Some((field.value, field.column))
    }

    fn number(&mut self, key: &'static str, range: std::ops::RangeInclusive<u32>) -> Result<Option<u32>, NotationError> {
        let Some((text, column)) = self.take(key) else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(value) if digits && range.contains(&value) => Ok(Some(value)),
            _ => Err(NotationError::new(
                column,
                format!("`{key}{text}` has no usable number"),
                format!("expected a whole number from {} to {}", range.start(), range.end()),
            )),
        }
    }

    fn decimal(&mut self, key: &'static str, least: f64, most: f64) -> Result<Option<f64>, NotationError> {
        let Some((text, column)) = self.take(key) else { return Ok(None) };
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match text.parse::<f64>() {
            Ok(value) if plain && (least..=most).contains(&value) => Ok(Some(value)),
            _ => Err(NotationError::new(
                column,
                format!("`{key}{text}` has no usable number"),
                format!("expected a number from {least} to {most}"),
            )),
        }
    }

    fn required<T>(&self, value: Option<T>, key: &str) -> Result<T, NotationError> {
        value.ok_or_else(|| self.missing(key, &format!("`{}` needs a field `{key}`", self.kind)))
    }

    pub(crate) fn missing(&self, key: &str, expected: &str) -> NotationError {
        NotationError::new(self.column, format!("`{}` has no `{key}`", self.kind), expected)
    }

    pub(crate) fn conflict(&self, one: &str, other: &str) -> NotationError {
        let problem = format!("`{}` has both `{one}` and `{other}`", self.kind);
        NotationError::new(self.column, problem, "give one of them")
    }

    pub(crate) fn kernel(&mut self) -> Result<u32, NotationError> {
        let column = self.fields.iter().find(|field| field.key == "k").map_or(self.column, |field| field.column);
        let kernel = self.number("k", 1..=limits::KERNEL)?;
        let kernel = self.required(kernel, "k")?;
        if kernel % 2 == 0 {
            let problem = format!("kernel {kernel} is even");
            return Err(NotationError::new(column, problem, "expected an odd kernel such as 3, 5 or 7"));
        }
        Ok(kernel)
    }

    pub(crate) fn stride(&mut self) -> Result<u32, NotationError> {
        Ok(self.number("s", 1..=limits::STRIDE)?.unwrap_or(1))
    }

    fn repeats(&mut self) -> Result<u32, NotationError> {
        Ok(self.number("r", 1..=limits::BLOCKS as u32)?.unwrap_or(1))
    }

    pub(crate) fn channels(&mut self) -> Result<u32, NotationError> {
        let channels = self.number("c", 1..=limits::CHANNELS)?;
        self.required(channels, "c")
    }

    pub(crate) fn hidden(&mut self) -> Result<Option<u32>, NotationError> {
        self.number("h", 1..=limits::HIDDEN_CHANNELS)
    }

    pub(crate) fn expansion(&mut self) -> Result<Option<f64>, NotationError> {
        self.decimal("e", 0.125, limits::EXPANSION)
    }

    pub(crate) fn squeeze_ratio(&mut self) -> Result<Option<f64>, NotationError> {
        self.decimal("se", 0.01, 1.0)
    }

    pub(crate) fn squeeze_width(&mut self) -> Result<Option<u32>, NotationError> {
        self.number("sq", 1..=limits::CHANNELS)
    }

    pub(crate) fn features(&mut self) -> Result<Option<u32>, NotationError> {
        self.number("f", 1..=limits::HIDDEN_CHANNELS)
    }

    pub(crate) fn classes(&mut self) -> Result<u32, NotationError> {
        let classes = self.number("o", 1..=limits::CLASSES)?;
        self.required(classes, "o")
    }

    pub(crate) fn activation(&mut self) -> Result<Activation, NotationError> {
        let taken = self.take("n");
        let (code, column) = self.required(taken, "n")?;
        Activation::from_code(code).ok_or_else(|| {
            let problem = format!("`n{code}` is no activation");
            NotationError::new(column, problem, "expected one of nre, nr6, nhs, nsw")
        })
    }

    pub(crate) fn gate(&mut self) -> Result<Option<Gate>, NotationError> {
        let Some((code, column)) = self.take("g") else { return Ok(None) };
        let gate = Gate::from_code(code).ok_or_else(|| {
            let problem = format!("`g{code}` is no gate");
            NotationError::new(column, problem, "expected ghs (hard sigmoid) or gsi (sigmoid)")
        })?;
        Ok(Some(gate))
    }

    fn finish(&self) -> Result<(), NotationError> {
        let Some(field) = self.fields.iter().find(|field| !field.taken) else { return Ok(()) };
        let problem = format!("`{}` has no field `{}`", self.kind, field.key);
        Err(NotationError::new(field.column, problem, format!("expected one of {}", self.known.join(", "))))
    }
}

/// Reads one piece such as `ir_r2_k3_s2_e6_c24_nre` into blocks, given the channels that enter it.
pub(crate) fn parse_blocks(piece: &str, column: usize, in_channels: u32) -> Result<Vec<Block>, NotationError> {
    let mut fields = Fields::split(piece, column)?;
    let repeats = fields.repeats()?;
    let kind = fields.kind;
    let first = Block::from_fields(kind, in_channels, &mut fields).ok_or_else(|| {
        let problem = format!("`{kind}` is no block");
        NotationError::new(column, problem, format!("expected one of {}", Block::KINDS.join(", ")))
    })??;
    fields.finish()?;
    check_width(&first, column)?;
    let mut blocks = vec![first];
    if repeats > 1 {
        // The same text read again with the first one's output as input: an expansion is relative to what enters.
        let mut fields = Fields::split(piece, column)?;
        fields.repeats()?;
        if let Some(next) = Block::from_fields(kind, first.channels(), &mut fields) {
            let next = next?.with_stride(1);
            check_width(&next, column)?;
            blocks.extend(std::iter::repeat_n(next, repeats as usize - 1));
        }
    }
    Ok(blocks)
}

fn check_width(block: &Block, column: usize) -> Result<(), NotationError> {
    match block {
        Block::InvertedResidual(ir) if !(1..=limits::HIDDEN_CHANNELS).contains(&ir.hidden_channels) => {
            let problem = format!("the expansion gives {} hidden channels", ir.hidden_channels);
            Err(NotationError::new(column, problem, format!("expected 1 to {}", limits::HIDDEN_CHANNELS)))
        }
        _ => Ok(()),
    }
}

pub(crate) fn parse_head(piece: &str, column: usize) -> Result<Head, NotationError> {
    let mut fields = Fields::split(piece, column)?;
    if fields.kind != "head" {
        let problem = format!("`{}` stands last", fields.kind);
        return Err(NotationError::new(column, problem, "expected the head last, such as `head_o1000`"));
    }
    let head = Head::from_fields(&mut fields)?;
    fields.finish()?;
    Ok(head)
}

/// Reads a whole architecture string.
pub(crate) fn parse(text: &str) -> Result<Architecture, NotationError> {
    if text.len() > limits::TEXT_BYTES {
        return Err(NotationError::new(1, "the text is over 64 KiB", "expected one architecture"));
    }
    let mut pieces = Vec::new();
    let mut column = 1;
    for piece in text.split(',') {
        pieces.push((piece, column));
        column += piece.chars().count() + 1;
    }
    let (first, rest) = pieces.split_first().unwrap_or((&("", 1), &[]));
    let resolution = parse_resolution(first.0)?;
    let Some(((head, head_column), body)) = rest.split_last() else {
        return Err(NotationError::new(column - 1, "the text ends after the input", "expected blocks and a head"));
    };
    let mut blocks = Vec::new();
    let mut channels = INPUT_CHANNELS;
    for (piece, column) in body {
        blocks.extend(parse_blocks(piece, *column, channels)?);
        if blocks.len() > limits::BLOCKS {
            let problem = format!("more than {} blocks", limits::BLOCKS);
            return Err(NotationError::new(*column, problem, "expected fewer repeats"));
        }
        channels = blocks.last().map_or(channels, Block::channels);
    }
    let head = parse_head(head, *head_column)?;
    check(Architecture { resolution, blocks, head }).map_err(|error| error.shifted(head_column - 1))
}

/// The bounds on a whole architecture that its pieces cannot check alone.
pub(crate) fn check(architecture: Architecture) -> Result<Architecture, NotationError> {
    if architecture.blocks.is_empty() {
        return Err(NotationError::new(1, "there are no blocks", "expected at least one block"));
    }
    if architecture.blocks.len() > limits::BLOCKS {
        let problem = format!("{} blocks", architecture.blocks.len());
        return Err(NotationError::new(1, problem, format!("expected at most {}", limits::BLOCKS)));
    }
    if !(1..=limits::RESOLUTION).contains(&architecture.resolution) {
        let problem = format!("resolution {}", architecture.resolution);
        return Err(NotationError::new(1, problem, format!("expected 1 to {}", limits::RESOLUTION)));
    }
    Ok(architecture)
}

fn parse_resolution(piece: &str) -> Result<u32, NotationError> {
    let expected = || format!("expected the input's side in pixels first, `in1` to `in{}`", limits::RESOLUTION);
    let digits = piece.strip_prefix("in").filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.map(str::parse::<u32>) {
        Some(Ok(resolution)) if (1..=limits::RESOLUTION).contains(&resolution) => Ok(resolution),
        _ => Err(NotationError::new(1, format!("`{}`", shortened(piece)), expected())),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() > 24 { format!("{}…", text.chars().take(24).collect::<String>()) } else { text.to_owned() }
}

/// Writes the canonical string: equal neighbours become repeats, defaults are left out.
pub(crate) fn print(architecture: &Architecture, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "in{}", architecture.resolution)?;
    for piece in pieces(&architecture.blocks) {
        write!(out, ",{piece}")?;
    }
    out.write_str(",head")?;
    architecture.head.write_fields(out)
}

/// The canonical pieces of a list of blocks, repeats collapsed.
pub(crate) fn pieces(blocks: &[Block]) -> Vec<String> {
    let mut pieces: Vec<(Block, String, u32)> = Vec::new();
    let mut channels = INPUT_CHANNELS;
    for block in blocks {
        let mut fields = String::new();
        // Writing to a String cannot fail.
        let _ = block.write_fields(channels, &mut fields);
        channels = block.channels();
        match pieces.last_mut() {
            Some((first, text, repeats))
                if *text == fields && block.stride() == 1 && first.kind() == block.kind() =>
            {
                *repeats += 1;
            }
            _ => pieces.push((*block, fields, 1)),
        }
    }
    pieces.into_iter().map(|(block, fields, repeats)| piece(&block, &fields, repeats)).collect()
}

/// One block alone, given the channels that enter it.
pub(crate) fn single_piece(block: &Block, in_channels: u32) -> String {
    let mut fields = String::new();
    // Writing to a String cannot fail.
    let _ = block.write_fields(in_channels, &mut fields);
    piece(block, &fields, 1)
}

/// Reads `ir_k3_e6_c24_nr6@16x112x112`.
pub(crate) fn parse_key(text: &str) -> Result<BlockKey, NotationError> {
    let Some((piece, shape)) = text.split_once('@') else {
        let end = text.chars().count() + 1;
        return Err(NotationError::new(end, "no `@`", "expected the input shape after the block, `@16x112x112`"));
    };
    let column = piece.chars().count() + 2;
    let sides: Vec<u32> = shape
        .split('x')
        .map(|side| side.parse().ok().filter(|side| (1..=limits::HIDDEN_CHANNELS).contains(side)))
        .collect::<Option<_>>()
        .unwrap_or_default();
    let [channels, height, width] = sides[..] else {
        let problem = format!("`{}` is no shape", shortened(shape));
        return Err(NotationError::new(column, problem, "expected channels, height and width, `16x112x112`"));
    };
    let input = Shape { channels, height, width };
    if piece.starts_with("head") {
        return Ok(BlockKey::head(parse_head(piece, 1)?, input));
    }
    match parse_blocks(piece, 1, channels)?[..] {
        [block] => Ok(BlockKey::block(block, input)),
        _ => Err(NotationError::new(1, "a repeated block", "expected a single block")),
    }
}

fn piece(block: &Block, fields: &str, repeats: u32) -> String {
    let repeat = if repeats > 1 { format!("_r{repeats}") } else { String::new() };
    let stride = if block.stride() > 1 { format!("_s{}", block.stride()) } else { String::new() };
    // Kernel first, then stride: the order people know from timm's strings.
    match fields.strip_prefix("_k").and_then(|rest| rest.split_once('_')) {
        Some((kernel, rest)) => format!("{}{repeat}_k{kernel}{stride}_{rest}", block.kind()),
        None => format!("{}{repeat}{stride}{fields}", block.kind()),
    }
}
