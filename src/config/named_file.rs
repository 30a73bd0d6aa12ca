//! Files that the configuration names.

use std::fmt;
use std::path::PathBuf;

/// A file that the configuration names.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NamedFile {
    /// Where it is on this machine.
    pub path: PathBuf,
    /// What the configuration calls it, from its own folder: the same on every machine, wherever
    /// the configuration lies there, and however its path was given.
    pub name: String,
}

/// What is the same on every machine, for it goes into [`Config::hash`](super::Config::hash).
impl fmt::Debug for NamedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)
    }
}
