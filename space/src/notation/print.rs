//! Printing of architectures, blocks and block keys in their canonical form.

use std::fmt;

use crate::architecture::{Architecture, INPUT_CHANNELS};
use crate::block::Block;
use crate::block::kind::Piece;
use crate::key::{BlockKey, KeyLayer};

/// Prints the canonical string: consecutive equal blocks form one piece with a repeat count, and fields with default values
/// are left out.
impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in{}{}", self.resolution, self.batch_norm)?;
        for piece in pieces(&self.blocks) {
            write!(f, ",{piece}")?;
        }
        write!(f, ",{}", self.head)
    }
}

impl fmt::Display for BlockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.layer {
            KeyLayer::Block(block) => f.write_str(&text(block, &block.piece(self.input.channels), 1))?,
            KeyLayer::Head(head) => write!(f, "{head}")?,
        }
        write!(f, "@{}", self.input)
    }
}

/// Canonical pieces of a list of blocks; consecutive equal blocks form one piece with a repeat count.
pub(crate) fn pieces(blocks: &[Block]) -> Vec<String> {
    let mut pieces: Vec<(&Block, Piece, u32)> = Vec::new();
    let mut channels = INPUT_CHANNELS;
    for block in blocks {
        let piece = block.piece(channels);
        channels = block.channels();
        match pieces.last_mut() {
            Some((first, previous, repeats))
                if *previous == piece && block.stride() == 1 && first.kind() == block.kind() =>
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

fn text(block: &Block, piece: &Piece, repeats: u32) -> String {
    let repeat = if repeats > 1 {
        format!("_r{repeats}")
    } else {
        String::new()
    };
    format!("{}{repeat}{}", block.kind(), piece.with_stride(block.stride()))
}
