//! Conditions of a machine: clock governor, turbo, battery and load, as far as the system reports them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::warning::Warning;

/// State of a machine that affects measured times. Unknown values are `None`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Conditions {
    /// Number of processors available to the measuring process.
    pub cores: usize,
    /// Mean number of busy threads over the last minute.
    pub load: Option<f64>,
    /// Clock governor, if it slows measurements down, such as `powersave`; `None` otherwise.
    pub slow_governor: Option<String>,
    /// True if turbo is on: the clock can temporarily exceed its nominal frequency.
    pub turbo: Option<bool>,
    /// True if the machine runs on battery.
    pub on_battery: bool,
}

impl Conditions {
    /// Reads the conditions of this machine. Optional values are `None` on systems other than Linux.
    pub fn gather() -> Self {
        Self::read(Path::new("/"))
    }

    /// Reads the system's files below `root`.
    fn read(root: &Path) -> Self {
        let text = |path: &str| std::fs::read_to_string(root.join(path)).ok();
        let word = |path: &str| text(path).map(|text| text.trim().to_owned());
        let flag = |path: &str| word(path).and_then(|word| word.parse::<u8>().ok());
        let cpu = "sys/devices/system/cpu";
        let turbo = flag(&format!("{cpu}/intel_pstate/no_turbo"))
            .map(|off| off == 0)
            .or_else(|| flag(&format!("{cpu}/cpufreq/boost")).map(|on| on == 1));
        Self {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            load: text("proc/loadavg").and_then(|text| text.split_whitespace().next()?.parse().ok()),
            slow_governor: folders(&root.join(cpu)).iter().find_map(|folder| slow_governor(folder)),
            turbo,
            on_battery: folders(&root.join("sys/class/power_supply")).iter().any(|supply| {
                std::fs::read_to_string(supply.join("status")).is_ok_and(|status| status.trim() == "Discharging")
            }),
        }
    }

    /// Warnings about measuring with `threads` threads under these conditions.
    pub fn warnings(&self, threads: usize) -> Vec<Warning> {
        let governor = self
            .slow_governor
            .clone()
            .map(|governor| Warning::Governor { governor });
        let battery = self.on_battery.then_some(Warning::Battery);
        // A background load of half a thread is normal; it includes the previous command.
        let busy = |load: &f64| load + threads as f64 > self.cores as f64 + 0.5;
        let load = self.load.filter(busy).map(|load| Warning::Load {
            load,
            cores: self.cores,
            threads,
        });
        governor.into_iter().chain(battery).chain(load).collect()
    }
}

fn folders(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// Governor of a processor, if it keeps the clock below its maximum.
///
/// With the p-state drivers, `powersave` is the name of the default governor, which raises the clock under load.
fn slow_governor(cpu: &Path) -> Option<String> {
    let word = |file: &str| std::fs::read_to_string(cpu.join("cpufreq").join(file)).ok();
    let governor = word("scaling_governor")?.trim().to_owned();
    let driver = word("scaling_driver").unwrap_or_default();
    let fast = governor == "performance" || driver.contains("pstate");
    (!fast).then_some(governor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> Conditions {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let conditions = Conditions::read(root.path());
        Conditions { cores: 4, ..conditions }
    }

    #[test]
    fn a_machine_that_says_nothing_is_not_warned_about() {
        let silent = machine(&[]);
        assert_eq!((silent.load, silent.turbo), (None, None));
        assert!(silent.warnings(4).is_empty());
        assert!(Conditions::gather().cores >= 1);
    }

    #[test]
    fn governor_load_and_battery_are_warned_about() {
        let cpu = "sys/devices/system/cpu/cpu3/cpufreq";
        let governor = (format!("{cpu}/scaling_governor"), "powersave\n");
        let slow = machine(&[
            (&governor.0, governor.1),
            ("sys/devices/system/cpu/cpufreq/boost", "1\n"),
        ]);
        assert_eq!(slow.turbo, Some(true));
        let governor_warning = Warning::Governor {
            governor: "powersave".to_owned(),
        };
        assert_eq!(slow.warnings(1), [governor_warning]);
        let p_state = machine(&[
            (&governor.0, governor.1),
            (&format!("{cpu}/scaling_driver"), "intel_pstate\n"),
        ]);
        assert!(p_state.warnings(1).is_empty());

        let busy = machine(&[("proc/loadavg", "3.60 1.00 0.50 3/100 4242\n")]);
        assert!(matches!(
            busy.warnings(1)[..],
            [Warning::Load {
                cores: 4,
                threads: 1,
                ..
            }]
        ));
        let idle = machine(&[("proc/loadavg", "0.40 3.00 3.50 1/100 4242\n")]);
        assert!(idle.warnings(4).is_empty());

        let battery = machine(&[("sys/class/power_supply/BAT0/status", "Discharging\n")]);
        assert_eq!(battery.warnings(1), [Warning::Battery]);
    }
}
