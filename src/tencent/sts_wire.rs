//! The bodies of STS requests and responses.

use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::bounded::Object;
use super::credential::{Credential, Temporary};
use super::envelope::{Content, ErrorBody};
use super::lenient::{Field, Text, missing};
use super::redactor::Redactor;

/// A role and the parameters for assuming it.
#[derive(Clone, Debug)]
pub struct Role {
    /// `RoleArn`, such as `qcs::cam::uin/100000000001:roleName/audit-reader`.
    pub arn: String,
    /// `RoleSessionName`, which the operation log shows.
    pub session_name: String,
    /// `ExternalId`, if the role requires one.
    pub external_id: Option<SecretString>,
    /// `DurationSeconds`, in whole seconds.
    pub duration: Duration,
}

/// The owner of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// `AccountId`: the UIN of the account.
    pub uin: String,
    /// `Arn`: the user or role.
    pub arn: String,
}

/// The size of a request without its secrets is below this.
const MAX_PUBLIC_BYTES: usize = 2_048;

/// The body of `AssumeRole` and `AssumeRoleWithWebIdentity`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AssumeRoleRequest<'a> {
    pub(super) role_arn: &'a str,
    pub(super) role_session_name: &'a str,
    pub(super) duration_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provider_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) web_identity_token: Option<&'a str>,
}

impl<'a> AssumeRoleRequest<'a> {
    pub(super) fn new(role: &'a Role) -> Self {
        Self {
            role_arn: &role.arn,
            role_session_name: &role.session_name,
            duration_seconds: role.duration.as_secs(),
            external_id: None,
            provider_id: None,
            web_identity_token: None,
        }
    }

    /// Serializes the request. It may hold secrets, so the buffer wipes itself and never grows, which
    /// would leave copies in memory.
    pub(super) fn json(&self) -> Zeroizing<String> {
        let texts = [self.external_id, self.web_identity_token].into_iter();
        let secrets: usize = texts.flatten().map(str::len).sum();
        let mut json = Vec::with_capacity(MAX_PUBLIC_BYTES + 2 * secrets);
        serde_json::to_writer(&mut json, self).expect("texts and a number are JSON");
        Zeroizing::new(String::from_utf8(json).expect("JSON is UTF-8"))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AssumeRoleResponse {
    credentials: Option<Object<StsCredentials>>,
    #[serde(default)]
    expired_time: Field<u64>,
    #[serde(default)]
    error: Field<Object<ErrorBody>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StsCredentials {
    token: Option<SecretString>,
    tmp_secret_id: Option<String>,
    tmp_secret_key: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CallerIdentityResponse {
    #[serde(default)]
    account_id: Field<Text>,
    #[serde(default)]
    arn: Field<Text>,
    #[serde(default)]
    error: Field<Object<ErrorBody>>,
}

impl Content for AssumeRoleResponse {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

impl Content for CallerIdentityResponse {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

impl CallerIdentityResponse {
    pub(super) fn into_identity(self, redactor: &Redactor) -> Result<CallerIdentity, String> {
        let Text(uin) = self.account_id.required("AccountId")?;
        if uin.is_empty() {
            return Err(missing("AccountId"));
        }
        // Only messages show the ARN, so it may be absent.
        let arn = match self.arn.ok() {
            Some(Text(arn)) => redactor.redact_name(arn),
            None => String::new(),
        };
        Ok(CallerIdentity { uin, arn })
    }
}

impl AssumeRoleResponse {
    pub(super) fn into_temporary(
        self,
        duration: Duration,
        now: SystemTime,
    ) -> Result<Temporary, String> {
        let Some(Object(key)) = self.credentials else {
            return Err(missing("Credentials"));
        };
        let expired_time = self.expired_time.required("ExpiredTime")?;
        let id = key.tmp_secret_id.ok_or_else(|| missing("TmpSecretId"))?;
        let secret = key.tmp_secret_key.ok_or_else(|| missing("TmpSecretKey"))?;
        let token = key.token.ok_or_else(|| missing("Token"))?;
        let credential = Credential::new(id, secret, Some(token))
            .map_err(|part| format!("the response has an invalid {part}"))?;
        Ok(Temporary::new(credential, expired_time, now, duration))
    }
}
