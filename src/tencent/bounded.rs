//! Reads JSON within limits: the parsed values are bounded, whatever the response contains.
//!
//! Depth needs no limit of its own. Parsed values have the depth of their types, and a skipped level
//! costs one bit.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::sign::sha256_hex;

/// The longest text that is kept whole, in bytes: ten times the longest documented one.
pub const MAX_TEXT_BYTES: usize = 1024;

/// How many characters of a hash replace what is not kept.
const HASH_CHARS: usize = 16;

/// A JSON object. Derived code accepts an array too, field by field, and `[null,0,null,null]` would
/// be an empty listing.
pub(super) struct Object<T>(pub(super) T);

/// A list of which at most `MAX` elements are kept.
pub(super) struct List<T, const MAX: usize> {
    pub(super) kept: Vec<T>,
    /// The number of elements in the response.
    pub(super) length: usize,
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            length: 0,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

impl<T, const MAX: usize> List<T, MAX> {
    /// Reads a list to its end.
    pub(super) fn read<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error>
    where
        T: Deserialize<'de>,
    {
        let mut kept = Vec::new();
        while kept.len() < MAX {
            let Some(element) = list.next_element()? else {
                let length = kept.len();
                return Ok(Self { kept, length });
            };
            kept.push(element);
        }
        let mut length = kept.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            length += 1;
        }
        Ok(Self { kept, length })
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
            type Value = List<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                List::read(seq)
            }
        }

        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

/// Returns the text, or its beginning and a hash of the whole if it is too long.
pub(super) fn bounded(text: &str) -> String {
    bounded_to(text, MAX_TEXT_BYTES)
}

/// Returns the text, or its beginning and a hash of the whole if it has more than `max` bytes.
pub(super) fn bounded_to(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let hash = short_hash(text);
    let room = max - HASH_CHARS - '…'.len_utf8();
    let beginning = &text[..text.floor_char_boundary(room)];
    format!("{beginning}…{hash}")
}

/// Returns the beginning of the hash of a text.
pub(super) fn short_hash(text: &str) -> String {
    let mut hash = sha256_hex(text.as_bytes());
    hash.truncate(HASH_CHARS);
    hash
}
