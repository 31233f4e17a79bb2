//! ARCH arguments: a reference's name, a file, or an architecture string.

use std::path::Path;

use clap::Args;
use mnas_space::{Architecture, Reference};

use super::error::CliError;
use crate::files;

/// How architecture strings and tables write blocks, for the help texts of commands that show them.
pub const NOTATION: &str = "\
A block is its type, then its fields, such as ir_r2_k3_s2_e6_c24_se0.25_nre:
  conv  convolution                     k3     kernel 3 x 3
  ds    depthwise separable             s2     stride 2 (1 is left out)
  ir    inverted residual               c24    output channels
  er    fused inverted residual         e6     expansion, or h96: hidden channels
  uib   universal inverted bottleneck   se0.25 squeeze-excite
  id    identity                        nre    activation ReLU (nr6 ReLU6, nhs hard-swish, nsw swish, nge GELU)
  head  pooling and classifier          r2     so many layers alike, the first with the stride
                                        a3     (uib) kernel before the expansion
                                        o1000  (head) classes; f1280: features of a hidden layer
Multiply-adds (MAdds) are those of convolutions and linear layers. Parameters include batch-norm's.";

/// A network on the command line.
#[derive(Debug, Args)]
pub struct ArchitectureArguments {
    /// A reference (mobilenet-v2, ...), an architecture file (.toml), or an architecture string
    #[arg(value_name = "ARCH")]
    architecture: String,
    #[command(flatten)]
    pub form: FormArguments,
}

/// How a network is varied.
#[derive(Debug, Clone, Args)]
pub struct FormArguments {
    /// Width multiplier of a reference [default: 1.0]
    #[arg(long)]
    width: Option<f64>,
    /// Side of the input image in pixels [default: a reference's own, mostly 224]
    #[arg(long)]
    resolution: Option<u32>,
    /// Number of classes [default: 1000 for references]
    #[arg(long)]
    classes: Option<u32>,
    /// Run this many of the earliest strided layers at stride 1 (small images)
    #[arg(long, value_name = "N", default_value_t = 0)]
    early_strides_removed: usize,
}

impl ArchitectureArguments {
    /// The network, and what to call it.
    pub fn resolve(&self) -> Result<(Architecture, String), CliError> {
        self.form.resolve(&self.architecture)
    }

    /// Like [`ArchitectureArguments::resolve`], with as many classes as `data_classes` unless given.
    pub fn resolve_for(&self, data_classes: usize) -> Result<(Architecture, String), CliError> {
        let (architecture, name) = self.resolve()?;
        match self.form.classes {
            Some(_) => Ok((architecture, name)),
            None => Ok((architecture.with_classes(data_classes as u32), name)),
        }
    }
}

impl FormArguments {
    /// The number of classes, where given.
    pub fn classes(&self) -> Option<u32> {
        self.classes
    }

    /// The form of a second network `text` that is varied like the first but for what is given; a width multiplier is
    /// for references only.
    pub fn of_other(&self, text: &str, width: Option<f64>, resolution: Option<u32>) -> Self {
        let inherited = self.width.filter(|_| Reference::named(text).is_ok());
        Self {
            width: width.or(inherited),
            resolution: resolution.or(self.resolution),
            ..self.clone()
        }
    }

    /// The network that `text` names, varied, and what to call it.
    pub fn resolve(&self, text: &str) -> Result<(Architecture, String), CliError> {
        let (architecture, name) = match Reference::named(text) {
            Ok(reference) => {
                let width = self.width.unwrap_or(1.0);
                let resolution = self.resolution.unwrap_or(reference.native_resolution());
                let network = reference.architecture(width, resolution, self.classes.unwrap_or(1000))?;
                (network, format!("{} {width:?}x {resolution}", reference.title))
            }
            Err(unknown) => {
                if self.width.is_some() {
                    return Err(CliError::usage(
                        "--width scales references only; write the widths into the architecture",
                    ));
                }
                let network = read(text, &unknown.to_string())?;
                let network = match self.resolution {
                    Some(resolution) => network.with_resolution(checked_resolution(resolution)?),
                    None => network,
                };
                let network = match self.classes {
                    Some(classes) => network.with_classes(checked_classes(classes)?),
                    None => network,
                };
                let name = network.id().to_string();
                (network, name)
            }
        };
        Ok((architecture.without_early_strides(self.early_strides_removed), name))
    }
}

fn checked_resolution(resolution: u32) -> Result<u32, CliError> {
    if (1..=4096).contains(&resolution) {
        Ok(resolution)
    } else {
        Err(CliError::usage("--resolution takes 1 to 4096 pixels"))
    }
}

fn checked_classes(classes: u32) -> Result<u32, CliError> {
    if (1..=1_000_000).contains(&classes) {
        Ok(classes)
    } else {
        Err(CliError::usage("--classes takes 1 to 1000000"))
    }
}

fn read(text: &str, unknown_reference: &str) -> Result<Architecture, CliError> {
    let path = Path::new(text);
    if path.is_file() || path.extension().is_some_and(|extension| extension == "toml") {
        let document = files::read_text(path).map_err(|error| CliError::config(error.to_string()))?;
        return Architecture::from_toml(&document).map_err(|error| CliError::document(path, &document, &error));
    }
    if !text.contains(',') {
        return Err(
            CliError::config(format!("`{text}` is no architecture: {unknown_reference}")).with_help(
                "an architecture string looks like in224,conv_k3_s2_c32_nr6,…,head_o1000; a file ends in .toml",
            ),
        );
    }
    text.parse().map_err(|error: mnas_space::NotationError| {
        CliError::in_document(
            "architecture string",
            text,
            1,
            error.column,
            &format!("{}; {}", error.problem, error.expected),
        )
    })
}
