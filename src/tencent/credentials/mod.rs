//! Where the keys come from. A provider is asked before every call; what it gives is one value, so
//! that an id, a key and a token of different generations never meet.

pub use self::credential::{Credential, Temporary};

// The providers.
pub use self::assumed::AssumedRole;
pub use self::cvm_role::CvmRole;
pub use self::environment::EnvironmentProvider;
pub use self::files::Files;
pub use self::fixed::FixedProvider;
pub use self::profile::Profile;
pub use self::tke_oidc::TkeOidc;

// What providers have in common: keys that are renewed, keys that are read again.
pub use self::pinned::Pinned;
pub use self::renewing::{Fetched, Renewing, Source};
pub use self::rereading::{Rereading, Shelf};
pub use self::verified::{Owner, Verified, is_denied, must_be_of};

// Where to look when nothing is configured.
pub use self::chain::{DEFAULT_PROFILE, Found, look};

mod assumed;
mod chain;
mod credential;
mod cvm_role;
mod environment;
mod files;
mod fixed;
mod ini;
mod key_log;
mod pinned;
mod profile;
mod renewing;
mod rereading;
mod tke_oidc;
mod verified;

use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use crate::failure::{Failure, Reason};

/// A credential that is on its way.
pub type Provided<'a> = Pin<Box<dyn Future<Output = Result<Arc<Credential>, Failure>> + Send + 'a>>;

/// Whether there is another credential.
pub type Renewed<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// A source of credentials.
pub trait Provider: Send + Sync {
    /// Its name, for the label `provider`.
    fn name(&self) -> &'static str;

    /// Who the credentials speak for, where that is known before there is one: calls with the same
    /// identity share a rate limit.
    fn identity(&self) -> Option<String>;

    /// The credential to sign the next call with.
    ///
    /// # Errors
    ///
    /// With the reason `credentials`, where there is none to be had.
    fn credential(&self) -> Provided<'_>;

    /// The API knows this credential no more. True where there is another one now, after looking
    /// for it.
    fn refused<'a>(&'a self, _credential: &'a Arc<Credential>) -> Renewed<'a> {
        Box::pin(std::future::ready(false))
    }

    /// What became of its keys so far; none where there is one that never changes.
    fn state(&self) -> Option<ProviderState>;

    /// The files that the keys are read from; `None` if they are not in files.
    fn place(&self) -> Option<String> {
        None
    }

    /// The UIN of the account that the keys belong to, if known.
    fn owner(&self) -> Option<String> {
        None
    }
}

/// What became of a provider's keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProviderState {
    /// When the key in use ends; none for one that does not.
    pub expires: Option<SystemTime>,
    /// When the key in use was taken up; none where there is none, or where it never changes.
    pub changed: Option<SystemTime>,
    /// How often a key was taken up.
    pub refreshes: u64,
    /// How often none was to be had.
    pub failures: u64,
}

/// No key, for this reason. The code of a call that failed on the way stays.
fn none_to_be_had(why: &str, failure: Failure) -> Failure {
    Failure {
        reason: Reason::Credentials,
        message: format!("no credentials: {why}: {}", failure.message),
        ..failure
    }
}

/// No key, and no call was made.
fn no_credentials(why: impl std::fmt::Display) -> Failure {
    Failure::new(Reason::Credentials, format!("no credentials: {why}"))
}
