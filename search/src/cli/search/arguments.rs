//! The flags of `mnas search`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mnas_engine::problem::Reward;
use mnas_engine::strategy::StrategyConfig;
use mnas_engine::training::TrainDevice;
use mnas_latency::{Milliseconds, parse_latency};

use super::super::data::Corrupt;
use super::super::device::TableArguments;
use super::values::{Bytes, Count, EvaluatorName, SignalsName};

/// `mnas search`
#[derive(Debug, Clone, Args)]
pub struct SearchArguments {
    /// Latency budget with its unit, such as 20ms; slower networks are never evaluated. Repeat it with --device for several
    /// devices
    #[arg(long, value_parser = parse_latency)]
    pub budget: Vec<Milliseconds>,
    /// Weigh budgets instead of keeping them: networks are compared by MnasNet's reward, accuracy x (latency / budget)^W, with W
    /// such as -0.07, or one W within and one over the budget such as 0,-1 [default: budgets are kept]
    #[arg(long, value_name = "W", allow_hyphen_values = true)]
    pub soft_budget: Option<Reward>,
    /// The device where latency is measured: a name, or the path of a TOML file [default: host]
    #[arg(long)]
    pub device: Vec<String>,
    /// Most parameters, such as 4M
    #[arg(long, value_name = "N")]
    pub max_params: Option<Count>,
    /// Most multiply-adds of one image, such as 300M
    #[arg(long, value_name = "N")]
    pub max_macs: Option<Count>,
    /// Largest peak memory of feature maps for one image, such as 1MiB
    #[arg(long, value_name = "BYTES")]
    pub max_memory: Option<Bytes>,
    /// Largest size of the weights as 32-bit floats, such as 10MB
    #[arg(long, value_name = "BYTES")]
    pub max_file_size: Option<Bytes>,
    /// A metric of the front: accuracy, latency, latency:DEVICE, macs, params, peak-memory, file-size; repeat it for several
    /// [default: accuracy and latency, or macs without a device]
    #[arg(long, value_name = "METRIC")]
    pub objective: Vec<String>,
    /// The search space: a name, or the path of a TOML file [default: around
    /// the parent with --pretrained, else by the data]
    #[arg(long)]
    pub space: Option<String>,
    /// Weights of a trained network (safetensors), from which all networks of the search inherit: it is fine-tuned first, and
    /// is the teacher of the other trainings
    #[arg(long, value_name = "WEIGHTS")]
    pub pretrained: Option<PathBuf>,
    /// The network of --pretrained: a reference, a file or a string [default: the one named in the weight file]
    #[arg(long, value_name = "ARCH")]
    pub parent: Option<String>,
    /// Side of the parent's input images in pixels, the largest of the search [default: that of the parent]
    #[arg(long, value_name = "PX")]
    pub parent_resolution: Option<u32>,
    /// An image folder, tar, Parquet files, CIFAR binaries, IDX files, or `demo` [default: demo]
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// Largest number of images per split
    #[arg(long, value_name = "N")]
    pub images: Option<usize>,
    /// Treatment of corrupt images [default: refuse]
    #[arg(long, value_enum)]
    pub on_corrupt: Option<Corrupt>,
    /// A recipe that comes with mnas (demo, quick, small-images, inherit), or a TOML file [default: by the data]
    #[arg(long)]
    pub recipe: Option<String>,
    /// Epochs of each training, in place of the recipe's
    #[arg(long)]
    pub epochs: Option<u32>,
    /// Successive halving: train all candidates for few epochs, and of every N of them the best one N times as long, up to the
    /// recipe's epochs (N = 3 with 9 epochs: 1, then 3, then 9) [default: every candidate is trained in full]
    #[arg(long, value_name = "N")]
    pub halving: Option<u32>,
    /// Epochs of the shortest trainings with --halving, at least [default: 1]
    #[arg(long, value_name = "N")]
    pub min_epochs: Option<u32>,
    /// Training resolution as a share of the deployed one; 1 trains what is deployed [default: by the data]
    #[arg(long, value_name = "SHARE")]
    pub proxy_scale: Option<f64>,
    /// Source of accuracies: auto (as many and as long trainings as --time allows, its last third for finalists), train, imagenet
    /// (predicted from published networks; evaluates millions of candidates, trains nothing), or table:FILE (CSV with the columns
    /// architecture and accuracy, or NAS-Bench-Macro's JSON); or scores in their place, proxy:NAME (a signal of mnas proxy-report,
    /// or the mean rank of several, such as proxy:naswot+entropy) [default: auto with --time and without flags that say what it decides, else train]
    #[arg(long, value_name = "NAME")]
    pub evaluator: Option<EvaluatorName>,
    /// Strategy that proposes candidates [default: model]
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(StrategyConfig::NAMES))]
    pub strategy: Option<String>,
    /// Signals of forward passes by which --strategy model chooses among its candidates, joined by +, such as naswot+entropy: a fraction of
    /// a second for a network, weighed by the trainings' results [default: none]
    #[arg(long, value_name = "NAMES")]
    pub signals: Option<SignalsName>,
    /// Number of candidates to evaluate [default: 12 for the demo, 100 for a table, 200 for a proxy,
    /// 5,000,000 for imagenet, else 24]
    #[arg(long)]
    pub trials: Option<usize>,
    /// Largest number of candidates at once; a proposal does not wait for the results of those under way [default: 4, times that of
    /// --halving]
    #[arg(long, value_name = "N")]
    pub lookahead: Option<usize>,
    /// Time of the search, such as 2h: a plan divides it (--evaluator auto); otherwise no trial is begun after it. Final trainings of
    /// references come on top
    #[arg(long, value_parser = humantime::parse_duration)]
    pub time: Option<Duration>,
    /// Seed of every random draw [default: 0]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Worker processes [default: the number that trains on most images per second, measured]
    #[arg(long)]
    pub workers: Option<usize>,
    /// libtorch's threads in each worker [default: measured with --workers]
    #[arg(long, value_name = "N")]
    pub threads_per_worker: Option<usize>,
    /// Device that trains candidates: cpu, cuda, or cuda:N [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub train_device: Option<TrainDevice>,
    /// The command that starts a worker, such as `ssh board mnas worker` [default: this program]
    #[arg(long, value_name = "COMMAND")]
    pub worker_command: Option<String>,
    /// Points of each published network to train beside the candidates [default: 2]
    #[arg(long, value_name = "N")]
    pub references: Option<usize>,
    /// Number of networks to train in full after the trials: the most accurate ones within the budget as measured, beside the
    /// references; 0 for none [default: 3 with --final-recipe or
    /// --pretrained, else 0]
    #[arg(long, value_name = "N")]
    pub finalists: Option<usize>,
    /// Recipe of the finalists: one that comes with mnas (cifar, imagenette, imagenet), or a TOML file [default: by the data]
    #[arg(long, value_name = "NAME")]
    pub final_recipe: Option<String>,
    /// Epochs of each final training, in place of the recipe's
    #[arg(long, value_name = "N")]
    pub final_epochs: Option<u32>,
    /// Largest number of images per split for the finalists [default: all, independent of --images]
    #[arg(long, value_name = "N")]
    pub final_images: Option<usize>,
    /// Time for measuring layers before the search; the rest is predicted [default: 1m]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub profile_time: Option<Duration>,
    /// Begin with the finished trials of another study of the same space, data and recipe; repeat it for several
    #[arg(long, value_name = "STUDY")]
    pub warm_start: Vec<PathBuf>,
    /// The study's folder [default: results/ with the name of the data, the table or the device, and the budget]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Continue the study in the folder
    #[arg(long)]
    pub resume: bool,
    /// Print the plan and stop before any training
    #[arg(long)]
    pub dry_run: bool,
    /// A TOML file whose keys are these flags' names, but for --resume, --dry-run, --json, --quiet and --tables; flags win
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Write events to a file or pipe as JSON lines while the search runs, `-` for stderr; configs/README.md lists them
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    #[command(flatten)]
    pub tables: TableArguments,
}
