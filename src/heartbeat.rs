//! Detects stalled loops: the loop of the runtime and the loop of every account. A loop whose polls all
//! fail is not stalled.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, interval};

/// The time between two heartbeats of the runtime.
const BEAT: Duration = Duration::from_secs(1);

/// A heartbeat that is this late has stopped. This is far longer than any pause of a loaded machine.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(15);

/// The most stalled loops that are named.
const MAX_NAMED: usize = 5;

/// The heartbeat of one loop.
#[derive(Debug)]
pub struct Heartbeat {
    origin: Instant,
    /// Milliseconds after `origin`.
    due: AtomicU64,
}

impl Heartbeat {
    /// Creates a heartbeat whose first beat is due by `due`.
    pub fn new(now: Instant, due: Instant) -> Self {
        let heartbeat = Self {
            origin: now,
            due: AtomicU64::default(),
        };
        heartbeat.beat(due);
        heartbeat
    }

    /// Beats. The next beat is due by `due`.
    pub fn beat(&self, due: Instant) {
        self.due.store(self.millis(due), Ordering::Relaxed);
    }

    /// Returns how late it is. `None` if it is in time.
    fn late(&self, now: Instant) -> Option<Duration> {
        let late = self
            .millis(now)
            .checked_sub(self.due.load(Ordering::Relaxed))?;
        (late > 0).then(|| Duration::from_millis(late))
    }

    fn millis(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}

/// The heartbeats of the process.
#[derive(Debug)]
pub struct Heartbeats {
    runtime: Heartbeat,
    accounts: Mutex<BTreeMap<String, Arc<Heartbeat>>>,
}

impl Heartbeats {
    /// Creates the heartbeats of a process without accounts.
    pub fn new(now: Instant) -> Self {
        Self {
            runtime: Heartbeat::new(now, now + STALL_TIMEOUT),
            accounts: Mutex::default(),
        }
    }

    /// Beats forever. If the timers of the runtime stop, it stops.
    pub async fn beat(&self) -> ! {
        let mut beats = interval(BEAT);
        loop {
            let now = beats.tick().await;
            self.runtime.beat(now + STALL_TIMEOUT);
        }
    }

    /// Watches the loop of an account, in place of its previous loop.
    pub fn watch(&self, account: &str, heartbeat: Arc<Heartbeat>) {
        self.accounts().insert(account.to_owned(), heartbeat);
    }

    /// Stops watching an account, whose loop has ended.
    pub fn unwatch(&self, account: &str) {
        self.accounts().remove(account);
    }

    /// Checks all heartbeats.
    ///
    /// # Errors
    ///
    /// Names every stalled loop, and since when it has stalled.
    pub fn check(&self, now: Instant) -> Result<(), String> {
        let runtime = self.runtime.late(now).map(|late| {
            let silent = (late + STALL_TIMEOUT).as_secs();
            format!("the scheduler has not ticked for {silent} s")
        });
        let accounts = self.accounts();
        let late = accounts.iter().filter_map(|(account, heartbeat)| {
            let late = heartbeat.late(now)?.as_secs();
            Some(format!("the loop of account {account} is {late} s overdue"))
        });
        let mut stalled: Vec<String> = runtime.into_iter().chain(late).collect();
        if stalled.is_empty() {
            return Ok(());
        }
        let more = stalled.len().saturating_sub(MAX_NAMED);
        stalled.truncate(MAX_NAMED);
        if more > 0 {
            stalled.push(format!("and {more} more"));
        }
        Err(stalled.join("\n"))
    }

    /// It is changed by single insertions and removals, so a poisoned lock is consistent.
    fn accounts(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Heartbeat>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
