//! Parsing of architectures, blocks, heads and block keys.

use std::str::FromStr;

use super::error::NotationError;
use super::piece::{PieceText, shortened};
use crate::architecture::{Architecture, INPUT_CHANNELS};
use crate::batch_norm::BatchNorm;
use crate::block::field::{CHANNELS, Domain, Field, STRIDE};
use crate::block::kind::Context;
use crate::block::{Block, Head};
use crate::graph::Shape;
use crate::key::BlockKey;
use crate::limits;

/// Number of repeats of a block.
static REPEATS: Field = Field {
    name: "repeats",
    code: "r",
    domain: Domain::Whole {
        least: 1,
        most: limits::BLOCKS as u32,
    },
};

/// Epsilon of batch-norm, a field of the first piece.
static EPSILON: Field = Field {
    name: "epsilon",
    code: "eps",
    domain: Domain::Decimal {
        least: 1e-9,
        most: 1.0,
        or_none: false,
    },
};
/// Momentum of batch-norm, a field of the first piece.
static MOMENTUM: Field = Field {
    name: "momentum",
    code: "mom",
    domain: Domain::Decimal {
        least: 1e-6,
        most: 1.0,
        or_none: false,
    },
};

/// Parses a piece such as `ir_r2_k3_s2_e6_c24_nre` that starts at `column`, for an input with `in_channels` channels.
pub(crate) fn blocks(piece: &str, column: usize, in_channels: u32) -> Result<Vec<Block>, NotationError> {
    let text = PieceText::split(piece, column);
    let entry = Block::entry(text.kind).ok_or_else(|| {
        let problem = format!("`{}` is not a block type", shortened(text.kind));
        let kinds: Vec<&str> = Block::kinds().collect();
        NotationError::new(column, problem, format!("expected one of {}", kinds.join(", ")))
    })?;
    let known = [&[&REPEATS, &STRIDE, &CHANNELS], entry.fields].concat();
    let values = text.values(&known)?;
    let mut context = Context {
        in_channels,
        channels: values.require_whole(&CHANNELS).map_err(|problem| text.error(problem))?,
        stride: values.whole(&STRIDE).unwrap_or(1),
    };
    let read = |context| (entry.read)(&values, context).map_err(|problem| text.error(problem));
    let mut blocks = vec![read(context)?];
    let repeats = values.whole(&REPEATS).unwrap_or(1);
    if repeats > 1 {
        // Repeats have the output channels of the first block as input channels, to which an expansion is relative.
        context.in_channels = context.channels;
        context.stride = 1;
        blocks.extend(std::iter::repeat_n(read(context)?, repeats as usize - 1));
    }
    Ok(blocks)
}

/// Parses a piece such as `head_f1280_nhs_o1000` that starts at `column`.
pub(crate) fn head(piece: &str, column: usize) -> Result<Head, NotationError> {
    let text = PieceText::split(piece, column);
    if text.kind != Head::NAME {
        let problem = format!("`{}` is the last piece", shortened(text.kind));
        return Err(NotationError::new(
            column,
            problem,
            "expected the head last, such as `head_o1000`",
        ));
    }
    let values = text.values(Head::FIELDS)?;
    Head::read(&values).map_err(|problem| text.error(problem))
}

impl FromStr for Architecture {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        architecture(text)
    }
}

impl FromStr for BlockKey {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        block_key(text)
    }
}

/// Parses an architecture string.
fn architecture(text: &str) -> Result<Architecture, NotationError> {
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
    let (resolution, batch_norm) = input(first.0)?;
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
        blocks.extend(self::blocks(piece, *column, channels)?);
        if blocks.len() > limits::BLOCKS {
            let problem = format!("more than {} blocks", limits::BLOCKS);
            return Err(NotationError::new(*column, problem, "expected fewer repeats"));
        }
        channels = blocks.last().map_or(channels, Block::channels);
    }
    let head = self::head(head, *head_column)?;
    check(Architecture {
        resolution,
        batch_norm,
        blocks,
        head,
    })
    .map_err(|error| error.shifted(head_column - 1))
}

/// Checks the bounds on a whole architecture: the number of blocks and the resolution.
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

/// Parses the first piece: `in224` or `in224_eps0.001_mom0.01`.
fn input(piece: &str) -> Result<(u32, BatchNorm), NotationError> {
    let text = PieceText::split(piece, 1);
    let digits = text
        .kind
        .strip_prefix("in")
        .filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let resolution = digits.and_then(|digits| digits.parse::<u32>().ok());
    let Some(resolution) = resolution.filter(|side| (1..=limits::RESOLUTION).contains(side)) else {
        return Err(NotationError::new(
            1,
            format!("`{}`", shortened(text.kind)),
            format!(
                "expected the input's side in pixels first, `in1` to `in{}`",
                limits::RESOLUTION
            ),
        ));
    };
    let values = text.values(&[&EPSILON, &MOMENTUM])?;
    let default = BatchNorm::default();
    let batch_norm = BatchNorm::new(
        values.decimal(&EPSILON).unwrap_or(default.epsilon()),
        values.decimal(&MOMENTUM).unwrap_or(default.momentum()),
    );
    let batch_norm = batch_norm.map_err(|error| NotationError::new(1, error.to_string(), "give a number in range"))?;
    Ok((resolution, batch_norm))
}

/// Parses a block key: `ir_k3_e6_c24_nr6@16x112x112`.
fn block_key(text: &str) -> Result<BlockKey, NotationError> {
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
        let problem = format!("`{}` is not a shape", shortened(shape));
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
        return Ok(BlockKey::head(head(piece, 1)?, input));
    }
    match blocks(piece, 1, channels)?[..] {
        [block] => Ok(BlockKey::block(block, input)),
        _ => Err(NotationError::new(1, "a repeated block", "expected a single block")),
    }
}
