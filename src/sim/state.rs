//! Everything in the simulator that can change, except its faults.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::sim::calls::Calls;
use crate::sim::instance::Instance;
use crate::sim::keys::Keys;
use crate::sim::member::Member;
use crate::sim::operations::Operations;
use crate::sim::role::Role;
use crate::sim::storage::Storage;
use crate::sim::track::Track;

/// A handle to the state. Clones share it.
#[derive(Clone)]
pub(super) struct StateHandle(Arc<Mutex<State>>);

impl StateHandle {
    /// Creates an empty state whose clock shows `start` now.
    pub(super) fn new(start: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(State {
            start,
            began: Instant::now(),
            settings: Settings::default(),
            accounts: BTreeMap::new(),
            keys: Keys::default(),
            instance: None,
            storage: Storage::default(),
            calls: Calls::default(),
        })))
    }

    /// Locks the state. A test whose closure panicked under the lock leaves nothing half-changed
    /// that matters.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for StateHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateHandle").finish_non_exhaustive()
    }
}

pub(super) struct State {
    start: SystemTime,
    began: Instant,
    pub(super) settings: Settings,
    pub(super) accounts: BTreeMap<String, AccountState>,
    pub(super) keys: Keys,
    pub(super) instance: Option<Instance>,
    pub(super) storage: Storage,
    pub(super) calls: Calls,
}

impl State {
    /// Returns the time of the simulator's clock.
    pub(super) fn now(&self) -> SystemTime {
        let skew = self.settings.skew_seconds;
        let unskewed = self.start + self.began.elapsed();
        let by = Duration::from_secs(skew.unsigned_abs());
        if skew < 0 {
            unskewed - by
        } else {
            unskewed + by
        }
    }
}

/// How the simulator treats every client.
pub(super) struct Settings {
    pub(super) skew_seconds: i64,
    pub(super) latency: Duration,
    pub(super) rate_limit: usize,
    pub(super) max_page_size: u64,
    pub(super) max_role_duration: Duration,
    /// How long after an operation its record appears.
    pub(super) record_delay: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            skew_seconds: 0,
            latency: Duration::ZERO,
            rate_limit: DOCUMENTED_RATE_LIMIT,
            max_page_size: DEFAULT_MAX_PAGE_SIZE,
            max_role_duration: Duration::MAX,
            record_delay: Duration::ZERO,
        }
    }
}

/// "A maximum of 20 requests can be initiated per second for this API."
const DOCUMENTED_RATE_LIMIT: usize = 20;

/// The documentation names no maximum. This one is above what any known client requests.
const DEFAULT_MAX_PAGE_SIZE: u64 = 100;

/// An account: its roles, regions, members and tracks.
pub(super) struct AccountState {
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) regions: Vec<String>,
    /// The members of the organization that this account manages, or `None`.
    pub(super) members: Option<Vec<Member>>,
    pub(super) operations: Operations,
    app_id: Option<String>,
    global: Vec<Track>,
    regional: BTreeMap<String, Vec<Track>>,
}

/// The regions of CloudAudit according to the documentation of `CreateAuditTrack`.
const CLOUDAUDIT_REGIONS: [&str; 6] = [
    "ap-guangzhou",
    "ap-hongkong",
    "ap-seoul",
    "ap-singapore",
    "ap-tokyo",
    "eu-frankfurt",
];

impl Default for AccountState {
    fn default() -> Self {
        Self {
            roles: BTreeMap::new(),
            regions: CLOUDAUDIT_REGIONS.map(str::to_owned).to_vec(),
            members: None,
            operations: Operations::default(),
            app_id: None,
            global: Vec::new(),
            regional: BTreeMap::new(),
        }
    }
}

impl AccountState {
    /// Returns the tracks that this region lists, in their order.
    pub(super) fn tracks(&self, region: &str) -> &[Track] {
        self.regional.get(region).unwrap_or(&self.global)
    }

    /// Returns the tracks of all regions.
    pub(super) fn all_tracks(&self) -> impl Iterator<Item = &Track> {
        self.global.iter().chain(self.regional.values().flatten())
    }

    /// Returns the APPID of the account with this UIN.
    pub(super) fn app_id(&self, uin: &str) -> String {
        let made = || format!("125{}", &uin[uin.len().saturating_sub(7)..]);
        self.app_id.clone().unwrap_or_else(made)
    }

    pub(super) fn set_app_id(&mut self, app_id: &str) {
        self.app_id = Some(app_id.to_owned());
    }

    /// Returns the tracks of a region that has its own, or of all other regions.
    pub(super) fn tracks_mut(&mut self, region: Option<&str>) -> &mut Vec<Track> {
        match region {
            Some(region) => self.regional.entry(region.to_owned()).or_default(),
            None => &mut self.global,
        }
    }

    /// Sets up the account as a member of an organization.
    pub(super) fn set_up_member(&mut self, role: Role, tracks: Vec<Track>) {
        self.roles.insert(role.name().to_owned(), role);
        self.global = tracks;
    }
}
