//! Facts about the past, which no age makes untrue.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use enum_map::{Enum, EnumMap};
use strum::{IntoStaticStr, VariantArray};
use tokio::time::Instant;

/// What happened to a track between two listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Enum, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Change {
    /// Its id was not in the listing before.
    Created,
    /// Its id is not in the listing any more.
    Vanished,
    /// It was not enabled and is.
    Enabled,
    /// It was enabled and is not.
    Disabled,
    /// Name, scope or storage differ.
    Modified,
}

impl Change {
    /// Every change.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the value of the label `change`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What is remembered of a target's tracks besides how they are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Tracks that were listed and no longer are, by id.
    pub tombstones: BTreeMap<u64, Tombstone>,
    /// When tracks changed, by id; only tracks that ever did.
    pub changes: BTreeMap<u64, ChangeTimes>,
}

/// A track that was listed and no longer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Its last name.
    pub name: String,
    /// The poll that no longer found it.
    pub at: SystemTime,
    /// From here on it is forgotten.
    pub show_until: Instant,
}

impl ChangeTimes {
    /// Moves times after `now` to `latest` and right before it: the clock was set back since. Their
    /// order stays, because the latest one says how the track is.
    pub fn not_after(&mut self, now: SystemTime, latest: SystemTime) {
        let times = self.at.values_mut().flatten();
        let mut ahead: Vec<&mut SystemTime> = times.filter(|at| **at > now).collect();
        ahead.sort_unstable();
        let mut moved = latest;
        for at in ahead.into_iter().rev() {
            *at = moved;
            moved -= LEAST_APART;
        }
    }
}

/// The distance between two times of which only the order is known.
pub const LEAST_APART: Duration = Duration::from_millis(1);

/// When a track changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeTimes {
    /// Its latest name.
    pub name: String,
    /// The poll that last saw each change.
    pub at: EnumMap<Change, Option<SystemTime>>,
}
