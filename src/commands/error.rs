//! A command that failed.

use std::fmt;
use std::process::ExitCode;

use crate::config;

/// The exit code of a command that failed at its work.
const FAILED: u8 = 1;

/// The exit code for a wrong command line, as the parser of it has it.
const WRONG_USAGE: u8 = 2;

/// The exit code for a bad configuration, `EX_CONFIG` of sysexits.h: a service manager can be told
/// not to restart on it.
const BAD_CONFIGURATION: u8 = 78;

/// Why a command failed, and its exit code.
#[derive(Debug)]
pub struct CommandError {
    message: String,
    code: u8,
}

impl CommandError {
    /// The command failed at its work.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: FAILED,
        }
    }

    /// The command line asks for what there is not.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: WRONG_USAGE,
        }
    }

    /// The command could not begin.
    pub fn configuration(error: &config::Error) -> Self {
        Self::bad_configuration(error.to_string())
    }

    /// The same, of another file.
    pub fn bad_configuration(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: BAD_CONFIGURATION,
        }
    }

    /// What the process ends with.
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
        f.write_str(&self.message)
    }
}
