//! ARCH arguments: a reference's name, a file, or an architecture string.

use std::path::Path;

use clap::Args;
use mnas_space::{Architecture, NotationError, Reference};

use super::error::CliError;
use mnas_engine::files;

/// Notation of blocks in architecture strings and tables, for the help texts of commands that show them.
pub const NOTATION: &str = "\
Blocks:
  A block is its type, then its fields, such as ir_r2_k3_s2_e6_c24_se0.25_nre.
  conv    convolution
  ds      depthwise separable convolution
  ir      inverted residual
  er      fused inverted residual
  uib     universal inverted bottleneck
  id      nothing, or a projection where the shape changes
  head    pooling, an optional hidden layer, classes
  r2      two such layers, the first with the stride
  k3      kernel 3 x 3; in uib, a3 is the kernel before the expansion
  s2      stride 2; left out where it is 1
  e6      expansion by 6, or h96: 96 hidden channels
  c24     24 output channels
  se0.25  squeeze-excite, a quarter of the hidden channels wide
  si0.25  the same, a quarter of the input channels wide; sq12: 12 channels
  nre     activation ReLU; nr6 ReLU6, nhs hard-swish, nsw swish, nge GELU
  noskip  without residual connection
  f1280   1280 features in the hidden layer of the head
  o1000   1000 classes

Counts:
  Multiply-adds (MAdds) are those of convolutions and linear layers, squeeze-
  excite included. Parameters (params) include batch-norm's scale and shift.
  Memory is that of feature maps for one image in 32-bit floats: `output` of
  the layer's result, `peak` of all that is alive at once while it runs.";

/// A network on the command line.
#[derive(Debug, Args)]
pub struct ArchitectureArguments {
    /// A reference (mnas refs lists them), an architecture file (.toml, or the .json of published ProxylessNAS and
    /// Once-for-all networks), or an architecture string
    #[arg(value_name = "ARCH")]
    architecture: String,
    #[command(flatten)]
    pub form: FormArguments,
}

/// Variations of a reference.
#[derive(Debug, Clone, Default, Args)]
pub struct FormArguments {
    /// Width multiplier of a reference [default: 1.0]
    #[arg(long)]
    width: Option<f64>,
    /// Side of the input image in pixels [default: a reference's own, mostly 224; that of the file]
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
    /// Resolves the network; returns it with its display name.
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
    /// The form of a network at another resolution.
    pub fn at(resolution: Option<u32>) -> Self {
        Self {
            resolution,
            ..Self::default()
        }
    }

    /// The number of classes, where given.
    pub fn classes(&self) -> Option<u32> {
        self.classes
    }

    /// Name of the first flag given that changes a network, beside its number of classes.
    pub fn first_change(&self) -> Option<&'static str> {
        let changes = [
            ("--width", self.width.is_some()),
            ("--resolution", self.resolution.is_some()),
            ("--early-strides-removed", self.early_strides_removed > 0),
        ];
        changes.into_iter().find_map(|(flag, given)| given.then_some(flag))
    }

    /// The form of a second network `text`: that of the first, with the given width and resolution. Only references inherit a width
    /// multiplier.
    pub fn of_other(&self, text: &str, width: Option<f64>, resolution: Option<u32>) -> Self {
        let inherited = self.width.filter(|_| Reference::named(text).is_ok());
        Self {
            width: width.or(inherited),
            resolution: resolution.or(self.resolution),
            ..self.clone()
        }
    }

    /// The form of a network from which one of this form inherits: at `resolution`, with the same early strides removed.
    pub fn of_parent(&self, resolution: u32) -> Self {
        Self {
            early_strides_removed: self.early_strides_removed,
            ..Self::at(Some(resolution))
        }
    }

    /// Resolves the network that `text` names, in this form; returns it with its display name.
    pub fn resolve(&self, text: &str) -> Result<(Architecture, String), CliError> {
        let (architecture, name) = if let Ok(reference) = Reference::named(text) {
            let width = self.width.unwrap_or(1.0);
            let resolution = self.resolution.unwrap_or(reference.native_resolution());
            let network = reference.architecture(width, resolution, self.classes.unwrap_or(1000))?;
            (network, format!("{} {width:?}x {resolution}", reference.title))
        } else {
            self.of_own(text)?
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

/// Returns true if this is meant as the path of a file.
fn is_file(path: &Path) -> bool {
    let known = |extension: &std::ffi::OsStr| extension == "toml" || extension == "json";
    path.is_file() || path.extension().is_some_and(known)
}

impl FormArguments {
    /// Resolves a network given as a file or a string, in this form; returns it with its display name.
    fn of_own(&self, text: &str) -> Result<(Architecture, String), CliError> {
        if self.width.is_some() {
            return Err(CliError::usage(
                "--width scales references only; write the widths into the architecture",
            ));
        }
        let mut network = self.read(text)?;
        if let Some(resolution) = self.resolution {
            network = network.with_resolution(checked_resolution(resolution)?);
        }
        if let Some(classes) = self.classes {
            network = network.with_classes(checked_classes(classes)?);
        }
        let name = if is_file(Path::new(text)) {
            text.to_owned()
        } else {
            network.id().to_string()
        };
        Ok((network, name))
    }

    /// Reads a file or an architecture string.
    fn read(&self, text: &str) -> Result<Architecture, CliError> {
        let path = Path::new(text);
        if is_file(path) {
            let document = files::read_text(path).map_err(|error| CliError::config(error.to_string()))?;
            if path.extension().is_some_and(|extension| extension == "json") {
                return read_json(path, &document, self.resolution);
            }
            return Architecture::from_toml(&document).map_err(|error| CliError::document(path, &document, &error));
        }
        if !text.contains(',') {
            return Err(unknown(text));
        }
        text.parse().map_err(|error: NotationError| {
            CliError::in_document(
                "architecture string",
                text,
                1,
                error.column,
                &format!("{}; {}", error.problem, error.expected),
            )
        })
    }
}

/// Reads JSON; `resolution` is that of the command line.
fn read_json(path: &Path, document: &str, resolution: Option<u32>) -> Result<Architecture, CliError> {
    let says_resolution = |value: serde_json::Value| value.get("resolution").is_some();
    if resolution.is_none() && serde_json::from_str(document).is_ok_and(|value| !says_resolution(value)) {
        let problem = format!("{} does not state the resolution of its network", path.display());
        return Err(CliError::usage(problem).with_help("add --resolution with the side of the input image in pixels"));
    }
    Architecture::from_network_json(document, resolution).map_err(|error| CliError::document(path, document, &error))
}

/// Error for a word that is neither a reference, nor a file, nor an architecture string.
fn unknown(text: &str) -> CliError {
    let mut names: Vec<&str> = Reference::all().iter().map(Reference::name).collect();
    let likeness = |name: &str| strsim::jaro_winkler(text, name);
    names.sort_by(|one, other| likeness(other).total_cmp(&likeness(one)));
    names.truncate(4);
    CliError::config(format!(
        "`{text}` is not an architecture: no reference and no file has this name"
    ))
    .with_help(format!(
        "the nearest references are {}; `mnas refs` lists all. A file ends in .toml or .json; an architecture string \
         looks like in224,conv_k3_s2_c32_nr6,…,head_o1000",
        names.join(", ")
    ))
}
