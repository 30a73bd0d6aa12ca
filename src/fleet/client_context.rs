//! What all API clients and credential providers of a process share.

use std::sync::Arc;

use super::endpoints::api_endpoint;
use super::environment::Environment;
use super::file_providers::FileProviders;
use super::pacers::{Identity, Pacers};
use crate::clock::Clock;
use crate::config;
use crate::shard::Shard;
use crate::tencent::credentials::Provider;
use crate::tencent::sts::{STS_NAME, STS_PER_SECOND, Sts};
use crate::tencent::{ClientParts, Observer, Transport};

/// What all API clients and credential providers of a process share.
pub(super) struct ClientContext {
    pub(super) environment: Environment,
    pub(super) clock: Clock,
    pub(super) pacers: Pacers,
    pub(super) file_providers: FileProviders,
    /// Divides the rate of requests that every shard sends with the same key.
    pub(super) shard: Shard,
    /// Whether there is a state file.
    pub(super) keeps_state: bool,
    /// Observes the requests that belong to no account.
    pub(super) process: Arc<dyn Observer>,
}

impl ClientContext {
    /// Returns the parts of a client for `identity`. The rate is used if the identity has no pacer
    /// yet.
    pub(super) fn client_parts(
        &mut self,
        identity: &Identity,
        per_second: impl Into<f64>,
        transport: Arc<dyn Transport>,
        provider: Arc<dyn Provider>,
    ) -> ClientParts {
        ClientParts {
            endpoint: identity.endpoint.clone(),
            transport,
            pacer: self.pacers.get(identity, per_second),
            in_flight: self.pacers.in_flight(&identity.endpoint),
            provider,
            clock: self.clock.clone(),
        }
    }

    /// Returns a client of STS that signs with the keys of `provider`.
    pub(super) fn sts(
        &mut self,
        endpoint: &config::Endpoint,
        transport: Arc<dyn Transport>,
        provider: Arc<dyn Provider>,
    ) -> Arc<Sts> {
        let identity = Identity {
            endpoint: api_endpoint(endpoint),
            service: STS_NAME,
            principal: provider.identity().unwrap_or_default(),
        };
        // All shards may assume the roles of their accounts with the same key.
        let rate = self.shard.share(STS_PER_SECOND);
        let parts = self.client_parts(&identity, rate, transport, provider);
        Arc::new(Sts::new(parts, Arc::clone(&self.process)))
    }
}
