//! The simulator: its clock, its settings, and the entry point for requests.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};

use crate::sim::account::{Account, NotFound};
use crate::sim::calls::Call;
use crate::sim::cos;
use crate::sim::delivery;
use crate::sim::fault::Fault;
use crate::sim::fault_queue::{FaultId, Faults};
use crate::sim::gateway;
use crate::sim::instance::Instance;
use crate::sim::metadata;
use crate::sim::reply::{Delivery, Reply};
use crate::sim::state::{State, StateHandle};

/// A simulated Tencent Cloud. Clones share its state.
#[derive(Clone)]
pub struct World(Arc<Shared>);

struct Shared {
    state: StateHandle,
    faults: Mutex<Faults>,
}

impl World {
    /// Creates an empty simulator. Its clock shows `start` now and advances with Tokio's time.
    pub fn new(start: SystemTime) -> Self {
        Self(Arc::new(Shared {
            state: StateHandle::new(start),
            faults: Mutex::default(),
        }))
    }

    /// Returns the time of the simulator's clock.
    pub fn now(&self) -> SystemTime {
        self.state().now()
    }

    /// Sets how many seconds the simulator's clock is ahead, or behind if negative.
    pub fn set_skew_seconds(&self, seconds: i64) {
        self.state().settings.skew_seconds = seconds;
    }

    /// Delays every response by this time.
    pub fn set_latency(&self, latency: Duration) {
        self.state().settings.latency = latency;
    }

    /// Sets how many calls of one action a principal may make in a sliding second; 20 by default.
    /// All keys of a role are one principal. `AssumeRole` has a limit of its own.
    pub fn set_rate_limit(&self, calls_per_second: usize) {
        self.state().settings.rate_limit = calls_per_second;
    }

    /// Silently limits the tracks of a page, whatever the request says; 100 by default.
    pub fn set_max_page_size(&self, tracks: u64) {
        self.state().settings.max_page_size = tracks.max(1);
    }

    /// Limits how long new keys of roles are valid, in whole seconds, whatever the request says.
    /// With a few seconds, a test sees many refreshes.
    pub fn set_max_role_duration(&self, life: Duration) {
        self.state().settings.max_role_duration = life;
    }

    /// Sets how long after an operation its record appears; 0 by default. It holds for operations from
    /// now on.
    pub fn set_record_delay(&self, delay: Duration) {
        self.state().settings.record_delay = delay;
    }

    /// Delivers what tracks have to deliver until now. Every request does this first.
    pub fn deliver(&self) {
        let now = self.now();
        delivery::deliver_until(&mut self.state(), now);
    }

    /// Returns the account. If it does not exist, adds it without keys and tracks.
    pub fn add_account(&self, uin: &str) -> Account {
        self.state().accounts.entry(uin.to_owned()).or_default();
        Account::new(self.0.state.clone(), uin)
    }

    /// Returns the account.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not exist.
    pub fn account(&self, uin: &str) -> Result<Account, NotFound> {
        if self.state().accounts.contains_key(uin) {
            Ok(Account::new(self.0.state.clone(), uin))
        } else {
            Err(NotFound::account(uin))
        }
    }

    /// Attaches a role of this account to the machine that queries the metadata service. While the
    /// account has no such role, the service responds with 404.
    pub fn bind_machine(&self, uin: &str, role: &str) {
        self.state().instance = Some(Instance::new(uin, role));
    }

    /// Detaches the role from the machine. Its current key stays valid until it expires.
    pub fn unbind_machine(&self) {
        self.state().instance = None;
    }

    /// Returns the secret keys and tokens of all temporary keys, including keys that expired within
    /// the last minute. The exporter must never print one of them.
    pub fn issued_secrets(&self) -> Vec<String> {
        self.state().keys.temporary_secrets()
    }

    /// Appends a fault to the queue.
    pub fn inject(&self, fault: Fault) -> FaultId {
        self.faults().push(fault)
    }

    /// Removes a fault from the queue.
    pub fn clear(&self, fault: FaultId) {
        self.faults().clear(fault);
    }

    /// Removes every fault from the queue.
    pub fn clear_faults(&self) {
        self.faults().clear_all();
    }

    /// Returns the number of queued faults.
    pub fn pending_faults(&self) -> usize {
        self.faults().len()
    }

    /// Returns the latest calls, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.latest()
    }

    /// Returns the number of calls so far.
    pub fn call_count(&self) -> u64 {
        self.state().calls.total()
    }

    /// Returns the number of calls of an action, or of the metadata service (`metadata`).
    pub fn call_count_of(&self, action: &str) -> u64 {
        self.state().calls.total_of(action)
    }

    /// Returns the number of calls that were refused because of their key, signature, token or
    /// timestamp.
    pub fn refused_signatures(&self) -> u64 {
        self.state().calls.refused_signatures()
    }

    /// Returns the most calls of any one action that a principal made in a sliding second. A role
    /// is named by its ARN; all its keys are one principal.
    pub fn peak_per_second(&self, identity: &str) -> usize {
        self.state().calls.peak_per_second(identity)
    }

    /// Returns the most calls of this action that a principal made in a sliding second.
    pub fn peak_of(&self, action: &str, identity: &str) -> usize {
        self.state().calls.peak_of(action, identity)
    }

    /// Handles a request in memory, with the response that a socket would get. A hanging response
    /// never completes, so the caller needs a timeout.
    pub async fn answer(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportFault> {
        let reply = self.reply(&request);
        reply.wait_until_due().await;
        match reply.delivery {
            Delivery::Whole => Ok(reply.response),
            Delivery::Dripping { over } => {
                tokio::time::sleep(over).await;
                Ok(reply.response)
            }
            Delivery::Truncated => {
                let first_half = reply.first_half();
                Err(TransportFault::Truncated(
                    reply.response.map(|_| first_half),
                ))
            }
            Delivery::Reset => Err(TransportFault::Reset),
            Delivery::Never => std::future::pending().await,
        }
    }

    /// Decides on a response at once, by the current state. The caller waits for its delay.
    pub(super) fn reply(&self, request: &Request<Bytes>) -> Reply {
        let now = self.now();
        let mut state = self.state();
        delivery::deliver_until(&mut state, now);
        let (mut call, answer) = if cos::is_cos_request(request) {
            cos::handle(&mut state, request, now)
        } else if metadata::is_metadata_request(request) {
            metadata::handle(&mut state, request, now)
        } else {
            gateway::handle(&mut state, request, now)
        };
        let effect = self.faults().take(&call);
        call.fault = effect.as_ref().map(|effect| effect.name().to_owned());
        let uin = call.uin.clone();
        let read = gateway::Read::of(&state, &call);
        let request_id = state.calls.record(call);
        if let Some(read) = read {
            read.record(&mut state, &request_id, now);
        }
        let latency = state.settings.latency;
        drop(state);

        let mut reply = Reply::new(answer, &request_id, now, latency);
        if let Some(effect) = effect {
            let account = uin.and_then(|uin| self.account(&uin).ok());
            effect.apply(&mut reply, account.as_ref());
        }
        reply
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        let faults = self.0.faults.lock();
        faults.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

/// A response that did not arrive, or not completely.
#[derive(Clone, Debug)]
pub enum TransportFault {
    /// The connection was reset before the response.
    Reset,
    /// The connection was closed within the body. The response has the part that arrived; its
    /// `Content-Length` promises more.
    Truncated(Response<Bytes>),
}

impl fmt::Display for TransportFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset => f.write_str("connection reset by the simulated cloud"),
            Self::Truncated(part) => write!(
                f,
                "connection closed by the simulated cloud after {} bytes of the body",
                part.body().len()
            ),
        }
    }
}

impl std::error::Error for TransportFault {}
