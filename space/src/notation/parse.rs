//! From text to blocks, heads, architectures and block keys.

use super::fields::Fields;
use super::{NotationError, limits};
use crate::architecture::{Architecture, INPUT_CHANNELS};
use crate::block::{Block, Head};
use crate::graph::Shape;
use crate::key::BlockKey;

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
            Err(NotationError::new(
                column,
                problem,
                format!("expected 1 to {}", limits::HIDDEN_CHANNELS),
            ))
        }
        _ => Ok(()),
    }
}

pub(crate) fn parse_head(piece: &str, column: usize) -> Result<Head, NotationError> {
    let mut fields = Fields::split(piece, column)?;
    if fields.kind != "head" {
        let problem = format!("`{}` stands last", fields.kind);
        return Err(NotationError::new(
            column,
            problem,
            "expected the head last, such as `head_o1000`",
        ));
    }
    let head = Head::from_fields(&mut fields)?;
    fields.finish()?;
    Ok(head)
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
    let resolution = parse_resolution(first.0)?;
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

fn parse_resolution(piece: &str) -> Result<u32, NotationError> {
    let expected = || {
        format!(
            "expected the input's side in pixels first, `in1` to `in{}`",
            limits::RESOLUTION
        )
    };
    let digits = piece
        .strip_prefix("in")
        .filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.map(str::parse::<u32>) {
        Some(Ok(resolution)) if (1..=limits::RESOLUTION).contains(&resolution) => Ok(resolution),
        _ => Err(NotationError::new(1, format!("`{}`", shortened(piece)), expected())),
    }
}

fn shortened(text: &str) -> String {
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
