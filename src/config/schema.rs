//! The JSON schema of the configuration file, for editors and for the reference.
//!
//! Patterns in it repeat what the types in `leaf` parse, because their messages are better than
//! those of patterns. `tests/documentation/with_parts.rs` compares the two, value by value. An editor
//! has YAML's types, so the schema allows a number for a text.

use serde_json::Value;

use super::definitions::Definitions;
use super::keys::ConfigKeys;
use super::value_types::Setting;

/// Returns the schema, in the draft that editors support best.
pub fn schema() -> Value {
    const TITLE: &str = "cloudaudit-exporter";
    let mut definitions = Definitions::default();
    ConfigKeys::schema(&mut definitions);
    let (definitions, mut schema) = definitions.split(TITLE);
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    schema["title"] = TITLE.into();
    schema["description"] = "The configuration of cloudaudit-exporter.".into();
    schema["definitions"] = definitions.into();
    schema
}
