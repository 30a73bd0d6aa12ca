//! The macro that states each key of a mapping once.

/// Defines a mapping by its keys: the struct that holds their values, how to read it, and its
/// schema. The doc comment of a key is its description in the schema; `= …` is its default there.
/// `with` adds the keys of another mapping, and `extra` adds to the schema of the mapping.
macro_rules! mapping {
    (
        $(#[doc = $about:literal])*
        struct $name:ident as $title:literal $(with $common:ident: $shared:ident)? {
            $(
                $(#[doc = $meaning:literal])*
                $key:ident: $kind:ty $(= $default:expr)?,
            )*
        }
        $(extra $extra:tt)?
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Default)]
        pub(in crate::config) struct $name {
            $(pub(in crate::config) $common: $shared,)?
            $(
                $(#[doc = $meaning])*
                pub(in crate::config) $key: Option<
                    <$kind as crate::config::value_types::Setting>::Value
                >,
            )*
        }

        impl $name {
            /// Reads these entries. A key with a fault stays `None`.
            pub(in crate::config) fn of_entries<'n>(
                entries: impl IntoIterator<Item = &'n crate::config::document::Entry>,
                reader: &mut crate::config::reader::Reader,
            ) -> Self {
                let mut keys = Self::default();
                for entry in entries {
                    reader.at_key(entry, |node, reader| {
                        if !keys.read_key(&entry.key, node, reader) {
                            let allowed = Self::names().join(", ");
                            reader.refuse(format!("unknown key; allowed here: {allowed}"));
                        }
                    });
                }
                keys
            }

            /// Reads the value of a key. Returns whether the mapping has the key.
            pub(in crate::config) fn read_key(
                &mut self,
                key: &str,
                node: &crate::config::document::Node,
                reader: &mut crate::config::reader::Reader,
            ) -> bool {
                $(if self.$common.read_key(key, node, reader) {
                    return true;
                })?
                match key {
                    $(
                        stringify!($key) => {
                            self.$key =
                                <$kind as crate::config::value_types::Setting>::read(node, reader);
                        }
                    )*
                    _ => return false,
                }
                true
            }

            /// Returns the names of the keys.
            pub(in crate::config) fn names() -> Vec<&'static str> {
                let mut names = Vec::new();
                $(names.extend($shared::names());)?
                names.extend([$(stringify!($key)),*]);
                names
            }

            /// Returns the schemas of the keys.
            pub(in crate::config) fn properties(
                definitions: &mut crate::config::definitions::Definitions,
            ) -> serde_json::Map<String, serde_json::Value> {
                let mut properties = serde_json::Map::new();
                $(properties.extend($shared::properties(definitions));)?
                $(
                    let default: Option<serde_json::Value> = None;
                    $(let default = default.or_else(|| Some(serde_json::json!($default)));)?
                    let schema =
                        <$kind as crate::config::value_types::Setting>::schema(definitions);
                    let meaning = [$($meaning),*];
                    let schema =
                        crate::config::definitions::described(schema, &meaning, default);
                    properties.insert(stringify!($key).to_owned(), schema);
                )*
                properties
            }
        }

        impl crate::config::value_types::Setting for $name {
            type Value = Self;

            fn read(
                node: &crate::config::document::Node,
                reader: &mut crate::config::reader::Reader,
            ) -> Option<Self> {
                let entries = reader.mapping(node)?;
                reader.without_faults(|reader| Self::of_entries(entries, reader))
            }

            fn schema(
                definitions: &mut crate::config::definitions::Definitions,
            ) -> serde_json::Value {
                definitions.reference($title, |definitions| {
                    let properties = Self::properties(definitions);
                    let mut schema = serde_json::Map::new();
                    $(
                        if let serde_json::Value::Object(extra) = serde_json::json!($extra) {
                            schema.extend(extra);
                        }
                    )?
                    schema.insert("type".to_owned(), "object".into());
                    schema.insert("additionalProperties".to_owned(), false.into());
                    schema.insert("properties".to_owned(), properties.into());
                    schema.into()
                })
            }
        }
    };
}

pub(super) use mapping;
