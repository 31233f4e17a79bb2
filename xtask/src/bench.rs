//! `cargo xtask bench`: comparison of the training throughput of `mnas` and `PyTorch` on the same cores.
//!
//! The speed of machines varies within minutes, so runs of both alternate, and the result is the ratio of their medians.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::environment;
use crate::error::{Error, Result};
use crate::program;

/// Cases: the network's name in mnas and in torchvision, side of the images in pixels, batch size.
const CASES: [(&str, &str, &str, &str); 4] = [
    ("mobilenet-v2", "mobilenet_v2", "32", "128"),
    ("mobilenet-v3-large", "mobilenet_v3_large", "32", "128"),
    ("mobilenet-v2", "mobilenet_v2", "128", "32"),
    ("mobilenet-v3-large", "mobilenet_v3_large", "128", "32"),
];

const SECONDS: &str = "2";

/// Contenders, whose runs alternate: two of `mnas` and two of `PyTorch`. The table has the ratios to each of `PyTorch`.
const CONTENDERS: [&str; 4] = [
    "mnas, one process",
    "mnas, a process a core",
    "PyTorch, default layout",
    "PyTorch, channels-last",
];

const USAGE: &str = "usage: cargo xtask bench [--python PROGRAM] [--pairs N] [--data FOLDER]; PROGRAM is a Python with torch and torchvision, \
                     FOLDER an image folder with train/<class>/*.jpg";

/// Side of the images in pixels, batch size and duration in seconds of the measurement of image reading with `--data`.
const READING: (&str, &str, u32) = ("112", "128", 8);

struct Settings {
    python: PathBuf,
    pairs: usize,
    data: Option<PathBuf>,
}

/// Result of a run: throughput in images per second and peak memory in MiB.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Run {
    images_per_s: f64,
    peak_mib: f64,
}

/// Builds `mnas`, runs all cases, and prints a table.
pub fn bench(arguments: &[OsString]) -> Result<ExitCode> {
    let settings = settings(arguments)?;
    let binary = match program::built()? {
        Ok(binary) => binary,
        Err(failed) => return Ok(failed),
    };
    let has_torch = imports_torch(&settings.python);
    if !has_torch {
        eprintln!(
            "{} has no torch and torchvision, so only mnas is measured; choose another Python with --python",
            settings.python.display()
        );
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!(
        "Images/s on {cores} cores, medians of {} runs in turns\n",
        settings.pairs
    );
    if let Some(folder) = &settings.data {
        println!("{}", reading(folder, &settings, has_torch, cores, &binary)?);
    }
    println!("| network | who | images/s | over PyTorch, default | over PyTorch, channels-last | peak memory |");
    println!("|---|---|---|---|---|---|");
    for case in CASES {
        let mut runs: [Vec<Run>; 4] = Default::default();
        for _ in 0..settings.pairs {
            for (index, runs) in runs.iter_mut().enumerate().take(if has_torch { 4 } else { 2 }) {
                let mut command = contender(index, case, cores, &binary, &settings.python);
                runs.push(measure(&mut command)?);
            }
        }
        print!("{}", rows(case, &runs));
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures image reading of mnas, which decodes every image each time, and of torchvision's loader; returns a table.
fn reading(folder: &Path, settings: &Settings, has_torch: bool, cores: usize, binary: &Path) -> Result<String> {
    let (resolution, batch, seconds) = READING;
    let size = ["--resolution", resolution, "--batch-size", batch];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..settings.pairs {
        let mut command = Command::new(binary);
        command.args(["bench", "mobilenet-v2", "--json", "--time", &format!("{seconds}s")]);
        command.arg("--data").arg(folder).args(size);
        ours.push(measure(&mut command)?);
        if has_torch {
            let mut command = Command::new(&settings.python);
            command.arg(environment::workspace().join("xtask/peers/torchvision_loader.py"));
            command.arg("--folder").arg(folder.join("train")).args(size);
            command.args(["--workers", &cores.to_string(), "--seconds", &seconds.to_string()]);
            theirs.push(measure(&mut command)?);
        }
    }
    let [ours, theirs] = [ours, theirs].map(|runs| median(&runs, |run| run.images_per_s));
    if !has_torch {
        return Ok(format!(
            "reading and random resized crop to {resolution} px: {ours:.0} images/s\n"
        ));
    }
    let mut text = format!(
        "| reading and random resized crop to {resolution} px | images/s | over torchvision |\n|---|---|---|\n"
    );
    // Writing to a String cannot fail.
    let _ = writeln!(text, "| mnas | {ours:.0} | {:.2}x |", ours / theirs);
    let _ = writeln!(text, "| torchvision, {cores} workers | {theirs:.0} | 1.00x |");
    Ok(text)
}

fn settings(arguments: &[OsString]) -> Result<Settings> {
    let mut settings = Settings {
        python: "python3".into(),
        pairs: 5,
        data: None,
    };
    let wrong = || Error::new("unknown arguments of `cargo xtask bench`", USAGE);
    for pair in arguments.chunks(2) {
        match pair {
            [flag, data] if flag == "--data" => settings.data = Some(data.into()),
            [flag, python] if flag == "--python" => settings.python = python.into(),
            [flag, pairs] if flag == "--pairs" => {
                let pairs = pairs.to_str().and_then(|text| text.parse().ok());
                settings.pairs = pairs.filter(|&pairs| pairs > 0).ok_or_else(wrong)?;
            }
            _ => return Err(wrong()),
        }
    }
    Ok(settings)
}

fn imports_torch(python: &Path) -> bool {
    Command::new(python)
        .args(["-c", "import torch, torchvision"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn contender(index: usize, case: (&str, &str, &str, &str), cores: usize, binary: &Path, python: &Path) -> Command {
    let (ours, theirs, resolution, batch) = case;
    let size = ["--resolution", resolution, "--batch-size", batch];
    if index < 2 {
        let (workers, threads) = if index == 0 { (1, cores) } else { (cores, 1) };
        let mut command = Command::new(binary);
        command.args([
            "bench",
            ours,
            "--classes",
            "10",
            "--json",
            "--time",
            &format!("{SECONDS}s"),
        ]);
        command.args(["--workers", &workers.to_string(), "--threads", &threads.to_string()]);
        command.args(size);
        return command;
    }
    let layout = if index == 2 { "default" } else { "channels-last" };
    let mut command = Command::new(python);
    command.arg(environment::workspace().join("xtask/peers/pytorch_train.py"));
    command.args(["--arch", theirs, "--layout", layout, "--seconds", SECONDS]);
    command.args(["--threads", &cores.to_string()]).args(size);
    command
}

fn measure(command: &mut Command) -> Result<Run> {
    let program = PathBuf::from(command.get_program());
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::io("start", &program, &error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let read = |name| number(&text, name).filter(|_| output.status.success());
    match (read("images_per_s"), read("peak_memory_mib")) {
        (Some(images_per_s), peak) => Ok(Run {
            images_per_s,
            peak_mib: peak.unwrap_or(f64::NAN),
        }),
        (None, _) => Err(Error::new(
            format!(
                "{} printed no measurement and ended with {}",
                program.display(),
                output.status
            ),
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        )),
    }
}

/// Number with this name in a flat JSON document.
fn number(document: &str, name: &str) -> Option<f64> {
    let (_, rest) = document.split_once(&format!("\"{name}\":"))?;
    rest.split([',', '}']).next()?.trim().parse().ok()
}

fn rows(case: (&str, &str, &str, &str), runs: &[Vec<Run>; 4]) -> String {
    let medians = runs.each_ref().map(|runs| Run {
        images_per_s: median(runs, |run| run.images_per_s),
        peak_mib: median(runs, |run| run.peak_mib),
    });
    let (name, _, resolution, batch) = case;
    let mut text = String::new();
    for (who, median) in CONTENDERS.iter().zip(medians) {
        if median.images_per_s.is_nan() {
            continue;
        }
        let over = |other: Run| {
            if other.images_per_s.is_nan() {
                "-".to_owned()
            } else {
                format!("{:.2}x", median.images_per_s / other.images_per_s)
            }
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {name}, {resolution} px, batch {batch} | {who} | {:.0} | {} | {} | {:.0} MiB |",
            median.images_per_s,
            over(medians[2]),
            over(medians[3]),
            median.peak_mib
        );
    }
    text
}

/// Median of a property of the runs; NaN without runs.
fn median(runs: &[Run], of: fn(&Run) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_documents() {
        let document = "{\n  \"threads\": 2,\n  \"images_per_s\": 28.5,\n  \"peak_memory_mib\": 497\n}";
        assert_eq!(number(document, "images_per_s"), Some(28.5));
        assert_eq!(number(document, "peak_memory_mib"), Some(497.0));
        assert_eq!(number(document, "peak"), None);
        assert_eq!(number("{\"images_per_s\": null}", "images_per_s"), None);
    }

    #[test]
    fn ratios_are_of_medians_and_absent_peers_leave_a_dash() {
        let run = |images_per_s| Run {
            images_per_s,
            peak_mib: 10.0,
        };
        let ours = vec![run(30.0), run(10.0), run(20.0)];
        let both = [
            ours.clone(),
            vec![run(40.0)],
            vec![run(5.0)],
            vec![run(10.0), run(30.0)],
        ];
        let text = rows(CASES[0], &both);
        assert!(
            text.contains("| mnas, one process | 20 | 4.00x | 1.00x | 10 MiB |"),
            "{text}"
        );
        let alone = [ours, vec![run(40.0)], Vec::new(), Vec::new()];
        let text = rows(CASES[0], &alone);
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains("| 20 | - | - | 10 MiB |"), "{text}");
    }

    #[test]
    fn arguments_are_checked() {
        let good = settings(&["--pairs".into(), "3".into(), "--python".into(), "p".into()]).unwrap();
        assert_eq!((good.pairs, good.python), (3, "p".into()));
        for wrong in [&["--pairs", "0"][..], &["--pairs"], &["x", "y"]] {
            let wrong: Vec<OsString> = wrong.iter().map(Into::into).collect();
            assert!(settings(&wrong).is_err());
        }
    }
}
