//! Notices of information that LiteRT prints on standard error, whatever severity its environment asks for.
//!
//! TensorFlow Lite's own logger, inside of LiteRT, has no option: it prints `INFO: Created TensorFlow Lite XNNPACK delegate for CPU.` when
//! the first model of a process is compiled. That model is therefore compiled here with standard error kept in a file, from which all
//! other lines are printed afterwards.

use mnas_space::tflite::{self, TfliteOptions};
use mnas_space::{BlockKey, RandomWeights};

use super::ffi;

/// Smallest layer that XNNPACK computes.
const SMALLEST: &str = "conv_k1_c1_nre@1x1x1";

/// Compiles a model, so that later ones print no notice. An error is left to them.
pub(super) fn use_up(library: &'static ffi::Library) {
    let Ok(key) = SMALLEST.parse::<BlockKey>() else { return };
    let Ok(file) = tflite::encode(&key.graph(), &RandomWeights { seed: 0 }, &TfliteOptions::default()) else {
        return;
    };
    let compile = || drop(ffi::CompiledModel::new(library, &file, 1));
    #[cfg(unix)]
    capture::without_notices(compile);
    #[cfg(not(unix))]
    compile();
}

/// Text without the notices.
#[cfg(any(unix, test))]
fn remaining(text: &str) -> String {
    let is_notice = |line: &&str| line.starts_with("INFO: ") && line.contains("TensorFlow Lite");
    text.split_inclusive('\n').filter(|line| !is_notice(line)).collect()
}

#[cfg(unix)]
mod capture {
    use std::fs::File;
    use std::io::{Read, Seek, Write};
    use std::os::fd::OwnedFd;

    /// Standard error while it leads to a file; dropping it restores standard error.
    struct Capture {
        before: OwnedFd,
        file: File,
    }

    impl Capture {
        fn start() -> std::io::Result<Self> {
            let capture = Self {
                before: rustix::io::dup(rustix::stdio::stderr())?,
                file: tempfile::tempfile()?,
            };
            rustix::stdio::dup2_stderr(&capture.file)?;
            Ok(capture)
        }
    }

    impl Drop for Capture {
        fn drop(&mut self) {
            if rustix::stdio::dup2_stderr(&self.before).is_err() {
                return;
            }
            let mut bytes = Vec::new();
            if self
                .file
                .rewind()
                .and_then(|()| self.file.read_to_end(&mut bytes))
                .is_ok()
            {
                let text = super::remaining(&String::from_utf8_lossy(&bytes));
                // There is nowhere to report an error of standard error.
                let _ = std::io::stderr().write_all(text.as_bytes());
            }
        }
    }

    /// Runs `work` and prints what it wrote on standard error, without notices; with them where there is no temporary file.
    pub fn without_notices(work: impl FnOnce()) {
        let _capture = Capture::start();
        work();
    }
}

#[cfg(test)]
mod tests {
    use super::remaining;

    #[test]
    fn errors_and_lines_of_others_remain() {
        let notice = "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n";
        let others = "ERROR: TensorFlow Lite failed\nINFO: mine\nhalf a line";
        assert_eq!(remaining(&format!("{notice}{others}")), others);
        assert_eq!(remaining(notice), "");
    }
}
