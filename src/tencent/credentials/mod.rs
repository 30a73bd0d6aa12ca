//! Where the keys come from. A provider is asked before every call; what it gives is one value, so
//! that an id, a key and a token of different generations never meet.

pub use super::credential::{Credential, Temporary};
pub use super::provider::{CredentialFuture, InvalidateFuture, Provider, ProviderState};

// The providers.
pub use self::assumed::AssumedRole;
pub use self::cvm_role::CvmRole;
pub use self::environment::EnvironmentProvider;
pub use self::fixed::FixedProvider;
pub use self::key_files::KeyFiles;
pub use self::profile::Profile;
pub use self::tke_oidc::TkeOidc;

// What providers have in common: keys that are renewed, keys that are read again.
pub use self::pinned::PinnedProvider;
pub use self::refreshing::{FetchFuture, RefreshingProvider, Source};
pub use self::reloading::{CredentialFile, ReloadingProvider};
pub use self::verified::{Owner, VerifiedProvider, is_denied, must_be_of};

// Where to look when nothing is configured.
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
