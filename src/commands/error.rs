//! The error of a command, with its exit code.

use std::fmt;
use std::process::ExitCode;

use crate::config;
use crate::escape::visible_lines;

/// The exit code of a failed command.
const FAILED: u8 = 1;

/// The exit code for wrong usage, the same as clap's.
const WRONG_USAGE: u8 = 2;

/// The exit code for a bad configuration, `EX_CONFIG` of sysexits.h. A systemd unit can refuse to
/// restart on it.
const BAD_CONFIGURATION: u8 = 78;

/// The message and the exit code of a failed command.
#[derive(Debug)]
pub struct CommandError {
    message: String,
    code: u8,
}

impl CommandError {
    /// Creates an error with exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: FAILED,
        }
    }

    /// Creates an error of the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: WRONG_USAGE,
        }
    }

    /// Creates an error of the configuration file.
    pub fn configuration(error: &config::Error) -> Self {
        Self::bad_configuration(error.to_string())
    }

    /// Creates an error about another file that configures the exporter.
    pub fn bad_configuration(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: BAD_CONFIGURATION,
        }
    }

    /// Returns the exit code of the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<String> for CommandError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message may quote names of files and values of flags.
        f.write_str(&visible_lines(&self.message))
    }
}
