//! What is recorded: which actions, of which products, which events.

use super::logic::all_of;

/// Three fields of a track, or of one of its filters. What is absent, null or empty there is empty
/// here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// `ActionType`: `Read`, `Write` or `*`.
    pub action_type: String,
    /// `ResourceType`: a product's short name, or `*`.
    pub resource_type: String,
    /// `EventNames`; `["*"]` is all.
    pub event_names: Vec<String>,
}

impl Scope {
    /// Whether it is every event of every product of one kind of action, `Read` or `Write`.
    pub fn covers(&self, action_type: &str) -> Option<bool> {
        let (action, resource) = (&self.action_type, &self.resource_type);
        covers(action, resource, &self.event_names, action_type)
    }
}

/// The same of three fields that stand by themselves.
pub(super) fn covers(
    own_action_type: &str,
    resource_type: &str,
    event_names: &[String],
    action_type: &str,
) -> Option<bool> {
    let covers_action = match own_action_type {
        ALL => Some(true),
        own @ ("Read" | "Write") => Some(own == action_type),
        // Left out, or none that the documentation knows: it may be anything.
        _ => None,
    };
    let covers_all_resources = (!resource_type.is_empty()).then_some(resource_type == ALL);
    let covers_all_events =
        (!event_names.is_empty()).then(|| event_names.iter().any(|name| name == ALL));
    all_of([covers_action, covers_all_resources, covers_all_events])
}

/// What the API writes for everything.
const ALL: &str = "*";
