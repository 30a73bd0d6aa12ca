//! The pacers and the limits of endpoints, which accounts share.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use tokio::sync::Semaphore;

use crate::tencent::{Endpoint, MAX_IN_FLIGHT, Pacer, SourceIpLimit};

/// The identity that the API counts requests for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(super) endpoint: Endpoint,
    /// The product, or `DescribeEvents`, which has a limit of its own. Each product has its own limit,
    /// even if two share an endpoint.
    pub(super) service: &'static str,
    /// A secret id or a role; never a temporary key.
    pub(super) principal: String,
}

/// The pacers of all identities, and the limits of all endpoints.
#[derive(Default)]
pub(super) struct Pacers {
    /// Weak references: a pacer lives as long as a client uses it, over every reload.
    known: HashMap<Identity, Weak<Pacer>>,
    endpoints: HashMap<Endpoint, SharedLimits>,
}

/// The limits of an endpoint. They are separate, so that a slow or refusing endpoint does not delay
/// requests to another.
struct SharedLimits {
    source_ip: SourceIpLimit,
    in_flight: Arc<Semaphore>,
}

impl Default for SharedLimits {
    fn default() -> Self {
        Self {
            source_ip: SourceIpLimit::default(),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
        }
    }
}

impl Pacers {
    /// Returns the pacer of an identity. The rate is used only if the pacer is new.
    pub(super) fn get(&mut self, identity: &Identity, per_second: impl Into<f64>) -> Arc<Pacer> {
        if let Some(pacer) = self.known.get(identity).and_then(Weak::upgrade) {
            return pacer;
        }
        let source_ip = self.at(&identity.endpoint).source_ip.clone();
        let pacer = Arc::new(Pacer::new(per_second, source_ip));
        self.known.insert(identity.clone(), Arc::downgrade(&pacer));
        pacer
    }

    /// Returns the semaphore that caps the requests in flight to an endpoint.
    pub(super) fn in_flight(&mut self, endpoint: &Endpoint) -> Arc<Semaphore> {
        Arc::clone(&self.at(endpoint).in_flight)
    }

    fn at(&mut self, endpoint: &Endpoint) -> &SharedLimits {
        self.endpoints.entry(endpoint.clone()).or_default()
    }

    /// Drops the pacers and limits that no client uses.
    pub(super) fn prune(&mut self) {
        self.known.retain(|_, pacer| pacer.strong_count() > 0);
        // A client with a pacer also holds the semaphore of the endpoint.
        let is_used = |limits: &SharedLimits| Arc::strong_count(&limits.in_flight) > 1;
        self.endpoints.retain(|_, limits| is_used(limits));
    }
}
