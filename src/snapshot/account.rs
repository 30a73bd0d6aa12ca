//! What the configuration says of an account, as far as its series show it.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::member::Member;
use super::track::{Status, Storage, Track};
use super::umbrella::Umbrella;

/// What the configuration says of an account and its series carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountInfo {
    /// The label `account`.
    pub name: String,
    /// The account's own labels, on every series of it.
    pub labels: BTreeMap<String, String>,
    /// The verified UIN; empty where it is not known.
    pub uin: String,
    /// `china` or `international`.
    pub site: &'static str,
    /// The organisation that the account was found in; empty otherwise.
    pub organization: String,
    /// What that organisation says of it.
    pub member: Option<Member>,
    /// The organisation's own tracks, which may record for the account too.
    pub umbrella: Umbrella,
    /// Where its credentials come from.
    pub provider: &'static str,
    /// Whether it needs an enabled track of its own.
    pub track_required: bool,
    /// Tracks that should be there.
    pub expected_tracks: Vec<ExpectedTrack>,
    /// Accounts whose storage is a normal place to deliver to.
    pub trusted_storage_accounts: Arc<BTreeSet<String>>,
}

impl AccountInfo {
    /// Whether a storage belongs to an account that is neither this one nor trusted. None where the
    /// owner is not known, or where it might be this account and whose number that is not known.
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

/// A track that should be there, and what must be true of it. A field that is none may be anything.
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
    /// Whether a track of this name is enabled and as it should be.
    pub fn is_met_by(&self, track: &Track, status: Status) -> bool {
        let storage = &track.storage;
        let fields = [
            (&self.action_type, &track.action_type),
            (&self.resource_type, &track.resource_type),
            (&self.storage_type, &storage.kind),
            (&self.storage_region, &storage.region),
            (&self.storage_name, &storage.name),
            (&self.storage_prefix, &storage.prefix),
            (&self.storage_account, &storage.account),
        ];
        let is_as_it_should_be = |(wanted, found): (&Option<String>, &String)| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        status == Status::Enabled
            && track.name == self.name
            && fields.into_iter().all(is_as_it_should_be)
    }
}

/// Label names that our own series use or that Prometheus attaches: an account's `labels` may not.
pub const RESERVED_LABELS: [&str; 27] = [
    "account",
    "action",
    "action_type",
    "change",
    "code",
    "handler",
    "instance",
    "job",
    "le",
    "organization",
    "provider",
    "quantile",
    "reason",
    "region",
    "resource_type",
    "site",
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
