//! The permissions for checks of storage targets. None of them reads the content of records.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::config::Account;
use crate::snapshot::ExpectedTrack;
use crate::tencent::storage::cos::full_name;
use crate::tencent::storage::cos::sign::encoded;

/// A statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StorageStatement {
    action: &'static str,
    resource: String,
    /// The value of the condition key `cos:prefix`.
    prefix: Option<String>,
}

/// The actions for all targets of one kind.
const COS: &str = "cos:GetBucket";
const CLS: [&str; 2] = ["cls:DescribeLogHistogram", "cls:DescribeTopics"];
const CKAFKA: &str = "ckafka:DescribeTopicAttributes";
const CAM: &str = "cam:GetUserAppId";

/// Returns the actions that need every resource, and the statements for single resources. The command
/// is offline: it knows only the targets that `expected_tracks` name.
pub(super) fn permissions(account: &Account) -> (BTreeSet<&'static str>, Vec<StorageStatement>) {
    let mut actions = BTreeSet::new();
    let mut statements = Vec::new();
    if account.delivery.is_none() {
        return (actions, statements);
    }
    // What is due is read from the operation records.
    actions.insert("cloudaudit:DescribeEvents");
    let expected = &account.expected_tracks;
    if expected.is_empty() || expected.iter().any(|track| track.storage_type.is_none()) {
        actions.extend([COS, CKAFKA]);
        actions.extend(CLS);
    }
    for track in expected {
        match track.storage_type.as_deref() {
            Some("cos") => match bucket(account, track) {
                Some(statement) => statements.push(statement),
                None => {
                    actions.insert(COS);
                }
            },
            // A resource of these actions is not documented well enough to rely on it.
            Some("cls") => actions.extend(CLS),
            Some("ckafka") => {
                actions.insert(CKAFKA);
            }
            _ => {}
        }
    }
    let uses_buckets = actions.contains(COS) || !statements.is_empty();
    if account.app_id.is_none() && uses_buckets {
        actions.insert(CAM);
    }
    // A permission for all buckets includes that for one.
    statements.retain(|_| !actions.contains(COS));
    (actions, statements)
}

/// Returns the statement for one bucket, if its complete name is known.
fn bucket(account: &Account, track: &ExpectedTrack) -> Option<StorageStatement> {
    let app_id = account.app_id.as_ref()?;
    let (region, name) = (track.storage_region.as_ref()?, track.storage_name.as_ref()?);
    let prefix = track.storage_prefix.as_deref().unwrap_or_default();
    let prefix = prefix.trim_end_matches('/');
    // CAM compares with the encoded parameter: a bare slash matches nothing.
    let prefix = (!prefix.is_empty()).then(|| format!("{}*", encoded(&format!("{prefix}/"))));
    Some(StorageStatement {
        action: COS,
        resource: format!(
            "qcs::cos:{region}:uid/{app_id}:{}/*",
            full_name(name, app_id)
        ),
        prefix,
    })
}

impl StorageStatement {
    pub(super) fn json(&self) -> Value {
        let mut statement = json!({
            "effect": "allow",
            "action": [self.action],
            "resource": [self.resource],
        });
        if let Some(prefix) = &self.prefix {
            statement["condition"] = json!({"string_like": {"cos:prefix": prefix}});
        }
        statement
    }
}
