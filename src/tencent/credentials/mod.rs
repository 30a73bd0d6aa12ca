//! The credential providers. A client requests the credential before every request. The credential
//! is one value, so that an id, a key and a token of different generations never mix.

pub use super::credential::{Credential, Temporary};
pub use super::provider::{CredentialFuture, InvalidateFuture, Provider, ProviderState};

// The providers and sources.
pub use self::assumed::AssumedRole;
pub use self::cvm_role::CvmRole;
pub use self::environment::EnvironmentProvider;
pub use self::fixed::FixedProvider;
pub use self::key_files::KeyFiles;
pub use self::profile::Profile;
pub use self::tke_oidc::TkeOidc;

// The providers around others: refreshing, reloading, and verifying the owner.
pub use self::pinned::PinnedProvider;
pub use self::refreshing::{FetchFuture, RefreshingProvider, Source};
pub use self::reloading::{CredentialFile, ReloadingProvider};
pub use self::verified::{Owner, VerifiedProvider, is_denied, must_be_of};

// The default chain.
pub use self::chain::{ChainSource, DEFAULT_PROFILE, detect};

mod assumed;
mod chain;
mod cvm_role;
mod environment;
mod fixed;
mod ini;
mod key_files;
mod key_log;
mod pinned;
mod profile;
mod refreshing;
mod reloading;
mod tke_oidc;
mod verified;

use crate::failure::{Failure, Reason};

/// Describes a failure to obtain a key. The code of a failed request stays.
fn credentials_failure(why: &str, failure: Failure) -> Failure {
    Failure {
        reason: Reason::Credentials,
        message: format!("no credentials: {why}: {}", failure.message),
        ..failure
    }
}

/// Describes why there is no key, if no request failed.
fn no_credentials(why: impl std::fmt::Display) -> Failure {
    Failure::new(Reason::Credentials, format!("no credentials: {why}"))
}
