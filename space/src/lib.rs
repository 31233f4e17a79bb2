//! What a network is: blocks, architectures, search spaces, exact costs, references and the ONNX writer.
//!
//! Start with [`Architecture`]: a concrete network with a compact string form. It lowers once to a [`Graph`] of
//! primitive operations, which every other part reads. A [`SearchSpace`] describes many architectures; a
//! [`Reference`] is a published one. Nothing here measures time, trains, or does input and output.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod activation;
mod architecture;
mod batch_norm;
mod block;
mod cost;
mod document;
mod family;
mod graph;
mod key;
mod limits;
mod lowering;
mod network_json;
mod notation;
pub mod onnx;
mod parameters;
pub mod random;
mod reference;
mod rounding;
mod scaling;
mod search_space;

pub use activation::{Activation, Gate};
pub use architecture::{Architecture, ArchitectureId, INPUT_CHANNELS, Layer};
pub use batch_norm::{BatchNorm, BatchNormError};
pub use block::{
    Block, Conv, DepthwiseSeparable, FusedInvertedResidual, Head, HiddenLayer, HiddenNorm, Identity, InvertedResidual,
    SqueezeExcite, UniversalInvertedBottleneck,
};
pub use cost::{ACTIVATION_BYTES, Cost, Counter};
pub use document::{DocumentError, parse_toml};
pub use family::{BlockChoice, Family, HiddenRule, Stage};
pub use graph::{Graph, Node, NodeName, Op, Scope, Shape, TensorId};
pub use key::{BlockKey, KeyLayer};
pub use lowering::Lowering;
pub use notation::NotationError;
pub use parameters::{ParameterKind, ParameterSpec};
pub use reference::{PublishedPoint, Reference, ReferenceError};
pub use rounding::{Scaling, make_divisible};
pub use scaling::{Compound, Multipliers, ScalingError, ScalingRule, ScalingStep};
pub use search_space::{Candidate, Constraints, Genotype, ReferencePoint, ReferencePoints, SearchSpace};
