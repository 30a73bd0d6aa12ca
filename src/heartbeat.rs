//! Whether everything that should come round again and again still does: the runtime, and the loop
//! of every account. The cloud has no part in it: a loop whose polls all fail is well.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, interval};

/// How often the runtime's heart beats.
const BEAT: Duration = Duration::from_secs(1);

/// How late anything may be before it counts as dead: far longer than any pause of a loaded
/// machine.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(15);

/// How many of those that are late are named.
const MAX_NAMED: usize = 5;

/// A promise to come round again, renewed each time.
#[derive(Debug)]
pub struct Heartbeat {
    origin: Instant,
    /// Milliseconds after `origin`.
    due: AtomicU64,
}

impl Heartbeat {
    /// The first beat is expected by `due`.
    pub fn new(now: Instant, due: Instant) -> Self {
        let heartbeat = Self {
            origin: now,
            due: AtomicU64::default(),
        };
        heartbeat.beat(due);
        heartbeat
    }

    /// It beats; the next time it should by `due`.
    pub fn beat(&self, due: Instant) {
        self.due.store(self.millis(due), Ordering::Relaxed);
    }

    /// How late it is, if it is.
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
    heart: Heartbeat,
    accounts: Mutex<BTreeMap<String, Arc<Heartbeat>>>,
}

impl Heartbeats {
    /// The runtime's heart has just beaten, and there are no accounts.
    pub fn new(now: Instant) -> Self {
        Self {
            heart: Heartbeat::new(now, now + STALL_TIMEOUT),
            accounts: Mutex::default(),
        }
    }

    /// Beats for ever, where the schedule runs: if timers stop there, so does it.
    pub async fn beat(&self) -> ! {
        let mut beats = interval(BEAT);
        loop {
            let now = beats.tick().await;
            self.heart.beat(now + STALL_TIMEOUT);
        }
    }

    /// Watches over an account's loop, in the place of the one it had before.
    pub fn watch(&self, account: &str, heartbeat: Arc<Heartbeat>) {
        self.accounts().insert(account.to_owned(), heartbeat);
    }

    /// The account has no loop any more, as it should be.
    pub fn unwatch(&self, account: &str) {
        self.accounts().remove(account);
    }

    /// Feels for all of them.
    ///
    /// # Errors
    ///
    /// What stands still, and since when.
    pub fn check(&self, now: Instant) -> Result<(), String> {
        let heart = self.heart.late(now).map(|late| {
            let silent = (late + STALL_TIMEOUT).as_secs();
            format!("the scheduler has not ticked for {silent} s")
        });
        let accounts = self.accounts();
        let late = accounts.iter().filter_map(|(account, heartbeat)| {
            let late = heartbeat.late(now)?.as_secs();
            Some(format!("the loop of account {account} is {late} s overdue"))
        });
        let mut still: Vec<String> = heart.into_iter().chain(late).collect();
        if still.is_empty() {
            return Ok(());
        }
        let more = still.len().saturating_sub(MAX_NAMED);
        still.truncate(MAX_NAMED);
        if more > 0 {
            still.push(format!("and {more} more"));
        }
        Err(still.join("\n"))
    }

    /// What it guards is changed by single insertions and removals, so a poisoned one is whole.
    fn accounts(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Heartbeat>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
