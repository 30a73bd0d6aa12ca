//! The path from the root of the configuration to a key: `accounts.prod.regions[0]`.

use std::fmt;

use super::redaction::may_show;
use crate::escape::visible;

/// A path of keys and list indices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyPath(Vec<Step>);

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl KeyPath {
    pub(super) fn key(&self, key: impl Into<String>) -> Self {
        let mut path = self.clone();
        path.push(Step::Key(key.into()));
        path
    }

    pub(super) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    pub(super) fn parent(&self) -> Option<Self> {
        let (_, before) = self.0.split_last()?;
        Some(Self(before.to_vec()))
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Returns the first key, `None` at the root.
    pub(super) fn first_key(&self) -> Option<&str> {
        self.0.first().and_then(Step::as_key)
    }

    /// Returns the last key, `None` if the path ends at a list item.
    pub(super) fn last_key(&self) -> Option<&str> {
        self.0.last().and_then(Step::as_key)
    }
}

impl Step {
    fn as_key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Index(_) => None,
        }
    }
}

impl<const N: usize> From<[&str; N]> for KeyPath {
    fn from(keys: [&str; N]) -> Self {
        keys.into_iter().map(str::to_owned).collect()
    }
}

impl FromIterator<String> for KeyPath {
    fn from_iter<I: IntoIterator<Item = String>>(keys: I) -> Self {
        Self(keys.into_iter().map(Step::Key).collect())
    }
}

/// Prints `***` for a key that may be a secret in the wrong place.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = Vec::new();
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    if n > 0 {
                        f.write_str(".")?;
                    }
                    if may_show(&before, key) {
                        f.write_str(&visible(key))?;
                    } else {
                        f.write_str("***")?;
                    }
                    before.push(key);
                }
            }
        }
        Ok(())
    }
}
