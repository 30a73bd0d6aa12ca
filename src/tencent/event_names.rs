//! `EventNames` of a track or a filter, kept small.

use std::collections::BTreeSet;

use serde::de::{Error, SeqAccess};

use super::bounded::List;
use super::lenient::{Field, Number, Readable, Text};
use super::sign::sha256_hex;

/// No track is read that holds more event names: ten times as many as are documented.
pub const MAX_EVENT_NAMES: usize = 100;

/// The most event names that are kept of one track: twice as many as are documented.
pub const MAX_KEPT_EVENT_NAMES: usize = 20;

/// The most text of them, in bytes.
const MAX_KEPT_BYTES: usize = 1_024;

/// How much of a hash stands for the names that are not kept.
const HASH_CHARS: usize = 16;

/// What the API writes for every event.
const ALL: &str = "*";

/// Event names. Empty if it is not known which.
#[derive(Default)]
pub(super) struct EventNames {
    pub(super) names: Vec<String>,
    /// How many there were.
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
        // A list with a gap may mean everything, so it says nothing, unless it names everything.
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

/// The names as they are, if they are few. Otherwise the first ones in order, each once, `*` before
/// all, and in place of the others their number and a hash of the whole set: two sets that differ
/// still differ.
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
    let hash = &sha256_hex(names.join("\0").as_bytes())[..HASH_CHARS];
    let rest = format!("…and {} more ({hash})", names.len() - kept);
    let mut names = names;
    names.truncate(kept);
    names.push(rest);
    names
}
