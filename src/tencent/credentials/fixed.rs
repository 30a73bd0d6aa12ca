//! A key in the configuration.

use std::sync::Arc;

use super::{Credential, CredentialFuture, Provider, ProviderState};

/// Always provides the same credential.
#[derive(Debug)]
pub struct FixedProvider {
    credential: Arc<Credential>,
}

impl FixedProvider {
    /// Provides `credential`.
    pub fn new(credential: Credential) -> Self {
        Self::of(Arc::new(credential))
    }

    /// Provides a shared credential.
    pub fn of(credential: Arc<Credential>) -> Self {
        Self { credential }
    }
}

impl Provider for FixedProvider {
    fn name(&self) -> &'static str {
        "inline"
    }

    fn identity(&self) -> Option<String> {
        Some(self.credential.secret_id().to_owned())
    }

    fn state(&self) -> Option<ProviderState> {
        None
    }

    fn credential(&self) -> CredentialFuture<'_> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.credential))))
    }
}
