//! Upper bounds on what documents can describe. They keep sizes within 64-bit arithmetic and memory bounded, far beyond
//! any mobile network.

pub const BLOCKS: usize = 512;
pub const CHANNELS: u32 = 16_384;
pub const HIDDEN_CHANNELS: u32 = 65_536;
pub const KERNEL: u32 = 31;
pub const STRIDE: u32 = 8;
pub const RESOLUTION: u32 = 4_096;
pub const CLASSES: u32 = 1_000_000;
pub const EXPANSION: f64 = 64.0;
/// Length of an architecture string.
pub const TEXT_BYTES: usize = 64 * 1024;
/// Values of one decision of a search space.
pub const CHOICES: usize = 4_096;
/// Block choices of all stages of a family.
pub const FAMILY_CHOICES: usize = 65_536;
/// Blocks that a search space describes over all widths and channel counts.
pub const LAYER_VARIANTS: usize = 1_000_000;
/// Layers that a search space describes: these blocks at all resolutions.
pub const SIZED_LAYERS: usize = 4_000_000;
/// Networks of one reference document.
pub const REFERENCE_VARIANTS: usize = 64;
/// Length of a TOML or JSON document.
pub const DOCUMENT_BYTES: usize = 1024 * 1024;
