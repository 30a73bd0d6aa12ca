//! Fields of an answer that are read if they can be, and never fail the answer around them.
//!
//! The API documents one type for each field. Gateways, proxies and other versions write numbers as
//! text, text as numbers, one text for a list. What such a value means is plain, so it is read. What
//! cannot be read is kept as [`Field::Unreadable`], and the reader of the answer decides: a field
//! that must be there fails the answer, any other one is absent and noted.

use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::bounded::{List, Object, bounded};

/// The first number above which a float no longer holds every whole number.
const FLOAT_IS_EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

/// The most unreadable fields that are noted of one answer.
const MAX_NOTES: usize = 8;

/// A field of a JSON object.
#[derive(Default)]
pub(super) enum Field<T> {
    /// Not there, or null.
    #[default]
    Absent,
    Given(T),
    /// Present, but of another type, which it names.
    Unreadable(&'static str),
}

/// A number of JSON.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Natural(u64),
    Negative(i64),
    Float(f64),
}

/// What a field can be read as. By default no value of JSON fits.
pub(super) trait Readable: Sized {
    /// The type, for messages.
    const EXPECTED: &'static str;

    fn from_text(_text: &str) -> Option<Self> {
        None
    }

    fn from_bool(_truth: bool) -> Option<Self> {
        None
    }

    /// Fails if only the digits as they are written would do.
    fn from_number<E: Error>(_number: Number) -> Result<Option<Self>, E> {
        Ok(None)
    }

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// A text of bounded length. A longer text is kept as its beginning and a hash of the whole, so
/// that different texts stay different.
pub(super) struct Text(pub(super) String);

impl<T: Readable> Field<T> {
    /// The value of a field that the answer makes no sense without.
    pub(super) fn required(self, path: impl Display) -> Result<T, String> {
        match self {
            Self::Given(value) => Ok(value),
            Self::Absent => Err(format!("the answer has no {path}")),
            Self::Unreadable(found) => Err(another_shape(&mismatch(path, T::EXPECTED, found))),
        }
    }

    /// The value of a field that may be absent, with a note if it cannot be read.
    pub(super) fn noted(self, path: impl Display, notes: &mut Notes) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent => None,
            Self::Unreadable(found) => {
                notes.add(|| mismatch(path, T::EXPECTED, found));
                None
            }
        }
    }
}

/// The unreadable fields of one answer, each with its path. Bounded.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    pub(super) fn add(&mut self, note: impl FnOnce() -> String) {
        if self.0.len() < MAX_NOTES {
            self.0.push(note());
        }
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.0
    }
}

/// The message about an answer that cannot be read.
pub(super) fn another_shape(where_and_what: &str) -> String {
    format!("the answer has another shape than documented: {where_and_what}")
}

/// One field that is of another type. No value is shown: it may hold anything.
pub(super) fn mismatch(path: impl Display, expected: &str, found: &str) -> String {
    format!("{path}: expected {expected}, found {found}")
}

impl<'de, T: Readable> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<T: Readable> FieldVisitor<T> {
    fn number<E: Error>(number: Number) -> Result<Field<T>, E> {
        let found = match number {
            Number::Natural(_) => "a number",
            Number::Negative(_) => "a negative number",
            Number::Float(_) => "a number that is not whole or too large",
        };
        Ok(read(T::from_number(number)?, found))
    }
}

fn read<T>(value: Option<T>, found: &'static str) -> Field<T> {
    value.map_or(Field::Unreadable(found), Field::Given)
}

impl<'de, T: Readable> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Field::Absent)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(read(T::from_bool(truth), "true or false"))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Self::number(Number::Natural(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Self::number(match u64::try_from(number) {
            Ok(number) => Number::Natural(number),
            Err(_) => Number::Negative(number),
        })
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Self::number(Number::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(read(T::from_text(text), "text"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Ok(read(T::from_list(list)?, "a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        Ok(read(T::from_object(object)?, "an object"))
    }
}

/// Whole text, for what is kept only for a moment.
impl Readable for String {
    const EXPECTED: &'static str = "text";

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn from_number<E: Error>(number: Number) -> Result<Option<Self>, E> {
        match number {
            Number::Natural(number) => Ok(Some(number.to_string())),
            Number::Negative(number) => Ok(Some(number.to_string())),
            // `1.10` is not `1.1`. The repaired answer has its digits in quotes.
            Number::Float(_) => Err(E::custom("a float in place of text")),
        }
    }
}

impl Readable for Text {
    const EXPECTED: &'static str = "text";

    fn from_text(text: &str) -> Option<Self> {
        Some(Self(bounded(text)))
    }

    fn from_number<E: Error>(number: Number) -> Result<Option<Self>, E> {
        Ok(String::from_number(number)?.map(Self))
    }
}

/// Whole numbers, also as text and with an empty fraction: `1`, `"1"`, `1.0`, `"1e0"`.
impl Readable for u64 {
    const EXPECTED: &'static str = "a whole number";

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_number = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        if !is_number {
            return None;
        }
        text.parse()
            .ok()
            .or_else(|| text.parse().ok().and_then(whole))
    }

    fn from_number<E: Error>(number: Number) -> Result<Option<Self>, E> {
        Ok(match number {
            Number::Natural(number) => Some(number),
            Number::Negative(_) => None,
            Number::Float(number) => whole(number),
        })
    }
}

fn whole(number: f64) -> Option<u64> {
    let is_exact = number.fract() == 0.0 && (0.0..FLOAT_IS_EXACT_BELOW).contains(&number);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 0 to 2^53"
    )]
    is_exact.then_some(number as u64)
}

/// 0 and 1, as numbers or text, and what JSON has for it.
impl Readable for bool {
    const EXPECTED: &'static str = "0 or 1";

    fn from_text(text: &str) -> Option<Self> {
        match text.trim() {
            "true" => Some(true),
            "false" => Some(false),
            text => u64::from_text(text).and_then(truth),
        }
    }

    fn from_bool(truth: bool) -> Option<Self> {
        Some(truth)
    }

    fn from_number<E: Error>(number: Number) -> Result<Option<Self>, E> {
        Ok(u64::from_number(number)?.and_then(truth))
    }
}

fn truth(number: u64) -> Option<bool> {
    match number {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

impl<T: DeserializeOwned> Readable for Object<T> {
    const EXPECTED: &'static str = "an object";

    fn from_object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(|object| Some(Self(object)))
    }
}

impl<T: DeserializeOwned, const MAX: usize> Readable for List<T, MAX> {
    const EXPECTED: &'static str = "a list";

    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Option<Self>, A::Error> {
        Self::read(list).map(Some)
    }
}
