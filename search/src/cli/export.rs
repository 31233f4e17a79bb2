//! `mnas export`

use std::path::PathBuf;

use clap::Args;

use super::architecture::FormArguments;
use super::device::checking_runtime;
use super::error::CliError;
use crate::export;
use crate::report::Printer;
use mnas_engine::training::weights::Weights;

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The network: a reference, a file or a string [default: the one named in the weight file]
    #[arg(value_name = "ARCH")]
    architecture: Option<String>,
    #[command(flatten)]
    form: FormArguments,
    /// Weights of the network (safetensors); not needed for TOML
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Format of the file
    #[arg(long, value_enum)]
    format: Format,
    /// The file to write
    #[arg(long, short)]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Onnx,
    Safetensors,
    Toml,
}

pub fn run(arguments: &ExportArguments, printer: &Printer) -> Result<(), CliError> {
    let weights = arguments.weights.as_deref().map(Weights::read).transpose()?;
    let info = weights.as_ref().and_then(|weights| weights.info.as_ref());
    let Some(text) = arguments
        .architecture
        .clone()
        .or(info.map(|info| info.architecture.clone()))
    else {
        return Err(CliError::usage(
            "give ARCH, or --weights of a file that names its architecture",
        ));
    };
    let (mut architecture, name) = arguments.form.resolve(&text)?;
    if let (Some(info), None) = (info, arguments.form.classes()) {
        architecture = architecture.with_classes(info.classes.len().max(1) as u32);
    }
    let path = &arguments.output;
    if arguments.format == Format::Toml {
        export::write_toml(&architecture, path)?;
        return Ok(printer.result(&format!("{name}: wrote {}", path.display()))?);
    }
    let (Some(weights), Some(source)) = (&weights, &arguments.weights) else {
        return Err(CliError::usage("--format onnx and safetensors need --weights"));
    };
    let weights = &*weights.fitted(&architecture.graph(), source)?;
    if arguments.format == Format::Safetensors {
        weights.write(path)?;
        return Ok(printer.result(&format!("{name}: wrote {}", path.display()))?);
    }
    export::write_onnx(&architecture, weights, source, path)?;
    let checked = match checking_runtime() {
        Some(runtime) => {
            let difference = export::check_onnx(&architecture, source, path, &runtime)?;
            format!("ONNX Runtime agrees with libtorch within {difference:.1e} of the largest score")
        }
        None => "not checked: there is no ONNX Runtime, see `mnas doctor`".to_owned(),
    };
    Ok(printer.result(&format!("{name}: wrote {}; {checked}", path.display()))?)
}
