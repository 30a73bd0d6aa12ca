//! Where the keys come from. A provider is asked before every call; what it gives is one value, so
//! that an id, a key and a token of different generations never meet.

pub use self::credential::Credential;
pub use self::environment::EnvironmentProvider;
pub use self::fixed::FixedProvider;

// What every provider gives.
mod credential;

// The providers.
mod environment;
mod fixed;

use std::pin::Pin;
use std::sync::Arc;

use crate::failure::Failure;

/// A credential that is on its way.
pub type Provided<'a> = Pin<Box<dyn Future<Output = Result<Arc<Credential>, Failure>> + Send + 'a>>;

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
}
