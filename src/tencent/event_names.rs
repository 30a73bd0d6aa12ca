//! Parses `EventNames` of a track or a filter and bounds what is kept.

use std::collections::BTreeSet;

use serde::de::{Error, SeqAccess};

use super::bounded::{List, short_hash};
use super::lenient::{Field, Number, Readable, Text};

/// The most event names of a track: ten times the documented maximum. A track with more fails the
/// page.
pub const MAX_EVENT_NAMES: usize = 100;

/// The most event names that are kept of one track: twice the documented maximum.
pub const MAX_KEPT_EVENT_NAMES: usize = 20;

/// The most bytes of event names that are kept of one track.
const MAX_KEPT_BYTES: usize = 1_024;

/// Means every event.
const ALL: &str = "*";

/// Event names. Empty if they are unknown.
#[derive(Default)]
pub(super) struct EventNames {
    pub(super) names: Vec<String>,
    /// The number of names in the response.
    pub(super) length: usize,
}

impl Readable for EventNames {
    const EXPECTED: &'static str = "a list of texts";

    fn from_text(text: &str) -> Option<Self> {
        Text::from_text(text).map(Self::one)
    }

    fn from_number<E: Error>(number: Number) -> Result<Option<Self>, E> {
        Ok(Text::from_number(number)?.map(Self::one))
    }

    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Option<Self>, A::Error> {
        let list: List<Field<Text>, MAX_EVENT_NAMES> = List::read(list)?;
        let length = list.length;
        let mut names = Vec::with_capacity(list.kept.len());
        let mut is_whole = length == list.kept.len();
        for name in list.kept {
            match name {
                Field::Given(Text(name)) => names.push(name),
                Field::Absent | Field::Unreadable(_) => is_whole = false,
            }
        }
        // An unreadable name may be `*`, so the names are unknown, unless `*` is among the others.
        if !is_whole && !names.iter().any(|name| name == ALL) {
            names.clear();
        }
        let names = compact(names);
        Ok(Some(Self { names, length }))
    }
}

impl EventNames {
    fn one(Text(name): Text) -> Self {
        Self {
            names: vec![name],
            length: 1,
        }
    }
}

/// Returns the names unchanged if they are few. Otherwise returns the first ones in order, each once
/// and `*` before all, and then the number of the others with a hash of the whole set, so that
/// different sets stay different.
fn compact(names: Vec<String>) -> Vec<String> {
    let bytes: usize = names.iter().map(String::len).sum();
    if names.len() <= MAX_KEPT_EVENT_NAMES && bytes <= MAX_KEPT_BYTES {
        return names;
    }
    let set: BTreeSet<(bool, String)> = names.into_iter().map(|name| (name != ALL, name)).collect();
    let names: Vec<String> = set.into_iter().map(|(_, name)| name).collect();
    let mut bytes = 0;
    let fits = |name: &&String| {
        bytes += name.len();
        bytes <= MAX_KEPT_BYTES
    };
    let kept = names
        .iter()
        .take(MAX_KEPT_EVENT_NAMES)
        .take_while(fits)
        .count();
    if kept == names.len() {
        return names;
    }
    let hash = short_hash(&names.join("\0"));
    let rest = format!("…and {} more ({hash})", names.len() - kept);
    let mut names = names;
    names.truncate(kept);
    names.push(rest);
    names
}
