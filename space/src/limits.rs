//! Upper bounds on the contents of documents. They bound memory and prevent overflow of 64-bit arithmetic, and are far
//! above the sizes of mobile networks.

pub const BLOCKS: usize = 512;
pub const CHANNELS: u32 = 16_384;
pub const HIDDEN_CHANNELS: u32 = 65_536;
pub const KERNEL: u32 = 31;
pub const STRIDE: u32 = 8;
pub const RESOLUTION: u32 = 4_096;
pub const CLASSES: u32 = 1_000_000;
pub const EXPANSION: f64 = 64.0;
/// Length of an architecture string in bytes.
pub const TEXT_BYTES: usize = 64 * 1024;
/// Number of values of one decision of a search space.
pub const CHOICES: usize = 4_096;
/// Number of block choices over all stages of a family.
pub const FAMILY_CHOICES: usize = 65_536;
/// Number of distinct blocks of a search space over all widths and channel counts.
pub const LAYER_VARIANTS: usize = 1_000_000;
/// Number of distinct layers of a search space: its distinct blocks at all resolutions.
pub const SIZED_LAYERS: usize = 4_000_000;
/// Number of networks in one reference document.
pub const REFERENCE_VARIANTS: usize = 64;
/// Length of a TOML or JSON document in bytes.
pub const DOCUMENT_BYTES: usize = 1024 * 1024;
