//! Bounds that keep sizes within 64-bit arithmetic and memory within reason; far beyond any mobile network.

pub const BLOCKS: usize = 512;
pub const CHANNELS: u32 = 16_384;
pub const HIDDEN_CHANNELS: u32 = 65_536;
pub const KERNEL: u32 = 31;
pub const STRIDE: u32 = 8;
pub const RESOLUTION: u32 = 4_096;
pub const CLASSES: u32 = 1_000_000;
pub const EXPANSION: f64 = 64.0;
/// Of an architecture string.
pub const TEXT_BYTES: usize = 64 * 1024;
/// Values of one decision of a search space.
pub const CHOICES: usize = 4_096;
/// Layers of all widths and channel counts that one family of a search space describes.
pub const LAYER_VARIANTS: usize = 1_000_000;
