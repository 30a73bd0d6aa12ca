//! What a value may look like: one value, a list, a mapping, a name or a mapping.
//!
//! serde's own types are too kind here: a struct also takes a list, by position, and the messages
//! quote the text that they refuse, which may be a secret.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// One value, as it is written.
#[derive(Default)]
pub(super) struct Text(pub(super) String);

/// A list with something in it.
pub(super) struct List<T>(pub(super) Vec<T>);

/// A mapping whose keys `T` knows.
#[derive(Default)]
pub(super) struct Mapping<T>(pub(super) T);

/// A name alone, or a mapping whose keys `T` knows.
pub(super) enum NameOr<T> {
    Name(Text),
    Mapping(T),
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneValue;
        impl<'de> Visitor<'de> for OneValue {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a single value")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                self.visit_string(text.to_owned())
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Text, E> {
                if text.is_empty() {
                    return Err(E::custom("empty; leave it out, or give it a value"));
                }
                Ok(Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Text, A::Error> {
                Err(de::Error::custom("a list; a single value is allowed here"))
            }

            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Text, A::Error> {
                Err(de::Error::custom(
                    "a mapping; a single value is allowed here",
                ))
            }
        }
        from.deserialize_any(OneValue)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Values<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Values<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                if values.is_empty() {
                    return Err(de::Error::custom(
                        "an empty list; leave it out, or list at least one value",
                    ));
                }
                Ok(List(values))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<List<T>, E> {
                Err(E::custom(format!(
                    "{}; a list is allowed here: [a, b]",
                    found(text)
                )))
            }

            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<List<T>, A::Error> {
                Err(de::Error::custom(
                    "a mapping; a list is allowed here: [a, b]",
                ))
            }
        }
        from.deserialize_any(Values(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Mapping<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Keys<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Keys<T> {
            type Value = Mapping<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Mapping<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Mapping)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Mapping<T>, E> {
                let found = found(text);
                Err(E::custom(format!(
                    "{found}; a mapping is allowed here, or {{}}"
                )))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Mapping<T>, A::Error> {
                Err(de::Error::custom("a list; a mapping is allowed here"))
            }
        }
        from.deserialize_any(Keys(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for NameOr<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct NameOrKeys<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for NameOrKeys<T> {
            type Value = NameOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a mapping")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<NameOr<T>, E> {
                if text.is_empty() {
                    return Err(E::custom(
                        "empty; a name is allowed here, or a mapping with one",
                    ));
                }
                Ok(NameOr::Name(Text(text.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NameOr<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(NameOr::Mapping)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<NameOr<T>, A::Error> {
                Err(de::Error::custom(
                    "a list; a name is allowed here, or a mapping with one",
                ))
            }
        }
        from.deserialize_any(NameOrKeys(PhantomData))
    }
}

fn found(text: &str) -> &'static str {
    if text.is_empty() {
        "empty"
    } else {
        "a single value"
    }
}
