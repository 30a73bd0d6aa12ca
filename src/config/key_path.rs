//! The way from the root of the configuration to a key: `accounts.prod.regions[0]`.

use std::fmt;

use super::error::one_line;

/// A path of keys and list indices.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyPath(Vec<Step>);

/// One step of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl KeyPath {
    pub(super) fn key(&self, key: impl Into<String>) -> Self {
        self.step(Step::Key(key.into()))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
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

    pub(super) fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Whether a key below this path may be shown, or may be a secret typed in the wrong place.
    pub(super) fn may_show(&self, key: &str) -> bool {
        may_show(&self.0, key)
    }

    /// The keys alone, for matching against what the keys of this program are.
    pub(super) fn keys(&self) -> Vec<&str> {
        fn key(step: &Step) -> Option<&str> {
            match step {
                Step::Key(key) => Some(key),
                Step::Index(_) => None,
            }
        }
        self.0.iter().filter_map(key).collect()
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

impl From<&serde_path_to_error::Path> for KeyPath {
    fn from(path: &serde_path_to_error::Path) -> Self {
        use serde_path_to_error::Segment;
        let step = |segment: &Segment| match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        Self(path.iter().filter_map(step).collect())
    }
}

/// A key that may be a secret typed in the wrong place is not shown.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    let dot = if n == 0 { "" } else { "." };
                    let key = if may_show(&self.0[..n], key) {
                        one_line(key)
                    } else {
                        "***".into()
                    };
                    write!(f, "{dot}{key}")?;
                }
            }
        }
        Ok(())
    }
}

/// Under `credentials` and `assume_role` only what could be one of their keys may be shown, and
/// nowhere what looks like a secret: `secret_id:AKID…`, written without the space, is a key to
/// YAML, and so may be the second line of a secret.
fn may_show(before: &[Step], key: &str) -> bool {
    const LONGEST: usize = 64;
    /// No key under `credentials` is longer, and every secret is.
    const LONGEST_IN_CREDENTIALS: usize = 20;
    let holds_secrets = |step: &Step| matches!(step, Step::Key(key) if key == "credentials" || key == "assume_role");
    let in_credentials = before.iter().any(holds_secrets);
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    let has = |kind: fn(&char) -> bool| key.chars().any(|c| kind(&c));
    let like_a_secret = has(char::is_ascii_uppercase) && has(char::is_ascii_digit);
    key.len() <= LONGEST
        && !key.contains(':')
        && !like_a_secret
        && (!in_credentials || (key.len() <= LONGEST_IN_CREDENTIALS && key.chars().all(plain)))
}
