//! Why a configuration is refused: every fault, its place, and what is allowed instead.

use std::fmt;
use std::path::Path;

use super::key_path::KeyPath;
use crate::escape::visible;

/// A configuration that is refused. It prints one message for each fault, with its place and key. A
/// secret is never part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Vec<Fault>);

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// `FILE:LINE:COLUMN`, a file, or an environment variable.
    pub(super) place: String,
    pub(super) path: KeyPath,
    pub(super) message: String,
    /// The line of the file with carets below the value, if the whole line is public.
    pub(super) excerpt: Option<String>,
}

/// The most faults that an error prints. It counts the remaining ones.
const MAX_PRINTED: usize = 20;

impl Error {
    /// The configuration came from a pipe, so it cannot be loaded again.
    pub fn cannot_read_again(file: &Path) -> Self {
        let why = "it was read when the exporter started and can be read only once; restart the exporter, or give \
                   --config.file a regular file";
        Fault::of_file(&file.display().to_string(), why).into()
    }
}

impl Fault {
    /// Creates a fault of a file as a whole.
    pub(super) fn of_file(name: &str, message: impl Into<String>) -> Self {
        Self::at(name.to_owned(), &KeyPath::default(), message)
    }

    /// Creates a fault of an environment variable that sets `path`.
    pub(super) fn of_variable(name: &str, path: &KeyPath, message: impl Into<String>) -> Self {
        Self::at(visible(name).into_owned(), path, message)
    }

    pub(super) fn at(place: String, path: &KeyPath, message: impl Into<String>) -> Self {
        Self {
            place,
            path: path.clone(),
            message: message.into(),
            excerpt: None,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

/// An error of at least one fault.
impl From<Vec<Fault>> for Error {
    fn from(faults: Vec<Fault>) -> Self {
        Self(faults)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().take(MAX_PRINTED).enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        match self.0.len().saturating_sub(MAX_PRINTED) {
            0 => Ok(()),
            1 => f.write_str("\nand 1 more error"),
            more => write!(f, "\nand {more} more errors"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A place begins with the name of a file.
        write!(f, "{}: ", visible(&self.place))?;
        if !self.path.is_root() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.excerpt {
            Some(excerpt) => write!(f, "\n{excerpt}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
