//! The fields of a request's body, checked against what the action defines.

use serde_json::{Map, Value};

use crate::sim::refusal::Refusal;

/// What the body says and no action has taken yet.
pub(super) struct Parameters(Map<String, Value>);

impl Parameters {
    /// An empty body is an empty object, as clients of actions without parameters send it.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            _ => Err(Refusal::not_an_object()),
        }
    }

    /// Takes a required unsigned integer.
    pub(super) fn take_integer(&mut self, name: &str) -> Result<u64, Refusal> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Err(Refusal::missing_parameter(name)),
            Some(value) => value.as_u64().ok_or_else(|| Refusal::wrong_type(name)),
        }
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Refusal::unknown_parameter(name)),
        }
    }
}
