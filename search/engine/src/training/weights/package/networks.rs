//! Networks of the packages, as references at a width multiplier.
//!
//! Structure and constants are those of torchvision 0.26 and timm 1.0.31.

use mnas_space::{Architecture, Block, Reference};

use super::{Package, Stages};

/// Classes of torchvision that build networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `MobileNetV2`.
    MobileNetV2,
    /// `MobileNetV3`.
    MobileNetV3,
    /// `MNASNet`.
    MnasNet,
    /// `EfficientNet`.
    EfficientNet,
}

/// Network of a package.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    /// The reference with the same layers.
    pub reference: &'static str,
    /// Width multiplier of the reference.
    pub width: f64,
    /// Function of the package.
    model: &'static str,
    /// Arguments of the function, each followed by a comma.
    arguments: &'static str,
    /// Class that the function builds, in torchvision.
    pub style: Style,
    /// Epsilon of batch-norm in the package.
    epsilon: f64,
}

/// `PyTorch`'s default epsilon of batch-norm.
const DEFAULT: f64 = 1e-5;
const TENSORFLOW: f64 = 1e-3;

const fn torchvision(
    style: Style,
    epsilon: f64,
    (reference, width): (&'static str, f64),
    model: &'static str,
    arguments: &'static str,
) -> Entry {
    Entry {
        reference,
        width,
        model,
        arguments,
        style,
        epsilon,
    }
}

const fn timm(reference: &'static str, width: f64, model: &'static str) -> Entry {
    // Networks that timm converted from TensorFlow have TensorFlow's padding; the references have symmetric padding.
    let from_tensorflow = matches!(model.as_bytes(), [b't', b'f', b'_', ..]);
    Entry {
        reference,
        width,
        model,
        arguments: if from_tensorflow { "pad_type='', " } else { "" },
        style: Style::EfficientNet,
        epsilon: if from_tensorflow { TENSORFLOW } else { DEFAULT },
    }
}

const TORCHVISION: &[Entry] = {
    use Style::{EfficientNet, MnasNet, MobileNetV2, MobileNetV3};
    &[
        torchvision(
            MobileNetV2,
            DEFAULT,
            ("mobilenet-v2", 0.35),
            "mobilenet_v2",
            "width_mult=0.35, ",
        ),
        torchvision(
            MobileNetV2,
            DEFAULT,
            ("mobilenet-v2", 0.5),
            "mobilenet_v2",
            "width_mult=0.5, ",
        ),
        torchvision(
            MobileNetV2,
            DEFAULT,
            ("mobilenet-v2", 0.75),
            "mobilenet_v2",
            "width_mult=0.75, ",
        ),
        torchvision(MobileNetV2, DEFAULT, ("mobilenet-v2", 1.0), "mobilenet_v2", ""),
        torchvision(
            MobileNetV2,
            DEFAULT,
            ("mobilenet-v2", 1.3),
            "mobilenet_v2",
            "width_mult=1.3, ",
        ),
        torchvision(
            MobileNetV2,
            DEFAULT,
            ("mobilenet-v2", 1.4),
            "mobilenet_v2",
            "width_mult=1.4, ",
        ),
        torchvision(
            MobileNetV3,
            TENSORFLOW,
            ("mobilenet-v3-small", 1.0),
            "mobilenet_v3_small",
            "",
        ),
        torchvision(
            MobileNetV3,
            TENSORFLOW,
            ("mobilenet-v3-large", 1.0),
            "mobilenet_v3_large",
            "",
        ),
        torchvision(MnasNet, DEFAULT, ("mnasnet-b1", 0.5), "mnasnet0_5", ""),
        torchvision(MnasNet, DEFAULT, ("mnasnet-b1", 0.75), "mnasnet0_75", ""),
        torchvision(MnasNet, DEFAULT, ("mnasnet-b1", 1.0), "mnasnet1_0", ""),
        torchvision(MnasNet, DEFAULT, ("mnasnet-b1", 1.3), "mnasnet1_3", ""),
        torchvision(EfficientNet, DEFAULT, ("efficientnet-b0", 1.0), "efficientnet_b0", ""),
        torchvision(EfficientNet, DEFAULT, ("efficientnet-b1", 1.0), "efficientnet_b1", ""),
        torchvision(EfficientNet, DEFAULT, ("efficientnet-b2", 1.0), "efficientnet_b2", ""),
        torchvision(EfficientNet, DEFAULT, ("efficientnet-b3", 1.0), "efficientnet_b3", ""),
        torchvision(EfficientNet, DEFAULT, ("efficientnet-b4", 1.0), "efficientnet_b4", ""),
        torchvision(
            EfficientNet,
            TENSORFLOW,
            ("efficientnet-b5", 1.0),
            "efficientnet_b5",
            "",
        ),
        torchvision(
            EfficientNet,
            TENSORFLOW,
            ("efficientnet-b6", 1.0),
            "efficientnet_b6",
            "",
        ),
        torchvision(
            EfficientNet,
            TENSORFLOW,
            ("efficientnet-b7", 1.0),
            "efficientnet_b7",
            "",
        ),
    ]
};

const TIMM: &[Entry] = &[
    timm("mobilenet-v1", 1.0, "mobilenetv1_100"),
    timm("mobilenet-v2", 0.35, "mobilenetv2_035"),
    timm("mobilenet-v2", 0.5, "mobilenetv2_050"),
    timm("mobilenet-v2", 0.75, "mobilenetv2_075"),
    timm("mobilenet-v2", 1.0, "mobilenetv2_100"),
    timm("mobilenet-v2", 1.4, "mobilenetv2_140"),
    timm("mobilenet-v3-small", 0.75, "mobilenetv3_small_075"),
    timm("mobilenet-v3-small", 1.0, "mobilenetv3_small_100"),
    timm("mobilenet-v3-large", 0.75, "mobilenetv3_large_075"),
    timm("mobilenet-v3-large", 1.0, "mobilenetv3_large_100"),
    timm(
        "mobilenet-v3-small-minimalistic",
        1.0,
        "tf_mobilenetv3_small_minimal_100",
    ),
    timm(
        "mobilenet-v3-large-minimalistic",
        1.0,
        "tf_mobilenetv3_large_minimal_100",
    ),
    timm("mobilenet-v4-conv-small", 1.0, "mobilenetv4_conv_small"),
    timm("mobilenet-v4-conv-medium", 1.0, "mobilenetv4_conv_medium"),
    timm("mobilenet-v4-conv-large", 1.0, "mobilenetv4_conv_large"),
    timm("mnasnet-b1", 0.5, "mnasnet_050"),
    timm("mnasnet-b1", 0.75, "mnasnet_075"),
    timm("mnasnet-b1", 1.0, "mnasnet_100"),
    timm("mnasnet-b1", 1.4, "mnasnet_140"),
    timm("mnasnet-a1", 0.5, "semnasnet_050"),
    timm("mnasnet-a1", 0.75, "semnasnet_075"),
    timm("mnasnet-a1", 1.0, "semnasnet_100"),
    timm("mnasnet-a1", 1.4, "semnasnet_140"),
    timm("mnasnet-small", 1.0, "mnasnet_small"),
    timm("single-path-nas", 1.0, "spnasnet_100"),
    timm("efficientnet-b0", 1.0, "efficientnet_b0"),
    timm("efficientnet-b1", 1.0, "efficientnet_b1"),
    timm("efficientnet-b2", 1.0, "efficientnet_b2"),
    timm("efficientnet-b3", 1.0, "efficientnet_b3"),
    timm("efficientnet-b4", 1.0, "efficientnet_b4"),
    timm("efficientnet-b5", 1.0, "efficientnet_b5"),
    timm("efficientnet-b6", 1.0, "efficientnet_b6"),
    timm("efficientnet-b7", 1.0, "efficientnet_b7"),
    timm("efficientnet-b8", 1.0, "efficientnet_b8"),
    timm("efficientnet-lite0", 1.0, "efficientnet_lite0"),
    timm("efficientnet-lite1", 1.0, "efficientnet_lite1"),
    timm("efficientnet-lite2", 1.0, "efficientnet_lite2"),
    timm("efficientnet-lite3", 1.0, "efficientnet_lite3"),
    timm("efficientnet-lite4", 1.0, "efficientnet_lite4"),
    timm("efficientnet-edge-small", 1.0, "efficientnet_es"),
    timm("efficientnet-edge-medium", 1.0, "efficientnet_em"),
    timm("efficientnet-edge-large", 1.0, "efficientnet_el"),
];

/// Networks of a package, those of a reference together.
pub(super) fn of(package: Package) -> &'static [Entry] {
    match package {
        Package::Torchvision => TORCHVISION,
        Package::Timm => TIMM,
    }
}

/// The network of a package with the layers of `architecture`.
pub(super) fn find(package: Package, architecture: &Architecture) -> Option<Entry> {
    let same = |entry: &&Entry| {
        let reference = entry
            .reference()
            .map(|reference| reference.architecture(entry.width, architecture.resolution, architecture.head.classes));
        matches!(reference, Some(Ok(other)) if other.blocks == architecture.blocks && other.head == architecture.head)
    };
    of(package).iter().find(same).copied()
}

impl Entry {
    fn reference(&self) -> Option<&'static Reference> {
        Reference::named(self.reference).ok()
    }

    /// Stages of the network in both packages.
    ///
    /// A stage is the blocks of one width before the width multiplier, which can make neighbours equal, in all networks but two.
    pub fn stages(&self) -> Stages {
        match self.reference {
            "mobilenet-v4-conv-small" => return Stages(vec![2, 2, 6, 6, 1]),
            "mnasnet-small" => return Stages(vec![1, 1, 2, 4, 3, 3, 1]),
            _ => {}
        }
        let unscaled = self.reference().map(|reference| reference.architecture(1.0, 224, 1000));
        let Some(Ok(unscaled)) = unscaled else {
            return Stages(Vec::new());
        };
        let mut blocks: Vec<_> = unscaled.layers().collect();
        // The head.
        blocks.pop();
        let is_convolution = matches!(unscaled.blocks.last(), Some(Block::Conv(_)));
        if is_convolution && unscaled.head.hidden.is_none() {
            blocks.pop();
        }
        let stages = blocks.get(1..).unwrap_or_default();
        let stages = stages.chunk_by(|one, next| one.output.channels == next.output.channels);
        Stages(stages.map(<[_]>::len).collect())
    }

    /// Python expression that builds the network with `classes` and, where the package takes it as an argument, this epsilon of
    /// batch-norm; otherwise the epsilon that is left to set.
    pub fn constructor(&self, package: Package, classes: u32, epsilon: f64) -> (String, Option<f64>) {
        let Self { model, arguments, .. } = self;
        let differs = (epsilon - self.epsilon).abs() > 1e-12;
        match package {
            Package::Torchvision => (
                format!("torchvision.models.{model}({arguments}num_classes={classes})"),
                differs.then_some(epsilon),
            ),
            Package::Timm => {
                let epsilon = if differs {
                    format!("bn_eps={epsilon}, ")
                } else {
                    String::new()
                };
                (
                    format!("timm.create_model('{model}', {arguments}{epsilon}num_classes={classes})"),
                    None,
                )
            }
        }
    }
}
