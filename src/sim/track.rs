//! Tracks, which are what the API sends: JSON, whatever is in it.

use serde_json::{Value, json};

/// A tracking set. A new one is enabled, records everything and delivers to a bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    id: u64,
    json: Value,
    for_all_members: bool,
    filters: Option<Value>,
}

impl Track {
    /// A track with the eight fields that the documentation knows.
    pub fn new(id: u64, name: &str) -> Self {
        let json = json!({
            "TrackId": id,
            "Name": name,
            "ActionType": "*",
            "ResourceType": "*",
            "Status": 1,
            "EventNames": ["*"],
            "Storage": cos("ap-guangzhou", "audit-log", "audit"),
            "CreateTime": "2021-01-14 14:43:38",
        });
        Self {
            id,
            json,
            for_all_members: false,
            filters: None,
        }
    }

    /// Another status than 1.
    #[must_use]
    pub fn status(self, status: u64) -> Self {
        self.with("Status", json!(status))
    }

    /// Another target than the bucket `audit-log`.
    #[must_use]
    pub fn storage(self, storage: Value) -> Self {
        self.with("Storage", storage)
    }

    /// Records the whole organisation, which only `DescribeAuditTrack` shows.
    #[must_use]
    pub fn for_all_members(mut self) -> Self {
        self.set_for_all_members(true);
        self
    }

    /// Filters, as `CreateEventsAuditTrack` sets them, which only `DescribeAuditTrack` shows.
    #[must_use]
    pub fn filters(mut self, filters: Value) -> Self {
        self.set_filters(filters);
        self
    }

    /// A field set to anything, `null` included.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.json[field] = value;
        self
    }

    /// A field left out.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        if let Some(fields) = self.json.as_object_mut() {
            fields.remove(field);
        }
        self
    }

    /// The id it is known by in this world.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What is listed of it.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// What is told of it alone: without its id, with what a listing leaves out.
    pub(super) fn details(&self) -> Value {
        let mut details = self.clone().without("TrackId").json;
        details["TrackForAllMembers"] = json!(u64::from(self.for_all_members));
        if let Some(filters) = &self.filters {
            details["Filters"] = filters.clone();
        }
        details
    }

    pub(super) fn set_for_all_members(&mut self, for_all: bool) {
        self.for_all_members = for_all;
    }

    pub(super) fn set_filters(&mut self, filters: Value) {
        self.filters = Some(filters);
    }

    pub(super) fn json_mut(&mut self) -> &mut Value {
        &mut self.json
    }
}

/// A `Storage` in Cloud Object Storage.
pub fn cos(region: &str, bucket: &str, prefix: &str) -> Value {
    json!({
        "StorageType": "cos",
        "StorageRegion": region,
        "StorageName": bucket,
        "StoragePrefix": prefix,
    })
}

/// A `Storage` in Cloud Log Service.
pub fn cls(region: &str, topic_id: &str) -> Value {
    json!({
        "StorageType": "cls",
        "StorageRegion": region,
        "StorageName": topic_id,
        "StoragePrefix": "",
    })
}

/// A `Storage` in `CKafka`, which has no prefix and names instance and topic.
pub fn ckafka(region: &str, instance_id: &str, topic: &str) -> Value {
    json!({
        "StorageType": "ckafka",
        "StorageRegion": region,
        "StorageName": format!("{instance_id}/{topic}"),
        "StoragePrefix": "",
    })
}
