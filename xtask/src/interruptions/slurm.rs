//! `cargo xtask slurm`: a study whose workers run as job steps of a Slurm cluster that loses a node, beside the same study on local
//! workers.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use super::outcome::{Outcome, attempts, count_finished};
use super::study::{Study, Subject, Workers, empty_folder, program_of};
use crate::environment::{self, workspace};
use crate::error::{Error, Result};

const USAGE: &str = "usage: cargo xtask slurm [--data PATH] [--images N] [--mnas PROGRAM]; PATH is a data set of small images, or `demo`";

/// Trials that are finished before a node is lost.
const BEFORE: usize = 5;

/// Node that is lost.
const NODE: &str = "two";

/// Runs the check and says whether the lost node changed anything.
pub fn slurm(arguments: &[OsString]) -> Result<ExitCode> {
    let subject = subject(arguments)?;
    let mnas = match program_of(&subject)? {
        Ok(mnas) => mnas,
        Err(failed) => return Ok(failed),
    };
    let place = empty_folder("slurm")?;
    let local = Study::new(&mnas, &subject, &Workers::Local, &place.join("local"))?;
    local.finish()?;
    let expected = Outcome::read(&local.folder())?;
    println!("on local workers: {} trials", expected.sizes()[0]);

    let cluster = Cluster::start(&place.join("cluster"))?;
    let workers = Workers::File(cluster.write_workers(&mnas)?);
    let study = Study::new(&mnas, &subject, &workers, &place.join("on-slurm"))?;
    let journal = study.folder().join("trials.jsonl");
    let mut running = study.start()?;
    while count_finished(&journal) < BEFORE {
        if let Some(status) = running.wait(Some(Duration::from_millis(200)))? {
            study.check(status)?;
            return Err(Error::new(
                "the study was done before a node was lost",
                "give it more images with --images",
            ));
        }
    }
    println!(
        "{BEFORE} trials are finished; node `{NODE}` is killed\n{}",
        cluster.nodes()?
    );
    let lost = Instant::now();
    cluster.script("kill", Some(NODE))?;
    if let Some(status) = running.wait(None)? {
        study.check(status)?;
    }
    println!(
        "the study ended {:.0} s later\n{}",
        lost.elapsed().as_secs_f64(),
        cluster.nodes()?
    );
    let repeated = attempts(&journal).values().filter(|&&times| times > 1).count();
    println!("trials given to a worker more than once: {repeated}");
    let differences = expected.differences(&Outcome::read(&study.folder())?);
    for difference in &differences {
        println!("  {difference}");
    }
    if differences.is_empty() {
        println!("PASSED: every trial was finished exactly once, with the results of local workers");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "FAILED: {} differences; the studies are in {}",
        differences.len(),
        place.display()
    );
    Ok(ExitCode::FAILURE)
}

fn subject(arguments: &[OsString]) -> Result<Subject> {
    let mut subject = Subject::demo();
    for pair in arguments.chunks(2) {
        let is_taken = match pair {
            [flag, value] => subject.take(flag, value),
            _ => None,
        };
        if is_taken != Some(true) {
            return Err(Error::new("unknown arguments of `cargo xtask slurm`", USAGE));
        }
    }
    Ok(subject)
}

/// A Slurm cluster of two nodes on this machine; it is stopped with the guard.
#[derive(Debug)]
struct Cluster {
    folder: PathBuf,
}

impl Cluster {
    fn start(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, &error))?;
        let cluster = Self {
            folder: folder.to_path_buf(),
        };
        cluster.script("start", None)?;
        Ok(cluster)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("slurm.conf")
    }

    /// Runs an action of the script.
    fn script(&self, action: &str, node: Option<&str>) -> Result<()> {
        let mut command = Command::new(workspace().join("xtask/slurm/cluster.sh"));
        command.arg(action).arg(&self.folder).args(node);
        if environment::run(command)?.success() {
            return Ok(());
        }
        Err(Error::new(
            format!("cluster.sh {action} failed"),
            format!("its message is above, logs are in {}", self.folder.display()),
        ))
    }

    /// Writes the template of Slurm workers with the paths of this cluster, and returns its path.
    fn write_workers(&self, mnas: &Path) -> Result<PathBuf> {
        let template = workspace().join("configs/workers/slurm.toml");
        let text = fs::read_to_string(&template).map_err(|error| Error::io("read", &template, &error))?;
        let path = self.folder.join("workers.toml");
        let written = fs::write(&path, workers_of(&text, &self.configuration(), mnas));
        written.map_err(|error| Error::io("write", &path, &error))?;
        Ok(path)
    }

    /// States of the nodes.
    fn nodes(&self) -> Result<String> {
        let output = Command::new("sinfo")
            .args(["--noheader", "--Node", "--format=  node %N: %T"])
            .env("SLURM_CONF", self.configuration())
            .output()
            .map_err(|error| Error::io("start", Path::new("sinfo"), &error))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Its message was printed.
        let _ = self.script("stop", None);
    }
}

/// The template with a cluster's configuration and the path of `mnas` in its commands.
fn workers_of(template: &str, configuration: &Path, mnas: &Path) -> String {
    template
        .replace(
            "command = \"srun ",
            &format!("command = \"env SLURM_CONF='{}' srun ", configuration.display()),
        )
        .replace(" mnas worker", &format!(" '{}' worker", mnas.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_gets_the_paths_of_the_cluster() {
        let template = fs::read_to_string(workspace().join("configs/workers/slurm.toml")).unwrap();
        let text = workers_of(&template, Path::new("/c/slurm.conf"), Path::new("/t/mnas"));
        assert!(
            text.contains("command = \"env SLURM_CONF='/c/slurm.conf' srun "),
            "{text}"
        );
        assert!(text.contains(" '/t/mnas' worker\""), "{text}");
    }
}
