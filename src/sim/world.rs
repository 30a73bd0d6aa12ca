//! The world: its clock, its settings, its state, and the one way to ask it something.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;

use crate::sim::account::{Account, AccountState, NotFound};
use crate::sim::calls::{Call, Calls};
use crate::sim::fault::Fault;
use crate::sim::fault_queue::{FaultId, Faults};
use crate::sim::gateway;
use crate::sim::keys::Keys;
use crate::sim::metadata::{self, Machine};
use crate::sim::reply::{Delivery, Reply};

/// A simulated Tencent Cloud. Clones are handles to the same world.
#[derive(Clone)]
pub struct World(Arc<Shared>);

struct Shared {
    start: SystemTime,
    began: Instant,
    state: Mutex<State>,
}

/// Everything that may change.
#[derive(Default)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) accounts: BTreeMap<String, AccountState>,
    pub(super) keys: Keys,
    pub(super) machine: Option<Machine>,
    pub(super) faults: Faults,
    pub(super) calls: Calls,
}

/// How the world behaves towards everybody.
pub(super) struct Settings {
    pub(super) skew_seconds: i64,
    pub(super) latency: Duration,
    pub(super) rate_limit: usize,
    pub(super) max_page_size: u64,
    pub(super) max_role_duration: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            skew_seconds: 0,
            latency: Duration::ZERO,
            rate_limit: DOCUMENTED_RATE_LIMIT,
            max_page_size: DEFAULT_MAX_PAGE_SIZE,
            max_role_duration: Duration::MAX,
        }
    }
}

/// "A maximum of 20 requests can be initiated per second for this API."
const DOCUMENTED_RATE_LIMIT: usize = 20;

/// The documentation names no maximum; this one is above what any known client asks for.
const DEFAULT_MAX_PAGE_SIZE: u64 = 100;

impl World {
    /// An empty world whose clock shows `start` now and goes on with Tokio's time.
    pub fn new(start: SystemTime) -> Self {
        Self(Arc::new(Shared {
            start,
            began: Instant::now(),
            state: Mutex::default(),
        }))
    }

    /// What time it is in this world.
    pub fn now(&self) -> SystemTime {
        let skew = self.state().settings.skew_seconds;
        let unskewed = self.0.start + self.0.began.elapsed();
        let by = Duration::from_secs(skew.unsigned_abs());
        if skew < 0 {
            unskewed - by
        } else {
            unskewed + by
        }
    }

    /// Puts this world's clock so many seconds ahead, or behind if negative.
    pub fn set_skew_seconds(&self, seconds: i64) {
        self.state().settings.skew_seconds = seconds;
    }

    /// Every answer takes this long.
    pub fn set_latency(&self, latency: Duration) {
        self.state().settings.latency = latency;
    }

    /// More calls of one action by one identity in a sliding second are throttled. 20 at first.
    /// A role is one identity under all its keys, and `AssumeRole` has a limit of its own.
    pub fn set_rate_limit(&self, calls_per_second: usize) {
        self.state().settings.rate_limit = calls_per_second;
    }

    /// Pages hold no more than this, whatever is asked for; nobody is told. 100 at first.
    pub fn set_max_page_size(&self, tracks: u64) {
        self.state().settings.max_page_size = tracks.max(1);
    }

    /// No key that is issued for a role from here on lives longer, whatever is asked for: with a
    /// few seconds, a test sees many renewals. Whole seconds count.
    pub fn set_max_role_duration(&self, life: Duration) {
        self.state().settings.max_role_duration = life;
    }

    /// The account, made if it is not there yet: without identities and without tracks.
    pub fn add_account(&self, uin: &str) -> Account {
        self.state().accounts.entry(uin.to_owned()).or_default();
        Account::new(self.clone(), uin)
    }

    /// The account, if it is there.
    pub fn account(&self, uin: &str) -> Result<Account, NotFound> {
        if self.state().accounts.contains_key(uin) {
            Ok(Account::new(self.clone(), uin))
        } else {
            Err(NotFound::account(uin))
        }
    }

    /// Gives a role of this account to the machine that asks the metadata service. While there
    /// is no such role, it answers 404.
    pub fn bind_machine(&self, uin: &str, role: &str) {
        self.state().machine = Some(Machine::new(uin, role));
    }

    /// Takes the role from the machine again; the key that it has goes on until it ends.
    pub fn unbind_machine(&self) {
        self.state().machine = None;
    }

    /// The keys and tokens of all temporary keys that are known, those too that ended within the
    /// last minute: what whoever was given them must never print.
    pub fn issued_secrets(&self) -> Vec<String> {
        self.state().keys.temporary_secrets()
    }

    /// Queues a fault behind those that wait already.
    pub fn inject(&self, fault: Fault) -> FaultId {
        self.state().faults.push(fault)
    }

    /// Takes back one fault, however often it was still to be played.
    pub fn clear(&self, fault: FaultId) {
        self.state().faults.clear(fault);
    }

    /// Takes back every fault.
    pub fn clear_faults(&self) {
        self.state().faults.clear_all();
    }

    /// How many faults still wait to be played.
    pub fn pending_faults(&self) -> usize {
        self.state().faults.len()
    }

    /// The latest calls, oldest first; see [`Call`].
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.latest()
    }

    /// How many calls there have been.
    pub fn call_count(&self) -> u64 {
        self.state().calls.total()
    }

    /// How many of them were of this action, or of `metadata`.
    pub fn call_count_of(&self, action: &str) -> u64 {
        self.state().calls.total_of(action)
    }

    /// How many calls were refused for their key, signature, token or time.
    pub fn refused_signatures(&self) -> u64 {
        self.state().calls.refused_signatures()
    }

    /// The most calls of one action that this identity made in any sliding second. A role is named
    /// by its ARN, and is one identity under all its keys.
    pub fn peak_per_second(&self, identity: &str) -> usize {
        self.state().calls.peak_per_second(identity)
    }

    /// The same of one action.
    pub fn peak_of(&self, action: &str, identity: &str) -> usize {
        self.state().calls.peak_of(action, identity)
    }

    /// Answers a request as it would be answered over the wire, in memory. A hanging answer pends
    /// for ever: it is the asker who must have a time limit.
    pub async fn answer(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportFault> {
        let reply = self.reply(&request);
        reply.due().await;
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

    /// Decides at once, by the world as it is now; what takes time is left to the one who delivers.
    pub(super) fn reply(&self, request: &Request<Bytes>) -> Reply {
        let now = self.now();
        let mut state = self.state();
        let (mut call, answer) = if metadata::is_metadata_request(request) {
            metadata::handle(&mut state, request, now)
        } else {
            gateway::handle(&mut state, request, now)
        };
        let effect = state.faults.take(&call);
        call.fault = effect.as_ref().map(|effect| effect.name().to_owned());
        let uin = call.uin.clone();
        let request_id = state.calls.record(call);
        let latency = state.settings.latency;
        drop(state);

        let mut reply = Reply::new(answer, &request_id, now, latency);
        if let Some(effect) = effect {
            let asker = uin.and_then(|uin| self.account(&uin).ok());
            effect.play(&mut reply, asker.as_ref());
        }
        reply
    }

    /// A closure of a test that panicked in here has left nothing half done that matters.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

/// No answer arrived, or not all of it.
#[derive(Clone, Debug)]
pub enum TransportFault {
    /// The connection was reset before anything was answered.
    Reset,
    /// The connection ended within the body: this much arrived, and the `Content-Length` promised
    /// more.
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
