//! Random streams: every draw comes from a seed, a purpose and an index, never from thread timing.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The stream of `(seed, purpose, index)`.
pub(crate) fn stream(seed: u64, purpose: &str, index: u64) -> ChaCha8Rng {
    // FNV-1a over all three; the generator itself does the mixing.
    let bytes = seed
        .to_le_bytes()
        .into_iter()
        .chain(purpose.bytes())
        .chain(index.to_le_bytes());
    let key = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut rng = ChaCha8Rng::seed_from_u64(key);
    rng.set_stream(index);
    rng
}
