//! STS: temporary keys for roles, and whose a key is.
//!
//! Source: the STS API, version 2018-08-13 (`AssumeRole`, `AssumeRoleWithWebIdentity`,
//! `GetCallerIdentity`).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::bounded::Object;
use super::caller::{Call, CallLimits, Caller, Parts};
use super::credentials::{Credential, Provider, Temporary};
use super::echo::Echo;
use super::envelope::{Content, ErrorBody, open};
use super::lenient::{Field, Text};
use super::observer::Observer;
use super::signer::Service;
use super::transport::separate;
use crate::failure::Failure;

/// Its name in signatures.
pub const STS_NAME: &str = "sts";

/// STS, as its documentation has it.
const STS: Service = Service {
    name: STS_NAME,
    version: "2018-08-13",
};

/// The official SDKs ask for this region, whichever the site is.
const REGION: &str = "ap-guangzhou";

/// How often one call may be made in a second with one identity. The API takes 600 of `AssumeRole`;
/// this leaves room for everybody else's.
pub const STS_PER_SECOND: u32 = 100;

/// How long and how often one call is tried.
const LIMITS: CallLimits = CallLimits {
    timeout: Duration::from_secs(10),
    attempts: 3,
};

/// No retry starts later: whoever waits for a key waits with a poll.
const RETRY_FOR: Duration = Duration::from_secs(20);

/// The API's name of the call that assumes a role.
pub const ASSUME_ROLE: &str = "AssumeRole";

/// The API's name of the call that exchanges a token of somebody else's for a key.
pub const ASSUME_ROLE_WITH_WEB_IDENTITY: &str = "AssumeRoleWithWebIdentity";

/// The API's name of the call that says whose a key is.
pub const GET_CALLER_IDENTITY: &str = "GetCallerIdentity";

/// A role, and how it is assumed.
#[derive(Clone, Debug)]
pub struct Role {
    /// `RoleArn`, such as `qcs::cam::uin/100000000001:roleName/audit-reader`.
    pub arn: String,
    /// `RoleSessionName`, which the operation log shows.
    pub session_name: String,
    /// `ExternalId`, where the role wants one.
    pub external_id: Option<SecretString>,
    /// `DurationSeconds`, in whole seconds.
    pub duration: Duration,
}

/// Whose a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// `AccountId`: the UIN of the account.
    pub uin: String,
    /// `Arn`: the user or role.
    pub arn: String,
}

/// Calls STS with one identity.
pub struct Sts {
    caller: Caller,
    observer: Arc<dyn Observer>,
}

impl Sts {
    /// Calls it with what `parts` has; `observer` is told of each call.
    pub fn new(parts: Parts, observer: Arc<dyn Observer>) -> Self {
        let caller = Caller::new(STS, parts, LIMITS);
        Self { caller, observer }
    }

    /// The same, with another's key.
    #[must_use]
    pub fn with(&self, provider: Arc<dyn Provider>) -> Self {
        let parts = self.caller.parts().clone();
        let parts = Parts {
            provider,
            transport: separate(&parts.transport, &parts.endpoint.host),
            ..parts
        };
        Self::new(parts, Arc::clone(&self.observer))
    }

    /// Where the keys come from that it is called with.
    pub(super) fn provider(&self) -> &Arc<dyn Provider> {
        &self.caller.parts().provider
    }

    /// Assumes a role.
    ///
    /// # Errors
    ///
    /// That of the call: `UnauthorizedOperation` where the role does not trust the caller or the
    /// caller may not assume it, `ResourceNotFound.RoleNotFound` where there is none.
    pub async fn assume_role(&self, role: &Role) -> Result<Temporary, Failure> {
        let external_id = role.external_id.as_ref().map(ExposeSecret::expose_secret);
        let wish = Wish {
            external_id,
            ..Wish::of(role)
        };
        let secrets: Vec<&str> = external_id.into_iter().collect();
        self.key(ASSUME_ROLE, true, &wish, &secrets, role.duration)
            .await
    }

    /// Exchanges a token of an identity provider that the account trusts for a key of a role. The
    /// call is not signed: the token stands for a signature.
    ///
    /// # Errors
    ///
    /// That of the call: `InvalidParameter.WebIdentityTokenError` where the token is not taken.
    pub async fn assume_role_with_web_identity(
        &self,
        role: &Role,
        provider_id: &str,
        token: &SecretString,
    ) -> Result<Temporary, Failure> {
        let token = token.expose_secret();
        let wish = Wish {
            provider_id: Some(provider_id),
            web_identity_token: Some(token),
            ..Wish::of(role)
        };
        let action = ASSUME_ROLE_WITH_WEB_IDENTITY;
        self.key(action, false, &wish, &[token], role.duration)
            .await
    }

    /// Whose the key is that it is called with.
    ///
    /// # Errors
    ///
    /// That of the call.
    pub async fn caller_identity(&self) -> Result<CallerIdentity, Failure> {
        let call = call(GET_CALLER_IDENTITY, true, "{}", &[]);
        let parse = |body: &[u8], echo: &Echo| {
            open(body, echo, |answer: IdentityAnswer| {
                answer.into_identity(echo)
            })
        };
        self.caller.call(call, &*self.observer, parse).await
    }

    async fn key(
        &self,
        action: &'static str,
        signed: bool,
        wish: &Wish<'_>,
        secrets: &[&str],
        duration: Duration,
    ) -> Result<Temporary, Failure> {
        let body = wish.json();
        let call = call(action, signed, &body, secrets);
        let now = self.caller.parts().clock.now().wall;
        let parse = |body: &[u8], echo: &Echo| {
            open(body, echo, |answer: KeyAnswer| {
                answer.into_temporary(duration, now)
            })
        };
        self.caller.call(call, &*self.observer, parse).await
    }
}

/// Whatever of a wish is no secret is shorter.
const ROOM_FOR_WISHES: usize = 2_048;

/// What STS is asked for.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wish<'a> {
    role_arn: &'a str,
    role_session_name: &'a str,
    duration_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_identity_token: Option<&'a str>,
}

impl<'a> Wish<'a> {
    fn of(role: &'a Role) -> Self {
        Self {
            role_arn: &role.arn,
            role_session_name: &role.session_name,
            duration_seconds: role.duration.as_secs(),
            external_id: None,
            provider_id: None,
            web_identity_token: None,
        }
    }

    /// It may hold a secret, so it wipes itself, and does not grow: that would leave copies behind.
    fn json(&self) -> Zeroizing<String> {
        let texts = [self.external_id, self.web_identity_token].into_iter();
        let secrets: usize = texts.flatten().map(str::len).sum();
        let mut json = Vec::with_capacity(ROOM_FOR_WISHES + 2 * secrets);
        serde_json::to_writer(&mut json, self).expect("texts and a number are JSON");
        Zeroizing::new(String::from_utf8(json).expect("JSON is UTF-8"))
    }
}

fn call<'a>(action: &'static str, signed: bool, body: &'a str, secrets: &'a [&'a str]) -> Call<'a> {
    Call {
        action,
        region: Some(REGION),
        body,
        signed,
        secrets,
        retry_until: Instant::now() + RETRY_FOR,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyAnswer {
    credentials: Option<Object<Given>>,
    #[serde(default)]
    expired_time: Field<u64>,
    #[serde(default)]
    error: Field<Object<ErrorBody>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    token: Option<SecretString>,
    tmp_secret_id: Option<String>,
    tmp_secret_key: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IdentityAnswer {
    #[serde(default)]
    account_id: Field<Text>,
    #[serde(default)]
    arn: Field<Text>,
    #[serde(default)]
    error: Field<Object<ErrorBody>>,
}

impl Content for KeyAnswer {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

impl Content for IdentityAnswer {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}

impl IdentityAnswer {
    fn into_identity(self, echo: &Echo) -> Result<CallerIdentity, String> {
        let Text(uin) = self.account_id.required("AccountId")?;
        if uin.is_empty() {
            return Err("the answer has no AccountId".to_owned());
        }
        // It is for people, and may be absent.
        let arn = match self.arn {
            Field::Given(Text(arn)) => echo.hide_in_name(arn),
            Field::Absent | Field::Unreadable(_) => String::new(),
        };
        Ok(CallerIdentity { uin, arn })
    }
}

impl KeyAnswer {
    fn into_temporary(self, duration: Duration, now: SystemTime) -> Result<Temporary, String> {
        let missing = |field: &str| format!("the answer has no {field}");
        let Some(Object(key)) = self.credentials else {
            return Err(missing("Credentials"));
        };
        let expired_time = self.expired_time.required("ExpiredTime")?;
        let id = key.tmp_secret_id.ok_or_else(|| missing("TmpSecretId"))?;
        let secret = key.tmp_secret_key.ok_or_else(|| missing("TmpSecretKey"))?;
        let token = key.token.ok_or_else(|| missing("Token"))?;
        let credential = Credential::new(id, secret, Some(token))
            .map_err(|part| format!("the answer's {part} cannot be one"))?;
        Ok(Temporary::new(credential, expired_time, now, duration))
    }
}
