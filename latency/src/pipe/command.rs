//! Command line that starts a process.

use std::fmt;
use std::str::FromStr;

/// Command line of a program and its arguments: `mnas-agent`, `ssh pi@host mnas-agent`, `srun --gpus=1 mnas-worker`.
///
/// The program is started without a shell. [`FromStr`] splits words like a POSIX shell, and [`fmt::Display`] quotes them for pasting
/// into one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    words: Vec<String>,
}

/// Error in the text of a command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandLineError {
    /// The text cannot be split into words, or is empty.
    #[error("the command `{text}` cannot be split into words")]
    Split {
        /// Text of the command.
        text: String,
    },
    /// The first word, the program, is missing or empty.
    #[error("the command names no program")]
    NoProgram,
}

impl CommandLine {
    /// Command line of the given words, which are not split further.
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, CommandLineError> {
        let words: Vec<String> = words.into_iter().map(Into::into).collect();
        match words.first() {
            Some(program) if !program.is_empty() => Ok(Self { words }),
            _ => Err(CommandLineError::NoProgram),
        }
    }

    /// Words of the command line: the program and its arguments.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Same command with additional arguments at the end.
    #[must_use]
    pub fn with_arguments(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.words.extend(arguments.into_iter().map(Into::into));
        self
    }
}

impl FromStr for CommandLine {
    type Err = CommandLineError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let split = || CommandLineError::Split { text: text.to_owned() };
        Self::new(shlex::split(text).ok_or_else(split)?).map_err(|_| split())
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.words.iter().map(String::as_str);
        // A word with a NUL byte cannot be quoted.
        f.write_str(&shlex::try_join(words).unwrap_or_else(|_| self.words.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_does_and_quoted_again() {
        let command: CommandLine = "adb -s 'my phone' shell mnas-agent".parse().unwrap();
        assert_eq!(command.words(), ["adb", "-s", "my phone", "shell", "mnas-agent"]);
        assert_eq!(command.to_string(), "adb -s 'my phone' shell mnas-agent");
        assert_eq!(command.with_arguments(["--log", "x y"]).words()[5..], ["--log", "x y"]);
    }

    #[test]
    fn a_command_line_names_a_program() {
        for text in ["ssh 'pi", "", "  ", "''"] {
            let error = text.parse::<CommandLine>().unwrap_err().to_string();
            assert_eq!(error, format!("the command `{text}` cannot be split into words"));
        }
        assert_eq!(CommandLine::new(Vec::<String>::new()), Err(CommandLineError::NoProgram));
    }
}
