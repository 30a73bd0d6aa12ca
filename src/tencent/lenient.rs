//! Fields of a response that accept more than their documented type and never fail the response
//! around them.
//!
//! The API documents one type for each field. Gateways, proxies and other versions write numbers as
//! text, text as numbers, one text for a list. The meaning of such a value is clear, so it is
//! accepted. Any other value becomes [`Field::Unreadable`], and the code that reads the response
//! decides: it fails for a required field, and reports any other one and treats it as absent.

use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::bounded::{List, Object, bounded};

/// The number from which on a float no longer represents every whole number.
const FLOAT_IS_EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

/// The most unreadable fields that are reported of one response.
const MAX_NOTES: usize = 8;

/// A field of a JSON object.
#[derive(Default)]
pub(super) enum Field<T> {
    /// Missing or null.
    #[default]
    Absent,
    Given(T),
    /// Present, but of another type; holds the name of that type.
    Unreadable(&'static str),
}

/// A number of JSON.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Natural(u64),
    Negative(i64),
    Float(f64),
}

/// A type that a field can be read as. By default it accepts no JSON value.
pub(super) trait Readable: Sized {
    /// The name of the type, for messages.
    const EXPECTED: &'static str;

    fn from_text(_text: &str) -> Option<Self> {
        None
    }

    fn from_bool(_truth: bool) -> Option<Self> {
        None
    }

    /// Fails if the type needs the digits as written.
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

/// A text of bounded length. A longer text is cut and gets a hash of the whole, so that different
/// texts stay different.
#[derive(Default)]
pub(super) struct Text(pub(super) String);

impl<T> Field<T> {
    /// Returns the value, or `None` if it is absent or unreadable.
    pub(super) fn ok(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }
}

impl<T: Readable> Field<T> {
    /// Returns the value of a field that the response must have.
    pub(super) fn required(self, path: impl Display) -> Result<T, String> {
        match self {
            Self::Given(value) => Ok(value),
            Self::Absent => Err(missing(path)),
            Self::Unreadable(found) => Err(unexpected_format(&mismatch(path, T::EXPECTED, found))),
        }
    }

    /// Returns the value of an optional field, and adds a note if it is unreadable.
    pub(super) fn noted(self, path: impl Display, notes: &mut Notes) -> Option<T> {
        if let Self::Unreadable(found) = self {
            notes.add(|| mismatch(path, T::EXPECTED, found));
        }
        self.ok()
    }
}

/// The unreadable fields of one response, each with its path. Bounded.
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

/// Returns the message about a response without a required field.
pub(super) fn missing(path: impl Display) -> String {
    format!("the response has no {path}")
}

/// Returns the message about a response that cannot be parsed.
pub(super) fn unexpected_format(where_and_what: &str) -> String {
    format!("unexpected response format: {where_and_what}")
}

/// Describes a field of another type. The value is not shown, because it may be a secret.
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

/// Text of any length, for values that are not kept.
impl Readable for String {
    const EXPECTED: &'static str = "text";

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn from_number<E: Error>(number: Number) -> Result<Option<Self>, E> {
        match number {
            Number::Natural(number) => Ok(Some(number.to_string())),
            Number::Negative(number) => Ok(Some(number.to_string())),
            // `1.10` is not `1.1`. The repaired response has the digits in quotes.
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

/// Whole numbers, also as text and with a fraction of zero: `1`, `"1"`, `1.0`, `"1e0"`.
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

/// 0 and 1, as numbers or text, and JSON booleans.
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
