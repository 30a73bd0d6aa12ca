//! `Storage` of a track, in listings and in the parameters of operations.

use serde::Deserialize;

use super::lenient::{Field, Text};

/// `Storage`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct WireStorage {
    #[serde(rename = "StorageType")]
    pub(super) kind: Field<Text>,
    #[serde(rename = "StorageRegion")]
    pub(super) region: Field<Text>,
    #[serde(rename = "StorageName")]
    pub(super) name: Field<Text>,
    #[serde(rename = "StoragePrefix")]
    pub(super) prefix: Field<Text>,
    #[serde(rename = "StorageAccountId")]
    pub(super) account: Field<Text>,
    #[serde(rename = "StorageAppId")]
    pub(super) app_id: Field<Text>,
}
