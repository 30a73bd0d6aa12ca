//! Which calls a limit counts: those of one identity, or those to one endpoint.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use tokio::sync::Semaphore;

use crate::tencent::{Endpoint, MAX_IN_FLIGHT, Pacer, SourceIpLimit};

/// Who a rate limit is counted for, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) endpoint: Endpoint,
    /// The product: each counts for itself, also where one address serves two.
    pub(super) service: &'static str,
    /// A secret id, or a role; never a temporary key.
    pub(super) principal: String,
}

/// The pacers of a process, one for each identity, and what all calls to an endpoint share.
#[derive(Default)]
pub(super) struct Pacers {
    /// Held weakly: a pacer lives as long as somebody calls with it, over every reload.
    known: HashMap<Identity, Weak<Pacer>>,
    endpoints: HashMap<Endpoint, SharedLimits>,
}

/// The limits of the address that the process calls an endpoint from. Each endpoint counts for
/// itself, so what one refuses, or never answers, holds up no calls to another.
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
    /// The pacer of an identity; the rate is for a new one.
    pub(super) fn get(&mut self, identity: &Identity, per_second: impl Into<f64>) -> Arc<Pacer> {
        if let Some(pacer) = self.known.get(identity).and_then(Weak::upgrade) {
            return pacer;
        }
        let source_ip = self.at(&identity.endpoint).source_ip.clone();
        let pacer = Arc::new(Pacer::new(per_second, source_ip));
        self.known.insert(identity.clone(), Arc::downgrade(&pacer));
        pacer
    }

    /// The calls to an endpoint that may be in flight.
    pub(super) fn in_flight(&mut self, endpoint: &Endpoint) -> Arc<Semaphore> {
        Arc::clone(&self.at(endpoint).in_flight)
    }

    fn at(&mut self, endpoint: &Endpoint) -> &SharedLimits {
        self.endpoints.entry(endpoint.clone()).or_default()
    }

    /// Forgets those that nobody calls with any more.
    pub(super) fn prune(&mut self) {
        self.known.retain(|_, pacer| pacer.strong_count() > 0);
        // A caller with a pacer has the endpoint's semaphore too.
        let is_used = |limits: &SharedLimits| Arc::strong_count(&limits.in_flight) > 1;
        self.endpoints.retain(|_, limits| is_used(limits));
    }
}
