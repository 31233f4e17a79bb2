//! From architectures and blocks to their canonical text.

use std::fmt;

use crate::architecture::{Architecture, INPUT_CHANNELS};
use crate::block::Block;

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
            Some((first, text, repeats)) if *text == fields && block.stride() == 1 && first.kind() == block.kind() => {
                *repeats += 1;
            }
            _ => pieces.push((*block, fields, 1)),
        }
    }
    pieces
        .into_iter()
        .map(|(block, fields, repeats)| piece(&block, &fields, repeats))
        .collect()
}

/// One block alone, given the channels that enter it.
pub(crate) fn single_piece(block: &Block, in_channels: u32) -> String {
    let mut fields = String::new();
    // Writing to a String cannot fail.
    let _ = block.write_fields(in_channels, &mut fields);
    piece(block, &fields, 1)
}

fn piece(block: &Block, fields: &str, repeats: u32) -> String {
    let repeat = if repeats > 1 {
        format!("_r{repeats}")
    } else {
        String::new()
    };
    let stride = if block.stride() > 1 {
        format!("_s{}", block.stride())
    } else {
        String::new()
    };
    // Kernel first, then stride: the order people know from timm's strings.
    match fields.strip_prefix("_k").and_then(|rest| rest.split_once('_')) {
        Some((kernel, rest)) => format!("{}{repeat}_k{kernel}{stride}_{rest}", block.kind()),
        None => format!("{}{repeat}{stride}{fields}", block.kind()),
    }
}
