//! The interface of a credential provider. A client requests the credential before every request. The
//! credential is one value, so that an id, a key and a token of different generations never mix.

use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use super::credential::Credential;
use crate::failure::Failure;

/// The future of a credential.
pub type CredentialFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<Credential>, Failure>> + Send + 'a>>;

/// The future of whether there is another credential.
pub type InvalidateFuture<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// A source of credentials.
pub trait Provider: Send + Sync {
    /// Returns the name of the provider, for the label `provider`.
    fn name(&self) -> &'static str;

    /// Returns the identity of the credentials, if it is known before the first one. Requests with the
    /// same identity share a rate limit.
    fn identity(&self) -> Option<String>;

    /// Returns the credential to sign the next request with.
    ///
    /// # Errors
    ///
    /// A failure with the reason `credentials`, if the provider has no credential.
    fn credential(&self) -> CredentialFuture<'_>;

    /// Reports that the API refused a credential. Returns whether the provider has found another one.
    fn invalidate<'a>(&'a self, _credential: &'a Arc<Credential>) -> InvalidateFuture<'a> {
        Box::pin(std::future::ready(false))
    }

    /// Returns the state of the credentials. `None` if the credential never changes.
    fn state(&self) -> Option<ProviderState>;

    /// Returns the files that the keys are read from. `None` if they are not in files.
    fn location(&self) -> Option<String> {
        None
    }

    /// Returns the UIN of the account that the keys belong to, if known.
    fn owner(&self) -> Option<String> {
        None
    }
}

/// Fetches another credential instead of one that belongs to another account: the response with it
/// may have belonged to another request. `None` if the provider has no other.
///
/// # Errors
///
/// As [`Provider::credential`].
pub(super) async fn replacement(
    provider: &dyn Provider,
    credential: &Arc<Credential>,
) -> Result<Option<Arc<Credential>>, Failure> {
    if !provider.invalidate(credential).await {
        return Ok(None);
    }
    provider.credential().await.map(Some)
}

/// The state of a provider's credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderState {
    /// When the current key expires. `None` if it does not expire.
    pub expires: Option<SystemTime>,
    /// When the current key was obtained. `None` without a key, or if it never changes.
    pub changed: Option<SystemTime>,
    /// The number of keys obtained.
    pub refreshes: u64,
    /// The number of failed refreshes.
    pub failures: u64,
    /// Why the last refresh failed. `None` if it succeeded, or if each request reads the key.
    pub failure: Option<Failure>,
}
