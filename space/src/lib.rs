//! Description of networks: blocks, architectures, search spaces, exact costs, published references, ONNX and TFLite files.
//!
//! [`Architecture`] is the type to start with: a concrete network with a compact string form. It lowers to a [`Graph`]
//! of primitive operations, on which all other parts are based. A [`SearchSpace`] describes a set of architectures; a
//! [`Reference`] is a published network. This crate does not measure time, train networks, or read or write files.
//!
//! A *block* describes one unit of a network (a convolution, an inverted residual, ...) without shapes. A *layer* is a
//! block or the head at its position in a network, with the shapes of its input and output.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod activation;
mod alignment;
mod architecture;
mod around;
mod batch_norm;
mod block;
mod cost;
mod counter;
mod document;
mod family;
mod graph;
mod key;
mod limits;
mod lowering;
mod network_hash;
mod network_json;
mod notation;
pub mod onnx;
mod parameters;
pub mod quantisation;
pub mod random;
mod reference;
mod rounding;
mod scaling;
mod search_space;
pub mod tflite;
mod weights;

pub use activation::{Activation, Gate};
pub use alignment::align_blocks;
pub use architecture::{Architecture, INPUT_CHANNELS, Layer};
pub use around::space_around;
pub use batch_norm::{BatchNorm, BatchNormError};
pub use block::{
    Block, Conv, DepthwiseSeparable, FusedInvertedResidual, Head, HiddenLayer, HiddenNorm, Identity, InvertedResidual,
    SqueezeExcite, UniversalInvertedBottleneck,
};
pub use cost::{ACTIVATION_BYTES, Cost};
pub use counter::Counter;
pub use document::{DocumentError, parse_toml};
pub use family::{BlockChoice, Family, HiddenRule, Stage};
pub use graph::{Graph, Node, NodeName, Op, Scope, Shape, TensorId};
pub use key::{BlockKey, KeyLayer};
pub use network_hash::ArchitectureId;
pub use notation::error::NotationError;
pub use parameters::{ParameterKind, ParameterSpec};
pub use reference::{PublishedPoint, Reference, ReferenceError};
pub use rounding::{Scaling, make_divisible};
pub use scaling::{Compound, Multipliers, ScalingError, ScalingRule, ScalingStep};
pub use search_space::{Candidate, Constraints, Genotype, ReferencePoint, ReferencePoints, SearchSpace};
pub use weights::{RandomWeights, WeightError, WeightSource};
