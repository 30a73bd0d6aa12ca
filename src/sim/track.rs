//! Tracks, stored as the JSON that the API returns.

use serde_json::{Value, json};

/// A tracking set. A new track is enabled, records everything and delivers to a bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    id: u64,
    json: Value,
    for_all_members: bool,
    filters: Option<Value>,
}

impl Track {
    /// Creates a track with the eight documented fields.
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

    /// Sets the status; 1 by default.
    #[must_use]
    pub fn status(self, status: u64) -> Self {
        self.with("Status", json!(status))
    }

    /// Sets the storage; the bucket `audit-log` by default.
    #[must_use]
    pub fn storage(self, storage: Value) -> Self {
        self.with("Storage", storage)
    }

    /// Records the whole organization. Only `DescribeAuditTrack` returns this.
    #[must_use]
    pub fn for_all_members(mut self) -> Self {
        self.set_for_all_members(true);
        self
    }

    /// Sets filters, as `CreateEventsAuditTrack` does. Only `DescribeAuditTrack` returns them.
    #[must_use]
    pub fn filters(mut self, filters: Value) -> Self {
        self.set_filters(filters);
        self
    }

    /// Sets a field to any value, including `null`.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.json[field] = value;
        self
    }

    /// Removes a field.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        if let Some(fields) = self.json.as_object_mut() {
            fields.remove(field);
        }
        self
    }

    /// Returns the id that the simulator finds the track by.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns the track as the API lists it.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Returns the track as `DescribeAuditTrack` does: without its id, with the fields that a listing
    /// lacks.
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

/// Returns a `Storage` in Cloud Object Storage.
pub fn cos(region: &str, bucket: &str, prefix: &str) -> Value {
    json!({
        "StorageType": "cos",
        "StorageRegion": region,
        "StorageName": bucket,
        "StoragePrefix": prefix,
    })
}

/// Returns a `Storage` in Cloud Log Service.
pub fn cls(region: &str, topic_id: &str) -> Value {
    json!({
        "StorageType": "cls",
        "StorageRegion": region,
        "StorageName": topic_id,
        "StoragePrefix": "",
    })
}

/// Returns a `Storage` in `CKafka`: the name has instance and topic, and there is no prefix.
pub fn ckafka(region: &str, instance_id: &str, topic: &str) -> Value {
    json!({
        "StorageType": "ckafka",
        "StorageRegion": region,
        "StorageName": format!("{instance_id}/{topic}"),
        "StoragePrefix": "",
    })
}
