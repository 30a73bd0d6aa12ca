//! The part of an account's configuration that its series show.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::logic::all_of;
use super::member::Member;
use super::track::{Status, Storage, Track};

/// The part of an account's configuration that its series show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountInfo {
    /// The label `account`.
    pub name: String,
    /// The account's own labels, which all its series have.
    pub labels: BTreeMap<String, String>,
    /// The verified UIN; empty if it is unknown.
    pub uin: String,
    /// `china` or `international`.
    pub site: &'static str,
    /// The organization that the account was discovered in; empty otherwise.
    pub organization: String,
    /// The account as the organization lists it.
    pub member: Option<Member>,
    /// The provider of its credentials.
    pub provider: &'static str,
    /// Whether it needs an enabled track of its own, or coverage by its organization.
    pub track_required: bool,
    /// Tracks that should exist.
    pub expected_tracks: Vec<ExpectedTrack>,
    /// Accounts whose storage is trusted.
    pub trusted_storage_accounts: Arc<BTreeSet<String>>,
}

impl AccountInfo {
    /// Returns whether a storage belongs to an account that is neither this one nor trusted. `None` if
    /// the owner is unknown, or if it might be this account, whose UIN is unknown.
    pub fn is_foreign(&self, storage: &Storage) -> Option<bool> {
        let owner = &storage.account;
        if owner.is_empty() {
            return None;
        }
        if self.trusted_storage_accounts.contains(owner) || *owner == self.uin {
            return Some(false);
        }
        (!self.uin.is_empty()).then_some(true)
    }
}

/// A track that should exist, and its expected values. A field that is `None` may have any value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExpectedTrack {
    /// `Name`.
    pub name: String,
    /// `ActionType`.
    pub action_type: Option<String>,
    /// `ResourceType`.
    pub resource_type: Option<String>,
    /// `StorageType`.
    pub storage_type: Option<String>,
    /// `StorageRegion`.
    pub storage_region: Option<String>,
    /// `StorageName`.
    pub storage_name: Option<String>,
    /// `StoragePrefix`.
    pub storage_prefix: Option<String>,
    /// `StorageAccountId`.
    pub storage_account: Option<String>,
}

impl ExpectedTrack {
    /// Returns whether a track has this name. `None` if its name could not be read.
    pub fn is_named_by(&self, track: &Track) -> Option<bool> {
        equals(&self.name, &track.name, track)
    }

    /// Returns whether a track has this name, is enabled and has every expected value. `None` if
    /// that depends on a field that could not be read.
    pub fn is_met_by(&self, track: &Track, status: Status) -> Option<bool> {
        let fields = self.compared(track);
        all_of([
            Some(status == Status::Enabled),
            self.is_named_by(track),
            all_of(fields.map(|(_, is_equal)| is_equal)),
        ])
    }

    /// Returns the fields of a track that have another value than the expected one.
    pub fn different_fields(&self, track: &Track) -> Vec<&'static str> {
        let fields = self.compared(track).into_iter();
        let different = fields.filter(|(_, is_equal)| *is_equal == Some(false));
        different.map(|(field, _)| field).collect()
    }

    /// Compares each field, by its key in the configuration.
    fn compared(&self, track: &Track) -> [(&'static str, Option<bool>); 7] {
        let storage = &track.storage;
        let fields = [
            ("action_type", &self.action_type, &track.action_type),
            ("resource_type", &self.resource_type, &track.resource_type),
            ("storage_type", &self.storage_type, &storage.kind),
            ("storage_region", &self.storage_region, &storage.region),
            ("storage_name", &self.storage_name, &storage.name),
            ("storage_prefix", &self.storage_prefix, &storage.prefix),
            ("storage_account", &self.storage_account, &storage.account),
        ];
        fields.map(|(field, wanted, found)| match wanted {
            Some(wanted) => (field, equals(wanted, found, track)),
            None => (field, Some(true)),
        })
    }
}

/// Compares a field of a track with its expected value. Any empty field of a partial track may be
/// the one that could not be read.
fn equals(wanted: &str, found: &str, track: &Track) -> Option<bool> {
    let is_known = !track.is_partial || !found.is_empty();
    is_known.then_some(wanted == found)
}

/// Label names that the exporter or Prometheus uses, so that an account's `labels` may not.
pub const RESERVED_LABELS: &[&str] = &[
    "account",
    "action",
    "action_type",
    "change",
    "code",
    "event",
    "handler",
    "instance",
    "job",
    "le",
    "operator",
    "operator_type",
    "organization",
    "outcome",
    "provider",
    "quantile",
    "reason",
    "region",
    "resource_type",
    "result",
    "site",
    "state",
    "status",
    "storage_account",
    "storage_name",
    "storage_prefix",
    "storage_region",
    "storage_type",
    "track",
    "track_id",
    "uin",
    "version",
    "shard",
];
