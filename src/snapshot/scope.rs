//! What a track records: which actions, of which products, which events.

use super::logic::all_of;

/// Three fields of a track, or of one of its filters. A field that is absent or null is empty here.
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
    /// Returns whether it is every event of every product for `Read` or `Write` actions.
    pub fn covers(&self, action_type: &str) -> Option<bool> {
        let (action, resource) = (&self.action_type, &self.resource_type);
        covers(action, resource, &self.event_names, action_type)
    }
}

/// Does the same as [`Scope::covers`] for three separate fields.
pub(super) fn covers(
    own_action_type: &str,
    resource_type: &str,
    event_names: &[String],
    action_type: &str,
) -> Option<bool> {
    let covers_action = match own_action_type {
        ALL => Some(true),
        own @ ("Read" | "Write") => Some(own == action_type),
        // Absent, or undocumented: it may mean anything.
        _ => None,
    };
    let covers_all_resources = (!resource_type.is_empty()).then_some(resource_type == ALL);
    let covers_all_events =
        (!event_names.is_empty()).then(|| event_names.iter().any(|name| name == ALL));
    all_of([covers_action, covers_all_resources, covers_all_events])
}

/// The value that matches all actions, products or events.
const ALL: &str = "*";
