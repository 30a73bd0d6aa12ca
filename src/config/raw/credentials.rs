//! The keys that say who asks.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::schema;
use super::super::shapes::{Mapping, Text};

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(
    rename = "credentials",
    // One source, whole or in parts: the rest of it may come from the environment.
    extend("anyOf" = [
        {"propertyNames": {"enum": ["secret_id", "secret_key", "token"]}},
        {"propertyNames": {"enum": ["secret_id_file", "secret_key_file", "token_file"]}},
        {"propertyNames": {"enum": ["env"]}},
        {"propertyNames": {"enum": ["profile"]}},
        {"propertyNames": {"enum": ["cvm_role"]}},
        {"propertyNames": {"enum": ["tke_oidc"]}}
    ])
)]
pub(in crate::config) struct RawCredentials {
    /// The public half of the key, in the file itself.
    #[schemars(schema_with = "schema::secret_id")]
    pub(in crate::config) secret_id: Option<Text>,
    /// The key itself, in the file: it works, with a warning.
    #[schemars(schema_with = "schema::secret")]
    pub(in crate::config) secret_key: Option<Text>,
    /// The token of a temporary key, in the file: it works, with a warning.
    #[schemars(schema_with = "schema::secret")]
    pub(in crate::config) token: Option<Text>,
    /// The file with the public half of the key. It is read again when it changes, as the next two
    /// are.
    #[schemars(schema_with = "schema::file")]
    pub(in crate::config) secret_id_file: Option<Text>,
    /// The file with the key itself.
    #[schemars(schema_with = "schema::file")]
    pub(in crate::config) secret_key_file: Option<Text>,
    /// The file with the token of a temporary key. Left out: the key has none.
    #[schemars(schema_with = "schema::file")]
    pub(in crate::config) token_file: Option<Text>,
    /// A section of the file that the official tools share.
    #[schemars(with = "RawProfile")]
    pub(in crate::config) profile: Option<Mapping<RawProfile>>,
    /// The role of the virtual machine (CVM) that this runs on, from its metadata service.
    #[schemars(with = "RawCvmRole")]
    pub(in crate::config) cvm_role: Option<Mapping<RawCvmRole>>,
    /// The identity of the TKE pod that this runs in, from the variables and the token that TKE
    /// puts into it.
    #[schemars(with = "RawTkeOidc")]
    pub(in crate::config) tke_oidc: Option<Mapping<RawTkeOidc>>,
    /// The names of the environment variables to read.
    #[schemars(with = "RawEnv")]
    pub(in crate::config) env: Option<Mapping<RawEnv>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "env")]
pub(in crate::config) struct RawEnv {
    /// The variable that holds the secret id.
    #[schemars(schema_with = "schema::variable")]
    pub(in crate::config) secret_id: Option<Text>,
    /// The variable that holds the secret key.
    #[schemars(schema_with = "schema::variable")]
    pub(in crate::config) secret_key: Option<Text>,
    /// The variable that holds the token of a temporary key. Left out: the key has none.
    #[schemars(schema_with = "schema::variable")]
    pub(in crate::config) token: Option<Text>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "profile")]
pub(in crate::config) struct RawProfile {
    /// The section.
    #[schemars(schema_with = "schema::profile_name")]
    pub(in crate::config) name: Option<Text>,
    /// The file. Left out: where the official SDKs look.
    #[schemars(schema_with = "schema::file_or_at_home")]
    pub(in crate::config) file: Option<Text>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "cvm_role")]
pub(in crate::config) struct RawCvmRole {
    /// The role's name. Left out: the metadata service says it.
    #[schemars(schema_with = "schema::role_name")]
    pub(in crate::config) name: Option<Text>,
    /// The metadata service.
    #[schemars(schema_with = "schema::metadata_endpoint")]
    pub(in crate::config) endpoint: Option<Text>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "tke_oidc")]
pub(in crate::config) struct RawTkeOidc {
    /// The STS that takes the pod's token.
    #[schemars(schema_with = "schema::endpoint_of_sts")]
    pub(in crate::config) endpoint: Option<Text>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "assume_role")]
pub(in crate::config) struct RawAssumeRole {
    /// The role: `qcs::cam::uin/UIN:roleName/NAME`, or one of the two other forms, `…:role/ID` and
    /// `…:role/tencentcloudServiceRoleName/NAME`.
    #[schemars(schema_with = "schema::role_arn")]
    pub(in crate::config) arn: Option<Text>,
    /// What the audit log of the role's account calls the session.
    #[schemars(schema_with = "schema::session_name")]
    pub(in crate::config) session_name: Option<Text>,
    /// What the role's trust policy may ask for.
    #[schemars(schema_with = "schema::external_id")]
    pub(in crate::config) external_id: Option<Text>,
    /// How long a temporary key is good for; it is renewed in time.
    #[schemars(schema_with = "schema::role_duration")]
    pub(in crate::config) duration: Option<Text>,
    /// The STS that is asked.
    #[schemars(schema_with = "schema::endpoint_of_sts")]
    pub(in crate::config) endpoint: Option<Text>,
}
