//! `cargo xtask kills`: a study whose processes are killed at random moments and that is continued each time, beside the same study
//! undisturbed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::outcome::Outcome;
use super::schedule::{Schedule, Victim};
use super::study::{Killed, Study, Subject, Workers, empty_folder, program_of};
use crate::error::{Error, Result};

const USAGE: &str = "usage: cargo xtask kills [--kills N] [--seed N] [--data PATH] [--images N] [--mnas PROGRAM]; PATH is a data set of small images, or \
                     `demo`";

/// Bounds of the longest pause between two kills. A start takes about a second.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));

/// Settings of the check.
#[derive(Debug, PartialEq, Eq)]
struct Settings {
    kills: usize,
    seed: u64,
    subject: Subject,
}

/// Runs the check and says whether kills changed anything.
pub fn kills(arguments: &[OsString]) -> Result<ExitCode> {
    let settings = settings(arguments)?;
    let mnas = match program_of(&settings.subject)? {
        Ok(mnas) => mnas,
        Err(failed) => return Ok(failed),
    };
    let place = empty_folder("kills")?;
    let begin = |name: &str| Study::new(&mnas, &settings.subject, &Workers::Local, &place.join(name));
    let started = Instant::now();
    let undisturbed = begin("undisturbed")?;
    undisturbed.finish()?;
    let took = started.elapsed();
    let expected = Outcome::read(&undisturbed.folder())?;
    let [trials, front, finalists] = expected.sizes();
    println!(
        "undisturbed: {trials} trials, a front of {front}, {finalists} networks trained to the end, in {:.0} s",
        took.as_secs_f64()
    );
    let mut schedule = Schedule::new(settings.seed, longest_pause(took));
    let mut tally = Tally::default();
    let mut differences = Vec::new();
    while tally.kills() < settings.kills {
        let before = tally.kills();
        let number = tally.studies + 1;
        let study = begin(&format!("killed-{number}"))?;
        disturb(&study, &mut schedule, settings.kills, &mut tally)?;
        let found = expected.differences(&Outcome::read(&study.folder())?);
        println!(
            "study {number}: {} kills, {}",
            tally.kills() - before,
            if found.is_empty() {
                "same trials, same front, same files"
            } else {
                "DIFFERS"
            }
        );
        differences.extend(
            found
                .into_iter()
                .map(|difference| format!("study {number}: {difference}")),
        );
    }
    println!("{} in {:.0} s", tally.text(), started.elapsed().as_secs_f64());
    Ok(verdict(&tally, &differences, &place))
}

/// Prints the verdict; its exit code.
fn verdict(tally: &Tally, differences: &[String], place: &Path) -> ExitCode {
    for difference in differences {
        println!("  {difference}");
    }
    if differences.is_empty() && tally.orphans == 0 {
        println!("PASSED: kills changed nothing and left no process");
        return ExitCode::SUCCESS;
    }
    println!(
        "FAILED: {} differences, {} orphan processes; the studies are in {}",
        differences.len(),
        tally.orphans,
        place.display()
    );
    ExitCode::FAILURE
}

/// Kills processes of a study until it is done or all kills are used, and then lets it end.
fn disturb(study: &Study, schedule: &mut Schedule, kills: usize, tally: &mut Tally) -> Result<()> {
    tally.studies += 1;
    let mut running = study.start()?;
    while tally.kills() < kills {
        if let Some(status) = running.wait(Some(schedule.pause()))? {
            return study.check(status);
        }
        let killed = running.kill(schedule)?;
        let ends_worker = killed.victim == Some(Victim::Worker);
        tally.add(&killed);
        if !ends_worker {
            running = study.start()?;
        }
    }
    match running.wait(None)? {
        Some(status) => study.check(status),
        None => Ok(()),
    }
}

/// Longest pause between two kills in a study that takes so long: a study meets about ten of them.
fn longest_pause(study: Duration) -> Duration {
    (study / 5).clamp(PAUSES.0, PAUSES.1)
}

/// Kills so far.
#[derive(Debug, Default)]
struct Tally {
    studies: usize,
    victims: BTreeMap<Victim, usize>,
    orphans: usize,
    /// Longest time that workers outlived their coordinator.
    longest: Duration,
}

impl Tally {
    fn add(&mut self, killed: &Killed) {
        if let Some(victim) = killed.victim {
            *self.victims.entry(victim).or_insert(0) += 1;
        }
        self.orphans += killed.orphans.len();
        self.longest = self.longest.max(killed.took);
    }

    fn kills(&self) -> usize {
        self.victims.values().sum()
    }

    fn text(&self) -> String {
        let of = |victim| self.victims.get(&victim).copied().unwrap_or(0);
        format!(
            "{} kills ({} of the coordinator, {} of a worker, {} of all at once) in {} studies; all processes of a killed \
             coordinator were gone after at most {:.2} s",
            self.kills(),
            of(Victim::Coordinator),
            of(Victim::Worker),
            of(Victim::All),
            self.studies,
            self.longest.as_secs_f64()
        )
    }
}

fn settings(arguments: &[OsString]) -> Result<Settings> {
    let mut settings = Settings {
        kills: 50,
        seed: 0,
        subject: Subject::demo(),
    };
    let wrong = || Error::new("unknown arguments of `cargo xtask kills`", USAGE);
    let number = |text: &OsString| text.to_str().and_then(|text| text.parse().ok()).ok_or_else(wrong);
    for pair in arguments.chunks(2) {
        match pair {
            [flag, value] if settings.subject.take(flag, value).ok_or_else(wrong)? => {}
            [flag, value] if flag == "--kills" => settings.kills = number(value)? as usize,
            [flag, value] if flag == "--seed" => settings.seed = number(value)?,
            _ => return Err(wrong()),
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_checked() {
        let read = |words: &[&str]| settings(&words.iter().map(OsString::from).collect::<Vec<_>>());
        let settings = read(&["--kills", "6", "--seed", "2", "--data", "demo"]).unwrap();
        assert_eq!(
            (settings.kills, settings.seed, settings.subject),
            (6, 2, Subject::demo())
        );
        for wrong in [&["--kills", "few"][..], &["--kills"], &["--orphans", "3"]] {
            assert!(read(wrong).is_err());
        }
    }

    #[test]
    fn orphans_and_differences_fail_the_check() {
        let mut tally = Tally::default();
        assert_eq!(verdict(&tally, &[], Path::new("p")), ExitCode::SUCCESS);
        assert_eq!(verdict(&tally, &["one".to_owned()], Path::new("p")), ExitCode::FAILURE);
        tally.add(&Killed {
            victim: Some(Victim::Coordinator),
            orphans: vec![7],
            took: Duration::from_secs(20),
        });
        assert!(
            tally.text().starts_with("1 kills (1 of the coordinator, 0 of a worker"),
            "{}",
            tally.text()
        );
        assert_eq!(verdict(&tally, &[], Path::new("p")), ExitCode::FAILURE);
    }

    #[test]
    fn pauses_follow_the_length_of_the_study() {
        assert_eq!(longest_pause(Duration::from_secs(30)), Duration::from_secs(6));
        assert_eq!(longest_pause(Duration::from_secs(1)), PAUSES.0);
    }
}
