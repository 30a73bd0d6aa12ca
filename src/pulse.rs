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
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How many of those that are late are named.
const MAX_NAMED: usize = 5;

/// A promise to come round again, renewed each time.
#[derive(Debug)]
pub struct Pulse {
    origin: Instant,
    /// Milliseconds after `origin`.
    due: AtomicU64,
}

impl Pulse {
    /// The first beat is expected by `due`.
    pub fn new(now: Instant, due: Instant) -> Self {
        let pulse = Self {
            origin: now,
            due: AtomicU64::default(),
        };
        pulse.beat(due);
        pulse
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

/// The pulses of the process.
#[derive(Debug)]
pub struct Pulses {
    heart: Pulse,
    accounts: Mutex<BTreeMap<String, Arc<Pulse>>>,
}

impl Pulses {
    /// The runtime's heart has just beaten, and there are no accounts.
    pub fn new(now: Instant) -> Self {
        Self {
            heart: Pulse::new(now, now + PATIENCE),
            accounts: Mutex::default(),
        }
    }

    /// Beats for ever, where the schedule runs: if timers stop there, so does it.
    pub async fn beat(&self) -> ! {
        let mut beats = interval(BEAT);
        loop {
            let now = beats.tick().await;
            self.heart.beat(now + PATIENCE);
        }
    }

    /// Watches over an account's loop, in the place of the one it had before.
    pub fn watch(&self, account: &str, pulse: Arc<Pulse>) {
        self.accounts().insert(account.to_owned(), pulse);
    }

    /// The account has no loop any more, as it should be.
    pub fn forget(&self, account: &str) {
        self.accounts().remove(account);
    }

    /// Feels for all of them.
    ///
    /// # Errors
    ///
    /// What stands still, and since when.
    pub fn feel(&self, now: Instant) -> Result<(), String> {
        let heart = self.heart.late(now).map(|late| {
            let silent = (late + PATIENCE).as_secs();
            format!("the scheduler has not ticked for {silent} s")
        });
        let accounts = self.accounts();
        let late = accounts.iter().filter_map(|(account, pulse)| {
            let late = pulse.late(now)?.as_secs();
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
    fn accounts(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Pulse>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
