//! Values of operation records whose type varies: JSON in a text or in its place, and values that are
//! only there or not.

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess};

use super::bounded::Object;
use super::envelope::read_json;
use super::lenient::{Field, Number, Readable};

/// An object, or a text that holds one as JSON.
#[derive(Default)]
pub(super) struct Nested<T>(pub(super) T);

impl<T: DeserializeOwned> Readable for Nested<T> {
    const EXPECTED: &'static str = "an object";

    fn from_text(text: &str) -> Option<Self> {
        let read = read_json::<Object<T>>(text.as_bytes()).ok();
        read.map(|Object(value)| Self(value))
    }

    fn from_object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(|value| Some(Self(value)))
    }
}

/// Any value but null. Only its presence counts.
pub(super) struct Present;

impl Readable for Present {
    const EXPECTED: &'static str = "a value";

    fn from_text(_: &str) -> Option<Self> {
        Some(Self)
    }

    fn from_bool(_: bool) -> Option<Self> {
        Some(Self)
    }

    fn from_number<E: serde::de::Error>(_: Number) -> Result<Option<Self>, E> {
        Ok(Some(Self))
    }

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Some(Self))
    }

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Some(Self))
    }
}

impl<T> Field<Nested<T>> {
    pub(super) fn nested(self) -> Option<T> {
        self.ok().map(|Nested(value)| value)
    }
}
