//! The kinds of changes.

use enum_map::Enum;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// What happened to a track between two listings.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Enum,
    VariantArray,
    IntoStaticStr,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Its id was not in the previous listing.
    Created,
    /// Its id is not in the listing any more.
    Vanished,
    /// It is enabled, and was not.
    Enabled,
    /// It was enabled, and is not.
    Disabled,
    /// Name, scope or storage differ.
    Modified,
}

impl ChangeKind {
    /// Every change.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the value of the label `change`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
