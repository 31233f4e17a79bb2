//! The `mnas` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(mnas_search::run())
}
