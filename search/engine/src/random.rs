//! Random streams: one per purpose and place, never shared between threads, so that no result depends on timing.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The random stream for `purpose` at the place `(major, minor)` (an epoch and an image, a trial and an attempt) under
/// `seed`.
///
/// All four are the key of the cipher, so two streams never overlap, whatever order they are drawn in.
pub fn stream(seed: u64, purpose: &str, major: u64, minor: u64) -> ChaCha8Rng {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&fnv1a(purpose).to_le_bytes());
    key[16..24].copy_from_slice(&major.to_le_bytes());
    key[24..].copy_from_slice(&minor.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// A seed derived from another one, for parts that take a number instead of a stream.
pub fn derived_seed(seed: u64, purpose: &str, index: u64) -> u64 {
    use rand::Rng;
    stream(seed, purpose, index, 0).next_u64()
}

/// The 64-bit FNV-1a hash: small, fixed for ever, good enough to tell a handful of purposes apart.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
