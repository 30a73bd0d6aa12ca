//! The account: polls its regions on its own clock, and publishes what came of it.
//!
//! One loop for each account. Every region is a poll of its own, side by side with the others, and
//! is published when it ends; a region that hangs holds up nobody but itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::clock::{Clock, Moment};
use crate::failure::Failure;
use crate::hash::stable_hash;
use crate::history::{TargetHistory, TrackChange};
use crate::snapshot::{AccountInfo, ApiCounters, Change, Listing, Report, TargetReport};
use crate::tencent::reasons::{escaped, timeout_failure};
use crate::tencent::{Client, Ended, Observer, Sent};

/// No poll runs longer than so many intervals.
const LONGEST_POLL: u32 = 4;

/// The second poll is at least this part of an interval after the first: at a phase that falls into
/// the first poll it would only be a skip.
const LEAST_FIRST_GAP: u32 = 10;

/// When an account polls, and how long a poll counts.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// The time between two polls of a target.
    pub interval: Duration,
    /// How long the last good listing is shown.
    pub stale_after: Duration,
}

impl Schedule {
    /// When the second poll of an account is due, the first being `now`: at the account's phase,
    /// which is a stable hash of its name on the wall clock. All later ones follow at the interval.
    pub fn second_poll(&self, account: &str, now: Moment) -> Instant {
        let interval = self.interval.as_nanos();
        let phase = u128::from(stable_hash(account)) % interval;
        let earliest = self.interval / LEAST_FIRST_GAP;
        let since_epoch = now.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let into_interval = (since_epoch + earliest).as_nanos() % interval;
        let wait = (phase + interval - into_interval) % interval;
        let wait = u64::try_from(wait).expect("an interval is shorter than five centuries");
        now.steady + earliest + Duration::from_nanos(wait)
    }
}

/// An account that polls.
pub struct Account<P> {
    asker: Asker,
    ledger: Ledger<P>,
    schedule: Schedule,
}

impl<P: FnMut(Report, Moment) + Send> Account<P> {
    /// An account that was not polled yet. `process` is told of every call, besides the account's
    /// own counters; `publish` is given every new report, the first of them at once.
    pub fn new(
        info: Arc<AccountInfo>,
        regions: &[String],
        schedule: Schedule,
        client: Client,
        process: Arc<dyn Observer>,
        publish: P,
    ) -> Self {
        let history = |region: &String| {
            TargetHistory::new(region.clone(), schedule.interval, schedule.stale_after)
        };
        let clock = client.clock().clone();
        let mut ledger = Ledger {
            info,
            histories: regions.iter().map(history).collect(),
            credentials_changed: client.has_credentials().then(|| clock.now().wall),
            clock,
            publish,
        };
        let asker = Asker {
            client,
            api: Mutex::default(),
            process,
            interval: schedule.interval,
        };
        ledger.publish(&asker);
        Self {
            asker,
            ledger,
            schedule,
        }
    }

    /// Polls for ever: the first time at `first`, and then once per interval at the account's phase.
    pub async fn run(self, first: Instant) {
        let Self {
            asker,
            mut ledger,
            schedule,
        } = self;
        sleep_until(first).await;
        let second = schedule.second_poll(&ledger.info.name, ledger.clock.now());
        let mut due = interval_at(second, schedule.interval);
        // A machine that slept polls once when it wakes, and not once for each interval it missed.
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);

        let mut running: FuturesUnordered<_> = (0..ledger.histories.len())
            .map(|target| asker.poll(target, ledger.region(target)))
            .collect();
        let mut is_running = vec![true; ledger.histories.len()];
        loop {
            tokio::select! {
                Some(outcome) = running.next() => {
                    is_running[outcome.target] = false;
                    ledger.enter(outcome);
                    ledger.publish(&asker);
                }
                _ = due.tick() => {
                    for (target, is_running) in is_running.iter_mut().enumerate() {
                        if std::mem::replace(is_running, true) {
                            ledger.skipped(target);
                        } else {
                            running.push(asker.poll(target, ledger.region(target)));
                        }
                    }
                    ledger.publish(&asker);
                }
            }
        }
    }

    /// Polls every region once and tells whether every poll brought a listing.
    pub async fn poll_once(self) -> bool {
        let Self {
            asker, mut ledger, ..
        } = self;
        let mut running: FuturesUnordered<_> = (0..ledger.histories.len())
            .map(|target| asker.poll(target, ledger.region(target)))
            .collect();
        while let Some(outcome) = running.next().await {
            ledger.enter(outcome);
            ledger.publish(&asker);
        }
        ledger
            .histories
            .iter()
            .all(|history| history.report().is_up())
    }
}

/// How a poll of one region ended.
struct Outcome {
    target: usize,
    result: Result<Listing, Failure>,
    took: Duration,
}

/// What every poll of an account uses.
struct Asker {
    client: Client,
    api: Mutex<ApiCounters>,
    process: Arc<dyn Observer>,
    interval: Duration,
}

impl Asker {
    /// One poll, within its limits: no retry starts later than an interval after its beginning, and
    /// it is cut after a few.
    async fn poll(&self, target: usize, region: Arc<str>) -> Outcome {
        let began = Instant::now();
        let counting = Counting {
            asker: self,
            last_failure: Mutex::default(),
        };
        let listing = self.client.list(&region, began + self.interval, &counting);
        let result = match timeout(self.interval * LONGEST_POLL, listing).await {
            Ok(result) => result,
            Err(_) => Err(counting.take_last_failure().unwrap_or_else(|| {
                timeout_failure(
                    "the poll was cut after four intervals and none of its calls failed",
                )
            })),
        };
        Outcome {
            target,
            result,
            took: began.elapsed(),
        }
    }

    fn api(&self) -> MutexGuard<'_, ApiCounters> {
        lock(&self.api)
    }
}

/// Counts the calls of one poll.
struct Counting<'a> {
    asker: &'a Asker,
    last_failure: Mutex<Option<Failure>>,
}

impl Counting<'_> {
    fn take_last_failure(&self) -> Option<Failure> {
        lock(&self.last_failure).take()
    }
}

impl Observer for Counting<'_> {
    fn sent(&self, call: &Sent) {
        let mut api = self.asker.api();
        *api.requests.entry(call.action).or_default() += 1;
        if call.retry {
            *api.retries.entry(call.action).or_default() += 1;
        }
        api.limiter_wait += call.waited;
        self.asker.process.sent(call);
    }

    fn ended(&self, call: &Ended<'_>) {
        if let Some(failure) = call.failure {
            let mut api = self.asker.api();
            api.failures[failure.reason as usize] += 1;
            let code = failure.code.to_string();
            *api.errors.entry((call.action, code)).or_default() += 1;
            *lock(&self.last_failure) = Some(failure.clone());
        }
        self.asker.process.ended(call);
    }
}

/// What an account knows, says and publishes.
struct Ledger<P> {
    info: Arc<AccountInfo>,
    histories: Vec<TargetHistory>,
    credentials_changed: Option<SystemTime>,
    clock: Clock,
    publish: P,
}

impl<P: FnMut(Report, Moment)> Ledger<P> {
    fn region(&self, target: usize) -> Arc<str> {
        Arc::from(self.histories[target].report().region.as_str())
    }

    fn skipped(&mut self, target: usize) {
        self.histories[target].skipped();
        let region = &self.histories[target].report().region;
        debug!(
            account = self.info.name,
            region, "poll skipped, the one before is running"
        );
    }

    fn enter(&mut self, outcome: Outcome) {
        let now = self.clock.now();
        let history = &mut self.histories[outcome.target];
        let before = history.report().clone();
        let changes = match outcome.result {
            Ok(listing) => history.listed(listing, now, outcome.took),
            Err(failure) => {
                history.failed(failure, now, outcome.took);
                Vec::new()
            }
        };
        log_state(&self.info.name, &before, history.report());
        for change in &changes {
            log_change(&self.info.name, &before.region, change);
        }
    }

    fn publish(&mut self, asker: &Asker) {
        let report = Report {
            account: Arc::clone(&self.info),
            targets: self
                .histories
                .iter()
                .map(|history| history.report().clone())
                .collect(),
            api: asker.api().clone(),
            requests_per_second: asker.client.requests_per_second(),
            credentials_changed: self.credentials_changed,
        };
        (self.publish)(report, self.clock.now());
    }
}

/// One line when a target's state changes, and none while it stays.
fn log_state(account: &str, before: &TargetReport, after: &TargetReport) {
    let region = &after.region;
    match (&before.failure, &after.failure) {
        (old, Some(new)) if old.as_ref().map(|old| old.reason) != Some(new.reason) => warn!(
            account,
            region,
            reason = new.reason.as_str(),
            code = &*new.code,
            request_id = new.request_id.as_deref(),
            error = new.message,
            "target is failing"
        ),
        (Some(_), None) => info!(account, region, "target is healthy again"),
        (None, None) if before.last_poll.is_none() => {
            let tracks = after
                .last_good
                .as_ref()
                .map_or(0, |good| good.listing.tracks.len());
            info!(account, region, tracks, "target is healthy");
        }
        _ => {}
    }
}

/// One line for each change of a track: the log is evidence too.
fn log_change(account: &str, region: &str, change: &TrackChange) {
    let details: Vec<String> = change.details.iter().map(ToString::to_string).collect();
    let details = escaped(&details.join(", "));
    let (id, track) = (change.id, escaped(&change.name));
    let kind = change.change.as_str();
    match change.change {
        Change::Created | Change::Enabled => {
            info!(
                account,
                region,
                track_id = id,
                track,
                change = kind,
                details,
                "track {kind}"
            );
        }
        Change::Vanished | Change::Disabled | Change::Modified => {
            warn!(
                account,
                region,
                track_id = id,
                track,
                change = kind,
                details,
                "track {kind}"
            );
        }
    }
}

/// What these locks guard is changed by additions that cannot panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
