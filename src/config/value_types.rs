//! What a value can be: a single value, a list, a mapping of names, a name or a mapping.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use serde_json::{Value as Json, json};

use super::definitions::{Definitions, LIMITS};
use super::document::{Node, Value};
use super::reader::Reader;
use super::text::quoted;
use super::variables::{REMEDY, has_variable};

/// The type of a setting: how to read it, and its JSON schema.
pub(super) trait Setting {
    /// What the setting reads as.
    type Value;

    /// Reads a value. Reports every fault, and returns `None` if there is one.
    fn read(node: &Node, reader: &mut Reader) -> Option<Self::Value>;

    fn schema(definitions: &mut Definitions) -> Json;
}

/// A setting of a single value.
pub(super) trait Leaf {
    type Value;

    /// Whether an error may show the value. `false` for everything that may hold a secret.
    const PUBLIC: bool;

    /// Parses the text, which is not empty. The error says what is allowed; it quotes the text only
    /// if the value is public.
    fn parse(text: &str) -> Result<Self::Value, String>;

    fn schema() -> Json;
}

impl<L: Leaf> Setting for L {
    type Value = L::Value;

    fn read(node: &Node, reader: &mut Reader) -> Option<L::Value> {
        let text = reader.text(node)?;
        let parsed = L::parse(text);
        let refuse = |mut message: String| {
            if has_variable(text) {
                message = format!("{message}; {REMEDY}");
            }
            if L::PUBLIC {
                reader.refuse_public_value(node, message);
            } else {
                reader.refuse_value(node, message);
            }
        };
        parsed.map_err(refuse).ok()
    }

    fn schema(_: &mut Definitions) -> Json {
        L::schema()
    }
}

/// A setting that can be in a [`List`].
pub(super) trait Item: Setting<Value: Identity> {
    /// The noun of an item, singular and plural.
    const NOUN: [&str; 2];
}

/// What must differ between the items of a list.
pub(super) trait Identity {
    fn identity(&self) -> &str;
}

impl Identity for String {
    fn identity(&self) -> &str {
        self
    }
}

/// A list of up to `MOST` different items, and of at least one.
pub(super) struct List<T, const MOST: usize>(PhantomData<T>);

impl<T: Item, const MOST: usize> Setting for List<T, MOST> {
    type Value = Vec<T::Value>;

    fn read(node: &Node, reader: &mut Reader) -> Option<Vec<T::Value>> {
        let [one, many] = T::NOUN;
        let items = reader.list(node)?;
        if items.len() > MOST {
            reader.refuse(format!("{} {many}; up to {MOST} are allowed", items.len()));
            return None;
        }
        let mut known = BTreeSet::new();
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let value = reader.at_item(index, item, |item, reader| {
                let value = T::read(item, reader)?;
                if known.insert(value.identity().to_owned()) {
                    return Some(value);
                }
                let name = quoted(value.identity());
                let again = format!("{name} a second time; list each {one} once");
                match item.entries().iter().find(|entry| entry.key == "name") {
                    Some(name) => reader.at_key(name, |node, it| it.refuse_value(node, again)),
                    None => reader.refuse(again),
                }
                None
            });
            values.extend(value);
        }
        (values.len() == items.len()).then_some(values)
    }

    fn schema(definitions: &mut Definitions) -> Json {
        json!({
            "type": "array",
            "items": T::schema(definitions),
            "minItems": 1,
            "maxItems": MOST,
            "uniqueItems": true,
            LIMITS: format!("Up to {MOST}, each once.")
        })
    }
}

/// What the keys of a [`Names`] mapping are.
pub(super) trait NameKind {
    /// The noun of a key, singular and plural.
    const NOUN: [&str; 2];

    /// Checks a name.
    fn check(name: &str) -> Result<(), String>;

    /// Returns what must differ between two names, and why, if that is not the name itself.
    fn clash(_: &str) -> Option<(String, &'static str)> {
        None
    }

    /// Returns the schema of the names, and the sentence that describes them.
    fn schema() -> (Json, String);
}

/// A mapping of up to `MOST` names to values.
pub(super) struct Names<K, T, const MOST: usize>(PhantomData<(K, T)>);

impl<K: NameKind, T: Setting, const MOST: usize> Setting for Names<K, T, MOST> {
    type Value = BTreeMap<String, T::Value>;

    /// Returns the values without a fault, even if there are others.
    fn read(node: &Node, reader: &mut Reader) -> Option<Self::Value> {
        let [_, many] = K::NOUN;
        let entries = reader.mapping(node)?;
        if entries.len() > MOST {
            reader.refuse(format!(
                "{} {many}; up to {MOST} are allowed",
                entries.len()
            ));
            return None;
        }
        let mut known = BTreeMap::new();
        let mut values = BTreeMap::new();
        for entry in entries {
            let name = &entry.key;
            let value = reader.at_key(entry, |node, reader| {
                if let Err(why) = K::check(name) {
                    reader.refuse(why);
                }
                if let Some((same, place)) = K::clash(name)
                    && let Some(other) = known.insert(same.clone(), name)
                {
                    let why = format!("{other} and {name} are both {same} {place}; rename one");
                    reader.refuse(why);
                }
                T::read(node, reader)
            });
            values.extend(value.map(|value| (name.clone(), value)));
        }
        Some(values)
    }

    fn schema(definitions: &mut Definitions) -> Json {
        let (names, limits) = K::schema();
        json!({
            "type": "object",
            "maxProperties": MOST,
            "propertyNames": names,
            "additionalProperties": T::schema(definitions),
            LIMITS: limits
        })
    }
}

/// A name alone, or a mapping `M` with more about it.
pub(super) struct NameOr<N, M>(PhantomData<(N, M)>);

impl<N: Leaf, M: Setting<Value: From<N::Value>>> Setting for NameOr<N, M> {
    type Value = M::Value;

    fn read(node: &Node, reader: &mut Reader) -> Option<M::Value> {
        match &node.value {
            Value::Scalar(text) if text.is_empty() => {
                reader.refuse("empty; a name is allowed here, or a mapping with a name");
                None
            }
            Value::Scalar(_) => <N as Setting>::read(node, reader).map(M::Value::from),
            Value::List(_) => {
                reader.refuse("a list; a name is allowed here, or a mapping with a name");
                None
            }
            Value::Map(_) => M::read(node, reader),
        }
    }

    fn schema(definitions: &mut Definitions) -> Json {
        json!({"anyOf": [N::schema(), M::schema(definitions)]})
    }
}
