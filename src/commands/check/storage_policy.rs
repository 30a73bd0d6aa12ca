//! The rights to check the storage targets of an account, as narrow as its configuration allows.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::config::Account;
use crate::snapshot::ExpectedTrack;

/// Rights to storage, each with what it is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StorageRight {
    /// Lists the objects below a prefix, in the bucket with this resource.
    Bucket { resource: String, prefix: String },
    /// Counts the records of a topic.
    Topic { resource: String },
    /// Finds a topic of an instance.
    Kafka { resource: String },
}

/// Returns the rights to the storage of an account's tracks. If its expected tracks state their whole
/// storage, the rights are limited to it; otherwise any storage may come up.
pub(super) fn storage_rights(account: &Account) -> BTreeSet<StorageRight> {
    let narrow = account
        .expected_tracks
        .iter()
        .map(|track| narrow_right(track, account));
    let narrow: Option<BTreeSet<StorageRight>> = narrow.collect();
    narrow
        .filter(|rights| !rights.is_empty())
        .unwrap_or_else(|| {
            let resource = "*".to_owned();
            BTreeSet::from([
                StorageRight::Bucket {
                    resource: resource.clone(),
                    prefix: String::new(),
                },
                StorageRight::Topic {
                    resource: resource.clone(),
                },
                StorageRight::Kafka { resource },
            ])
        })
}

fn narrow_right(track: &ExpectedTrack, account: &Account) -> Option<StorageRight> {
    let (region, name) = (track.storage_region.as_ref()?, track.storage_name.as_ref()?);
    match track.storage_type.as_deref()? {
        "cos" => {
            let app_id = account.app_id.as_ref()?;
            Some(StorageRight::Bucket {
                resource: format!("qcs::cos:{region}:uid/{app_id}:{name}-{app_id}/*"),
                prefix: track.storage_prefix.clone()?,
            })
        }
        "cls" => {
            let uin = account.uin.as_ref()?;
            Some(StorageRight::Topic {
                resource: format!("qcs::cls:{region}:uin/{uin}:topic/{name}"),
            })
        }
        "ckafka" => {
            let (uin, instance) = (account.uin.as_ref()?, name.split('/').next()?);
            Some(StorageRight::Kafka {
                resource: format!("qcs::ckafka:{region}:uin/{uin}:ckafkaId/{instance}"),
            })
        }
        _ => None,
    }
}

impl StorageRight {
    /// Returns the statement of a policy.
    pub(super) fn statement(&self) -> Value {
        let (actions, resource): (&[&str], _) = match self {
            Self::Bucket { resource, .. } => (&["cos:GetBucket"], resource),
            Self::Topic { resource } => (
                &["cls:DescribeLogHistogram", "cls:DescribeTopics"],
                resource,
            ),
            Self::Kafka { resource } => (&["ckafka:DescribeTopicAttributes"], resource),
        };
        let mut statement = json!({"effect": "allow", "action": actions, "resource": [resource]});
        if let Self::Bucket { prefix, .. } = self
            && !prefix.is_empty()
        {
            // COS denies the request if the slash is not encoded.
            let encoded = prefix.replace('/', "%2F");
            statement["condition"] =
                json!({"string_like": {"cos:prefix": format!("{encoded}%2F*")}});
        }
        statement
    }
}
