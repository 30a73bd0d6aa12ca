//! Whose calls a limit counts.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::tencent::{AddressBrake, Endpoint, Pacer};

/// Who a rate limit is counted for, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) endpoint: Endpoint,
    /// The product: each counts for itself, also where one address serves two.
    pub(super) service: &'static str,
    /// A secret id, or a role; never a temporary key.
    pub(super) who: String,
}

/// The pacers of a process, one for each identity.
#[derive(Default)]
pub(super) struct Pacers {
    /// Held weakly: a pacer lives as long as somebody calls with it, over every reload.
    known: HashMap<Identity, Weak<Pacer>>,
    address: AddressBrake,
}

impl Pacers {
    /// The pacer of an identity; the rate is for a new one.
    pub(super) fn of(&mut self, identity: &Identity, per_second: impl Into<f64>) -> Arc<Pacer> {
        if let Some(pacer) = self.known.get(identity).and_then(Weak::upgrade) {
            return pacer;
        }
        let pacer = Arc::new(Pacer::sharing(per_second, self.address.clone()));
        self.known.insert(identity.clone(), Arc::downgrade(&pacer));
        pacer
    }

    /// Forgets those that nobody calls with any more.
    pub(super) fn forget(&mut self) {
        self.known.retain(|_, pacer| pacer.strong_count() > 0);
    }
}
