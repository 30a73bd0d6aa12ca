//! The parts of a JSON schema: mappings that several keys share, and descriptions.

use serde_json::{Map, Value, json};

/// The key of a schema with the sentence that [`described`] appends to the meaning of a key.
pub(super) const LIMITS: &str = "$comment";

/// The mappings of a schema, by name.
#[derive(Default)]
pub(super) struct Definitions(Map<String, Value>);

impl Definitions {
    /// Returns a reference to a mapping, which `build` describes at the first reference.
    pub(super) fn reference(
        &mut self,
        name: &str,
        build: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        if !self.0.contains_key(name) {
            let schema = build(self);
            self.0.insert(name.to_owned(), schema);
        }
        json!({"$ref": format!("#/definitions/{name}")})
    }

    /// Returns the definitions, and apart from them the one with this name.
    pub(super) fn split(mut self, root: &str) -> (Map<String, Value>, Value) {
        let root = self.0.remove(root).unwrap_or_default();
        (self.0, root)
    }
}

/// Adds the meaning of a key, its limits and its default to the schema of its type. `meaning` are
/// the lines of a doc comment.
pub(super) fn described(mut schema: Value, meaning: &[&str], default: Option<Value>) -> Value {
    if schema.get("$ref").is_some() {
        // Draft 7 ignores the siblings of a reference.
        schema = json!({"allOf": [schema]});
    }
    let mut line = meaning.concat().trim().to_owned();
    if let Value::Object(schema) = &mut schema {
        if let Some(Value::String(limits)) = schema.remove(LIMITS) {
            line = format!("{line} {limits}");
        }
        if let Some(default) = default {
            schema.insert("default".into(), default);
        }
        schema.insert("description".into(), line.into());
    }
    schema
}
