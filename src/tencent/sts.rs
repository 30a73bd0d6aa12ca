//! STS: temporary keys for roles, and the owner of a key.
//!
//! Source: the STS API, version 2018-08-13 (`AssumeRole`, `AssumeRoleWithWebIdentity`,
//! `GetCallerIdentity`).

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::api_client::{ApiClient, ClientParts};
use super::call::{Call, CallLimits};
use super::credential::Temporary;
use super::envelope::parse_response;
use super::observer::Observer;
use super::provider::Provider;
use super::redactor::Redactor;
use super::signer::Service;
use super::sts_wire::{AssumeRoleRequest, AssumeRoleResponse, CallerIdentityResponse};
pub use super::sts_wire::{CallerIdentity, Role};
use super::transport::separate;
use crate::failure::Failure;

/// The name of the product in signatures.
pub const STS_NAME: &str = "sts";

const STS: Service = Service {
    name: STS_NAME,
    version: "2018-08-13",
};

/// The region that the official SDKs send, on every site.
const REGION: &str = "ap-guangzhou";

/// The rate of one identity, in requests per second. The API allows 600 for `AssumeRole`; this leaves
/// room for other programs.
pub const STS_PER_SECOND: u32 = 100;

const LIMITS: CallLimits = CallLimits {
    timeout: Duration::from_secs(10),
    attempts: 3,
};

/// How long a call is retried. A poll waits for its result.
const RETRY_FOR: Duration = Duration::from_secs(20);

/// The API's name of the action that assumes a role.
pub const ASSUME_ROLE: &str = "AssumeRole";

/// The API's name of the action that exchanges an OIDC token for a key.
pub const ASSUME_ROLE_WITH_WEB_IDENTITY: &str = "AssumeRoleWithWebIdentity";

/// The API's name of the action that returns the owner of a key.
pub const GET_CALLER_IDENTITY: &str = "GetCallerIdentity";

/// Calls STS with one identity.
pub struct Sts {
    api: ApiClient,
    observer: Arc<dyn Observer>,
}

impl Sts {
    /// Creates a client that reports each request to `observer`.
    pub fn new(parts: ClientParts, observer: Arc<dyn Observer>) -> Self {
        let api = ApiClient::new(STS, parts, LIMITS);
        Self { api, observer }
    }

    /// Returns a client with another identity and connections of its own.
    #[must_use]
    pub fn with(&self, provider: Arc<dyn Provider>) -> Self {
        let parts = self.api.parts().clone();
        let parts = ClientParts {
            provider,
            transport: separate(&parts.transport, &parts.endpoint.host),
            ..parts
        };
        Self::new(parts, Arc::clone(&self.observer))
    }

    /// Where the keys come from that it is called with.
    pub(super) fn provider(&self) -> &Arc<dyn Provider> {
        &self.api.parts().provider
    }

    /// Assumes a role.
    ///
    /// # Errors
    ///
    /// The failure of the call: `UnauthorizedOperation` if the role does not trust the caller or the
    /// caller lacks the permission, `ResourceNotFound.RoleNotFound` if the role does not exist.
    pub async fn assume_role(&self, role: &Role) -> Result<Temporary, Failure> {
        let external_id = role.external_id.as_ref().map(ExposeSecret::expose_secret);
        let request = AssumeRoleRequest {
            external_id,
            ..AssumeRoleRequest::new(role)
        };
        let secrets: Vec<&str> = external_id.into_iter().collect();
        self.key(ASSUME_ROLE, true, &request, &secrets, role.duration)
            .await
    }

    /// Exchanges a token of an identity provider that the account trusts for a key of a role. The
    /// request is not signed; the token replaces the signature.
    ///
    /// # Errors
    ///
    /// The failure of the call: `InvalidParameter.WebIdentityTokenError` if STS rejects the token.
    pub async fn assume_role_with_web_identity(
        &self,
        role: &Role,
        provider_id: &str,
        token: &SecretString,
    ) -> Result<Temporary, Failure> {
        let token = token.expose_secret();
        let request = AssumeRoleRequest {
            provider_id: Some(provider_id),
            web_identity_token: Some(token),
            ..AssumeRoleRequest::new(role)
        };
        let action = ASSUME_ROLE_WITH_WEB_IDENTITY;
        self.key(action, false, &request, &[token], role.duration)
            .await
    }

    /// Returns the owner of this client's key.
    ///
    /// # Errors
    ///
    /// The failure of the call.
    pub async fn caller_identity(&self) -> Result<CallerIdentity, Failure> {
        let call = call(GET_CALLER_IDENTITY, true, "{}", &[]);
        let parse = |body: &[u8], redactor: &Redactor| {
            parse_response(body, redactor, |response: CallerIdentityResponse| {
                response.into_identity(redactor)
            })
        };
        self.api.call(call, &*self.observer, parse).await
    }

    async fn key(
        &self,
        action: &'static str,
        signed: bool,
        request: &AssumeRoleRequest<'_>,
        secrets: &[&str],
        duration: Duration,
    ) -> Result<Temporary, Failure> {
        let body = request.json();
        let call = call(action, signed, &body, secrets);
        let now = self.api.parts().clock.now().wall;
        let parse = |body: &[u8], redactor: &Redactor| {
            parse_response(body, redactor, |response: AssumeRoleResponse| {
                response.into_temporary(duration, now)
            })
        };
        self.api.call(call, &*self.observer, parse).await
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
