//! A fast hash for block keys: lookups are what a search spends its predictions on, and keys are no attacker's.

use std::hash::{BuildHasherDefault, Hasher};

pub(crate) type KeyHashBuilder = BuildHasherDefault<KeyHasher>;

/// Multiplies and rotates one word at a time.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        // The table uses the low bits for the slot and the high ones as a tag; mix the well-stirred high half down.
        self.0 ^ (self.0 >> 32)
    }
}
