//! From architectures and blocks to their canonical text.

use std::fmt;

use crate::architecture::{Architecture, INPUT_CHANNELS};
use crate::block::Block;
use crate::block::kind::Piece;

/// Writes the canonical string: equal neighbours become repeats, defaults are left out.
pub(crate) fn print(architecture: &Architecture, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "in{}{}", architecture.resolution, architecture.batch_norm)?;
    for piece in pieces(&architecture.blocks) {
        write!(out, ",{piece}")?;
    }
    write!(out, ",{}", architecture.head)
}

/// The canonical pieces of a list of blocks, repeats collapsed.
pub(crate) fn pieces(blocks: &[Block]) -> Vec<String> {
    let mut pieces: Vec<(&Block, Piece, u32)> = Vec::new();
    let mut channels = INPUT_CHANNELS;
    for block in blocks {
        let piece = block.piece(channels);
        channels = block.channels();
        match pieces.last_mut() {
            Some((first, before, repeats))
                if *before == piece && block.stride() == 1 && first.kind() == block.kind() =>
            {
                *repeats += 1;
            }
            _ => pieces.push((block, piece, 1)),
        }
    }
    pieces
        .into_iter()
        .map(|(block, piece, repeats)| text(block, &piece, repeats))
        .collect()
}

/// One block alone, given the channels that enter it.
pub(crate) fn single_piece(block: &Block, in_channels: u32) -> String {
    text(block, &block.piece(in_channels), 1)
}

fn text(block: &Block, piece: &Piece, repeats: u32) -> String {
    let repeat = if repeats > 1 {
        format!("_r{repeats}")
    } else {
        String::new()
    };
    format!("{}{repeat}{}", block.kind(), piece.with_stride(block.stride()))
}
