//! Network files of ProxylessNAS, Once-for-all and `MCUNet` (arXiv:1812.00332, 1908.09791, 2007.10319), in JSON.
//!
//! A document lists a first convolution, blocks that are inverted residuals or skipped, an optional final expansion, an
//! optional feature-mixing layer and the classifier. Keys that do not describe structure are ignored. Some documents
//! contain the input's resolution.

use serde::Deserialize;

use crate::activation::{Activation, Gate};
use crate::architecture::{Architecture, INPUT_CHANNELS};
use crate::batch_norm::BatchNorm;
use crate::block::field::{CHANNELS, CLASSES, FEATURES, Field, HIDDEN_CHANNELS, KERNEL, STRIDE, Value};
use crate::block::{Block, Conv, Head, HiddenLayer, HiddenNorm, InvertedResidual, SqueezeExcite};
use crate::document::{self, DocumentError};
use crate::limits;
use crate::notation::parse;

#[derive(Debug, Deserialize)]
struct RawNetwork {
    resolution: Option<u32>,
    bn: Option<RawBatchNorm>,
    first_conv: RawConv,
    blocks: Vec<RawBlock>,
    final_expand_layer: Option<RawConv>,
    feature_mix_layer: Option<RawConv>,
    classifier: RawClassifier,
}

#[derive(Debug, Deserialize)]
struct RawBatchNorm {
    momentum: Option<f64>,
    eps: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct RawConv {
    in_channels: u32,
    out_channels: u32,
    kernel_size: u32,
    #[serde(default = "one")]
    stride: u32,
    dilation: Option<u32>,
    groups: Option<u32>,
    #[serde(default)]
    bias: bool,
    #[serde(default = "yes")]
    use_bn: bool,
    act_func: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RawBlock {
    #[serde(alias = "conv")]
    mobile_inverted_conv: Option<RawBottleneck>,
    shortcut: Option<RawShortcut>,
}

#[derive(Debug, Deserialize)]
struct RawBottleneck {
    name: String,
    in_channels: Option<u32>,
    out_channels: Option<u32>,
    kernel_size: Option<u32>,
    stride: Option<u32>,
    expand_ratio: Option<f64>,
    mid_channels: Option<u32>,
    act_func: Option<String>,
    use_se: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct RawShortcut {
    name: String,
}

#[derive(Debug, Deserialize)]
struct RawClassifier {
    in_features: u32,
    out_features: u32,
    #[serde(default = "yes")]
    bias: bool,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

impl Architecture {
    /// Reads a network file of `ProxylessNAS`, Once-for-all or `MCUNet`.
    ///
    /// `resolution` is the input's side in pixels; `None` takes the document's resolution, and is an error if the document
    /// has none. Squeeze-excite is that of Once-for-all: a quarter of the hidden channels, and a hard-sigmoid gate.
    pub fn from_network_json(text: &str, resolution: Option<u32>) -> Result<Self, DocumentError> {
        document::check_length(text)?;
        let network: RawNetwork = serde_json::from_str(text).map_err(|error| {
            // The message of serde_json ends with the position, which `DocumentError` states separately.
            let message = error.to_string();
            let problem = message.split(" at line ").next().unwrap_or(&message);
            DocumentError {
                line: error.line().max(1),
                column: error.column().max(1),
                problem: format!("not a network of the expected form: {problem}"),
            }
        })?;
        network.architecture(resolution).map_err(|problem| DocumentError {
            line: 1,
            column: 1,
            problem,
        })
    }
}

impl RawNetwork {
    fn architecture(self, resolution: Option<u32>) -> Result<Architecture, String> {
        let resolution = resolution
            .or(self.resolution)
            .ok_or("the network has no `resolution`; give the input's side in pixels")?;
        let default = BatchNorm::default();
        let batch_norm = self.bn.as_ref().map_or(Ok(default), |bn| {
            let epsilon = bn.eps.unwrap_or(default.epsilon());
            BatchNorm::new(epsilon, bn.momentum.unwrap_or(default.momentum())).map_err(|error| error.to_string())
        })?;
        let mut channels = INPUT_CHANNELS;
        let mut blocks = vec![self.first_conv.block("first_conv", &mut channels)?];
        if self.blocks.len() > limits::BLOCKS {
            return Err(format!(
                "{} blocks; expected at most {}",
                self.blocks.len(),
                limits::BLOCKS
            ));
        }
        for (index, block) in self.blocks.iter().enumerate() {
            let place = format!("blocks[{index}]");
            blocks.extend(block.block(&place, &mut channels)?);
        }
        // Feature mixing follows pooling in MobileNetV3 and precedes it in the other networks.
        let mut hidden = None;
        if let Some(expand) = &self.final_expand_layer {
            blocks.push(expand.block("final_expand_layer", &mut channels)?);
            if let Some(mix) = &self.feature_mix_layer {
                hidden = Some(mix.hidden_layer("feature_mix_layer", &mut channels)?);
            }
        } else if let Some(mix) = &self.feature_mix_layer {
            blocks.push(mix.block("feature_mix_layer", &mut channels)?);
        }
        check_input("classifier", "in_features", self.classifier.in_features, channels)?;
        if !self.classifier.bias {
            return Err("classifier has no bias; such networks are not supported".to_owned());
        }
        let architecture = Architecture {
            resolution,
            batch_norm,
            blocks,
            head: Head {
                hidden,
                classes: checked("classifier", &CLASSES, self.classifier.out_features)?,
            },
        };
        parse::check(architecture).map_err(|error| format!("{}; {}", error.problem, error.expected))
    }
}

impl RawConv {
    /// Builds a convolution with batch-norm and activation; `channels` holds the input channels and is set to the output
    /// channels.
    fn block(&self, place: &str, channels: &mut u32) -> Result<Block, String> {
        self.check_plain(place, *channels)?;
        if !self.use_bn || self.bias {
            return Err(format!(
                "{place} is without batch-norm; such networks are not supported"
            ));
        }
        *channels = checked(place, &CHANNELS, self.out_channels)?;
        Ok(Block::Conv(Conv {
            kernel: checked(place, &KERNEL, self.kernel_size)?,
            stride: checked(place, &STRIDE, self.stride)?,
            channels: *channels,
            activation: activation(place, self.act_func.as_deref())?,
        }))
    }

    /// Builds the hidden layer from a 1x1 convolution after pooling; `channels` as for [`RawConv::block`].
    fn hidden_layer(&self, place: &str, channels: &mut u32) -> Result<HiddenLayer, String> {
        self.check_plain(place, *channels)?;
        if self.kernel_size != 1 {
            return Err(format!(
                "{place} has a kernel of {}; expected 1 after pooling",
                self.kernel_size
            ));
        }
        *channels = checked(place, &FEATURES, self.out_channels)?;
        Ok(HiddenLayer {
            features: *channels,
            norm: match (self.use_bn, self.bias) {
                (true, _) => HiddenNorm::BatchNorm,
                (false, true) => HiddenNorm::Bias,
                (false, false) => HiddenNorm::None,
            },
            activation: activation(place, self.act_func.as_deref())?,
        })
    }

    fn check_plain(&self, place: &str, channels: u32) -> Result<(), String> {
        check_input(place, "in_channels", self.in_channels, channels)?;
        for (what, value) in [("dilation", self.dilation), ("groups", self.groups)] {
            if let Some(value) = value.filter(|&value| value != 1) {
                return Err(format!("{place}.{what} is {value}; only 1 is supported"));
            }
        }
        Ok(())
    }
}

impl RawBlock {
    /// Builds an inverted residual, or `None` if the block is skipped; `channels` as for [`RawConv::block`].
    fn block(&self, place: &str, channels: &mut u32) -> Result<Option<Block>, String> {
        let Some(bottleneck) = self.mobile_inverted_conv.as_ref() else {
            return Ok(None);
        };
        if bottleneck.name == "ZeroLayer" {
            return match &self.shortcut {
                Some(_) => Ok(None),
                None => Err(format!(
                    "{place} is a ZeroLayer without a shortcut, so its output is always 0"
                )),
            };
        }
        if !matches!(bottleneck.name.as_str(), "MBInvertedConvLayer" | "MBConvLayer") {
            return Err(format!(
                "{place} is a `{}`; expected MBInvertedConvLayer, MBConvLayer or ZeroLayer",
                bottleneck.name
            ));
        }
        let block = bottleneck.inverted_residual(place, *channels)?;
        let fits = block.stride == 1 && block.channels == *channels;
        let residual = match &self.shortcut {
            Some(shortcut) if shortcut.name != "IdentityLayer" || !fits => {
                return Err(format!(
                    "{place} has a shortcut of type `{}`; only identities between equal shapes are supported",
                    shortcut.name
                ));
            }
            Some(_) => true,
            // The canonical form of a block whose input and output differ in shape is residual.
            None => !fits,
        };
        *channels = block.channels;
        Ok(Some(Block::InvertedResidual(InvertedResidual { residual, ..block })))
    }
}

impl RawBottleneck {
    fn inverted_residual(&self, place: &str, in_channels: u32) -> Result<InvertedResidual, String> {
        let need = |value: Option<u32>, key: &str| value.ok_or_else(|| format!("{place} has no `{key}`"));
        check_input(
            place,
            "in_channels",
            need(self.in_channels, "in_channels")?,
            in_channels,
        )?;
        let hidden = match (self.mid_channels, self.expand_ratio) {
            (Some(hidden), _) => hidden,
            (None, Some(ratio)) => (f64::from(in_channels) * ratio).round() as u32,
            (None, None) => return Err(format!("{place} has neither `expand_ratio` nor `mid_channels`")),
        };
        let hidden_channels = checked(place, &HIDDEN_CHANNELS, hidden)?;
        let squeeze_excite = self.use_se.unwrap_or(false).then(|| SqueezeExcite {
            channels: SqueezeExcite::of_gated(hidden_channels, 0.25),
            gate: Gate::HardSigmoid,
            activation: Activation::Relu,
        });
        Ok(InvertedResidual {
            kernel: checked(place, &KERNEL, need(self.kernel_size, "kernel_size")?)?,
            stride: checked(place, &STRIDE, self.stride.unwrap_or(1))?,
            channels: checked(place, &CHANNELS, need(self.out_channels, "out_channels")?)?,
            hidden_channels,
            groups: 1,
            squeeze_excite,
            // ReLU6 is the default of the authors' code.
            activation: activation(place, Some(self.act_func.as_deref().unwrap_or("relu6")))?,
            residual: true,
        })
    }
}

/// Checks that the stated input channels equal the previous block's output channels.
fn check_input(place: &str, key: &str, stated: u32, channels: u32) -> Result<(), String> {
    if stated == channels {
        return Ok(());
    }
    Err(format!(
        "{place}.{key} is {stated}, but its input has {channels} channels"
    ))
}

/// Checks the value of a field.
fn checked(place: &str, field: &Field, value: u32) -> Result<u32, String> {
    match field.domain.number(f64::from(value)) {
        Some(Value::Whole(value)) => Ok(value),
        _ => Err(format!(
            "{place}: {} {value}; expected {}",
            field.name,
            field.domain.expected()
        )),
    }
}

fn activation(place: &str, name: Option<&str>) -> Result<Activation, String> {
    match name {
        Some("relu") => Ok(Activation::Relu),
        Some("relu6") => Ok(Activation::Relu6),
        Some("h_swish") => Ok(Activation::HardSwish),
        Some("swish" | "silu") => Ok(Activation::Swish),
        other => Err(format!(
            "{place}.act_func is {}; expected relu, relu6, h_swish or swish",
            other.map_or_else(|| "missing".to_owned(), |name| format!("`{name}`"))
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::Architecture;

    const SMALL: &str = r#"{
        "bn": {"momentum": 0.1, "eps": 0.001},
        "first_conv": {"in_channels": 3, "out_channels": 8, "kernel_size": 3, "stride": 2, "act_func": "relu6"},
        "blocks": [
            {"mobile_inverted_conv": {"name": "MBInvertedConvLayer", "in_channels": 8, "out_channels": 8,
                "kernel_size": 3, "stride": 1, "expand_ratio": 1}, "shortcut": null},
            {"mobile_inverted_conv": {"name": "MBInvertedConvLayer", "in_channels": 8, "out_channels": 8,
                "kernel_size": 5, "stride": 1, "expand_ratio": 3}, "shortcut": {"name": "IdentityLayer"}},
            {"mobile_inverted_conv": {"name": "ZeroLayer", "stride": 1}, "shortcut": {"name": "IdentityLayer"}},
            {"mobile_inverted_conv": {"name": "MBInvertedConvLayer", "in_channels": 8, "out_channels": 16,
                "kernel_size": 7, "stride": 2, "expand_ratio": 6}, "shortcut": null}
        ],
        "feature_mix_layer": {"in_channels": 16, "out_channels": 32, "kernel_size": 1, "act_func": "relu6"},
        "classifier": {"in_features": 32, "out_features": 10}
    }"#;

    #[test]
    fn blocks_shortcuts_and_skips_are_read() {
        let architecture = Architecture::from_network_json(SMALL, Some(64)).unwrap();
        assert_eq!(
            architecture.to_string(),
            "in64_eps0.001,conv_k3_s2_c8_nr6,ir_k3_e1_c8_nr6_noskip,ir_k5_e3_c8_nr6,ir_k7_s2_e6_c16_nr6,\
             conv_k1_c32_nr6,head_o10"
        );
    }

    #[test]
    fn mismatches_name_the_place() {
        let cases = [
            (
                "\"in_channels\": 16, \"out_channels\": 32",
                "\"in_channels\": 24, \"out_channels\": 32",
                "feature_mix_layer.in_channels",
            ),
            ("\"kernel_size\": 7", "\"kernel_size\": 4", "blocks[3]: kernel 4"),
            (
                "\"name\": \"ZeroLayer\"",
                "\"name\": \"Shuffle\"",
                "blocks[2] is a `Shuffle`",
            ),
            (
                "\"act_func\": \"relu6\"}",
                "\"act_func\": \"tanh\"}",
                "first_conv.act_func",
            ),
            ("\"in_features\": 32", "\"in_features\": 33", "classifier.in_features"),
        ];
        for (from, to, expected) in cases {
            assert!(SMALL.contains(from), "{from}");
            let error = Architecture::from_network_json(&SMALL.replacen(from, to, 1), Some(64)).expect_err(to);
            assert!(error.problem.contains(expected), "{error}");
        }
        let error = Architecture::from_network_json("{\"blocks\": 3}", None).expect_err("no list");
        assert_eq!((error.line, error.column), (1, 12), "{error}");
        assert!(!error.problem.contains("line"), "{error}");
        let error = Architecture::from_network_json(SMALL, None).expect_err("no resolution");
        assert!(error.problem.contains("resolution"), "{error}");
    }
}
