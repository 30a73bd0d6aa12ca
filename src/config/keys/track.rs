//! A track that an account should have.

use serde_json::Value as Json;

use super::super::definitions::Definitions;
use super::super::document::Node;
use super::super::leaf::{ActionType, TrackText, Uin};
use super::super::reader::Reader;
use super::super::value_types::{Identity, Item, NameOr, Setting};
use super::mapping::mapping;
use crate::snapshot::ExpectedTrack;

/// The name of a track, or a mapping of the name and of fields that must match.
pub(in crate::config) type Track = NameOr<TrackText, TrackMapping>;

mapping! {
    struct TrackKeys as "expected_track" {
        /// The name of the track.
        name: TrackText,
        /// The actions that the track records.
        action_type: ActionType,
        /// The short name of the product whose operations the track records, or `*` for all
        /// products.
        resource_type: TrackText,
        /// The type of the storage: `cos`, `cls` or `ckafka`.
        storage_type: TrackText,
        /// The region of the storage.
        storage_region: TrackText,
        /// The name of the storage, as in the label `storage_name` of `cloudaudit_track_info`.
        storage_name: TrackText,
        /// The prefix of the log files in the storage.
        storage_prefix: TrackText,
        /// The UIN of the account that owns the storage.
        storage_account: Uin,
    }
    extra {"required": ["name"]}
}

/// The mapping form.
pub(in crate::config) struct TrackMapping;

impl Setting for TrackMapping {
    type Value = ExpectedTrack;

    fn read(node: &Node, reader: &mut Reader) -> Option<ExpectedTrack> {
        let keys = TrackKeys::read(node, reader)?;
        let Some(name) = keys.name else {
            reader.refuse("name is missing; add the name of the track");
            return None;
        };
        Some(ExpectedTrack {
            name,
            action_type: keys.action_type,
            resource_type: keys.resource_type,
            storage_type: keys.storage_type,
            storage_region: keys.storage_region,
            storage_name: keys.storage_name,
            storage_prefix: keys.storage_prefix,
            storage_account: keys.storage_account,
        })
    }

    fn schema(definitions: &mut Definitions) -> Json {
        TrackKeys::schema(definitions)
    }
}

impl Item for Track {
    const NOUN: [&str; 2] = ["track", "tracks"];
}

impl Identity for ExpectedTrack {
    fn identity(&self) -> &str {
        &self.name
    }
}

impl From<String> for ExpectedTrack {
    fn from(name: String) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }
}
