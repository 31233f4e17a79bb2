//! Anchor network, by which all measurements are normalised.

use mnas_space::Architecture;

use crate::runtime::{Model, ModelContent};

/// Anchor network: a small MobileNet with every kind of operation. It must never change, since tables store its reference time.
pub const ANCHOR: &str = "in128,conv_k3_s2_c16_nhs,ds_k3_s2_c24_nre,ir_k3_s2_e4_c40_nr6,ir_k5_e4_c40_se0.25_nhs,\
    ir_k3_s2_e6_c80_nhs,ir_k3_e6_c80_nhs,conv_k1_c480_nhs,head_o100";

/// Name of the anchor's model.
pub(crate) const ANCHOR_NAME: &str = "anchor";

/// Anchor as a model.
pub(super) fn model() -> Model {
    let architecture: Architecture = ANCHOR
        .parse()
        .unwrap_or_else(|error| panic!("the anchor is valid: {error}"));
    Model {
        name: ANCHOR_NAME.to_owned(),
        content: ModelContent::Network(architecture),
    }
}
