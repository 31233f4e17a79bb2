//! From text to blocks, heads, architectures and block keys.

use super::NotationError;
use super::words::Words;
use crate::architecture::{Architecture, INPUT_CHANNELS};
use crate::batch_norm::BatchNorm;
use crate::block::field::{CHANNELS, Domain, Field, STRIDE};
use crate::block::kind::Context;
use crate::block::{Block, Head};
use crate::graph::Shape;
use crate::key::BlockKey;
use crate::limits;

/// How often a block stands.
static REPEATS: Field = Field {
    name: "repeats",
    code: "r",
    domain: Domain::Whole {
        least: 1,
        most: limits::BLOCKS as u32,
    },
};

/// Batch-norm's constants, fields of the first piece.
static EPSILON: Field = Field {
    name: "epsilon",
    code: "eps",
    domain: Domain::Decimal {
        least: 1e-9,
        most: 1.0,
        or_none: false,
    },
};
static MOMENTUM: Field = Field {
    name: "momentum",
    code: "mom",
    domain: Domain::Decimal {
        least: 1e-6,
        most: 1.0,
        or_none: false,
    },
};

/// Reads one piece such as `ir_r2_k3_s2_e6_c24_nre` into blocks, given the channels that enter it.
pub(crate) fn parse_blocks(piece: &str, column: usize, in_channels: u32) -> Result<Vec<Block>, NotationError> {
    let words = Words::split(piece, column);
    let entry = Block::entry(words.kind).ok_or_else(|| {
        let problem = format!("`{}` is no block", shortened(words.kind));
        let kinds: Vec<&str> = Block::kinds().collect();
        NotationError::new(column, problem, format!("expected one of {}", kinds.join(", ")))
    })?;
    let mut known = vec![&REPEATS, &STRIDE, &CHANNELS];
    known.extend(entry.fields);
    let values = words.values(&known)?;
    let mut context = Context {
        in_channels,
        channels: values.need_whole(&CHANNELS).map_err(|problem| words.error(problem))?,
        stride: values.whole(&STRIDE).unwrap_or(1),
    };
    let read = |context| (entry.read)(&values, context).map_err(|problem| words.error(problem));
    let mut blocks = vec![read(context)?];
    let repeats = values.whole(&REPEATS).unwrap_or(1);
    if repeats > 1 {
        // The same fields read again with the first one's output as input: an expansion is relative to what enters.
        context.in_channels = context.channels;
        context.stride = 1;
        blocks.extend(std::iter::repeat_n(read(context)?, repeats as usize - 1));
    }
    Ok(blocks)
}

pub(crate) fn parse_head(piece: &str, column: usize) -> Result<Head, NotationError> {
    let words = Words::split(piece, column);
    if words.kind != Head::NAME {
        let problem = format!("`{}` stands last", shortened(words.kind));
        return Err(NotationError::new(
            column,
            problem,
            "expected the head last, such as `head_o1000`",
        ));
    }
    let values = words.values(Head::FIELDS)?;
    Head::read(&values).map_err(|problem| words.error(problem))
}

/// Reads a whole architecture string.
pub(crate) fn parse(text: &str) -> Result<Architecture, NotationError> {
    if text.len() > limits::TEXT_BYTES {
        return Err(NotationError::new(
            1,
            "the text is over 64 KiB",
            "expected one architecture",
        ));
    }
    let mut pieces = Vec::new();
    let mut column = 1;
    for piece in text.split(',') {
        pieces.push((piece, column));
        column += piece.chars().count() + 1;
    }
    let (first, rest) = pieces.split_first().unwrap_or((&("", 1), &[]));
    let (resolution, batch_norm) = parse_input(first.0)?;
    let Some(((head, head_column), body)) = rest.split_last() else {
        return Err(NotationError::new(
            column - 1,
            "the text ends after the input",
            "expected blocks and a head",
        ));
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
    check(Architecture {
        resolution,
        batch_norm,
        blocks,
        head,
    })
    .map_err(|error| error.shifted(head_column - 1))
}

/// The bounds on a whole architecture that its pieces cannot check alone.
pub(crate) fn check(architecture: Architecture) -> Result<Architecture, NotationError> {
    if architecture.blocks.is_empty() {
        return Err(NotationError::new(
            1,
            "there are no blocks",
            "expected at least one block",
        ));
    }
    if architecture.blocks.len() > limits::BLOCKS {
        let problem = format!("{} blocks", architecture.blocks.len());
        return Err(NotationError::new(
            1,
            problem,
            format!("expected at most {}", limits::BLOCKS),
        ));
    }
    if !(1..=limits::RESOLUTION).contains(&architecture.resolution) {
        let problem = format!("resolution {}", architecture.resolution);
        return Err(NotationError::new(
            1,
            problem,
            format!("expected 1 to {}", limits::RESOLUTION),
        ));
    }
    Ok(architecture)
}

/// Reads `in224` or `in224_eps0.001_mom0.01`.
fn parse_input(piece: &str) -> Result<(u32, BatchNorm), NotationError> {
    let words = Words::split(piece, 1);
    let digits = words
        .kind
        .strip_prefix("in")
        .filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let resolution = digits.and_then(|digits| digits.parse::<u32>().ok());
    let Some(resolution) = resolution.filter(|side| (1..=limits::RESOLUTION).contains(side)) else {
        return Err(NotationError::new(
            1,
            format!("`{}`", shortened(words.kind)),
            format!(
                "expected the input's side in pixels first, `in1` to `in{}`",
                limits::RESOLUTION
            ),
        ));
    };
    let values = words.values(&[&EPSILON, &MOMENTUM])?;
    let default = BatchNorm::default();
    let batch_norm = BatchNorm::new(
        values.decimal(&EPSILON).unwrap_or(default.epsilon()),
        values.decimal(&MOMENTUM).unwrap_or(default.momentum()),
    );
    let batch_norm = batch_norm.map_err(|error| NotationError::new(1, error.to_string(), "mend it"))?;
    Ok((resolution, batch_norm))
}

pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() > 24 {
        format!("{}…", text.chars().take(24).collect::<String>())
    } else {
        text.to_owned()
    }
}

/// Reads `ir_k3_e6_c24_nr6@16x112x112`.
pub(crate) fn parse_key(text: &str) -> Result<BlockKey, NotationError> {
    let Some((piece, shape)) = text.split_once('@') else {
        let end = text.chars().count() + 1;
        return Err(NotationError::new(
            end,
            "no `@`",
            "expected the input shape after the block, `@16x112x112`",
        ));
    };
    let column = piece.chars().count() + 2;
    let sides: Vec<u32> = shape
        .split('x')
        .map(|side| {
            side.parse()
                .ok()
                .filter(|side| (1..=limits::HIDDEN_CHANNELS).contains(side))
        })
        .collect::<Option<_>>()
        .unwrap_or_default();
    let [channels, height, width] = sides[..] else {
        let problem = format!("`{}` is no shape", shortened(shape));
        return Err(NotationError::new(
            column,
            problem,
            "expected channels, height and width, `16x112x112`",
        ));
    };
    let input = Shape {
        channels,
        height,
        width,
    };
    if piece.starts_with("head") {
        return Ok(BlockKey::head(parse_head(piece, 1)?, input));
    }
    match parse_blocks(piece, 1, channels)?[..] {
        [block] => Ok(BlockKey::block(block, input)),
        _ => Err(NotationError::new(1, "a repeated block", "expected a single block")),
    }
}
