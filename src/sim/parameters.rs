//! The fields of a request's body, checked against the parameters of the action.

use serde_json::{Map, Value};

use crate::sim::refusal::Refusal;

/// The fields of the body that the action has not taken yet.
pub(super) struct Parameters(Map<String, Value>);

impl Parameters {
    /// Parses a body. Clients may send an empty body to an action without parameters.
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
        let value = self.take_optional_integer(name)?;
        value.ok_or_else(|| Refusal::missing_parameter(name))
    }

    /// Takes an optional unsigned integer.
    pub(super) fn take_optional_integer(&mut self, name: &str) -> Result<Option<u64>, Refusal> {
        self.take(name, Value::as_u64)
    }

    /// Takes a required string.
    pub(super) fn take_text(&mut self, name: &str) -> Result<String, Refusal> {
        let value = self.take_optional_text(name)?;
        value.ok_or_else(|| Refusal::missing_parameter(name))
    }

    /// Takes an optional string.
    pub(super) fn take_optional_text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        self.take(name, |value| value.as_str().map(str::to_owned))
    }

    /// Takes an optional list; empty if it is absent.
    pub(super) fn take_optional_list(&mut self, name: &str) -> Result<Vec<Value>, Refusal> {
        let list = self.take(name, |value| value.as_array().cloned())?;
        Ok(list.unwrap_or_default())
    }

    /// Removes documented parameters that have no effect in the simulator.
    pub(super) fn ignore<const N: usize>(&mut self, names: [&str; N]) {
        for name in names {
            self.0.remove(name);
        }
    }

    /// Takes a value. `null` counts as absent.
    fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match read(&value) {
                Some(read) => Ok(Some(read)),
                None => Err(Refusal::wrong_type(name)),
            },
        }
    }

    /// Refuses fields that the action did not take.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Refusal::unknown_parameter(name)),
        }
    }
}
