//! The task of one account.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until};

use super::delivery::{CheckEnd, DeliveryChecker, DeliveryParts, MAX_CHECKS};
use super::handle::PublishHandle;
use super::in_flight::InFlightPolls;
use super::poller::{PollOutcome, Poller};
use super::schedule::Schedule;
use super::search::{SearchEnd, search};
use super::state::AccountState;
use crate::snapshot::{AccountInfo, OrganizationCoverage};
use crate::tencent::{Client, Observer};

/// What an account polls, and the settings and clients for that.
pub struct AccountParts {
    /// The part of its configuration that its series show.
    pub info: Arc<AccountInfo>,
    /// The regions to poll.
    pub regions: Vec<String>,
    /// When, and how much to keep.
    pub schedule: Schedule,
    /// The API.
    pub client: Arc<Client>,
    /// What the tracks of its organization cover.
    pub coverage: watch::Receiver<Option<OrganizationCoverage>>,
    /// What is needed to check storage targets. `None` if they are not checked.
    pub delivery: Option<DeliveryParts>,
    /// Observes every request, in addition to the account's own counters.
    pub process: Arc<dyn Observer>,
}

/// An account, ready to poll.
pub struct Account {
    /// Boxed, because each step of the loop moves it.
    state: Box<AccountState>,
    checker: Option<DeliveryChecker>,
    schedule: Schedule,
    handle: Arc<PublishHandle>,
}

impl Account {
    /// Resumes from the memory of the handle, and publishes it.
    pub async fn new(parts: AccountParts, handle: Arc<PublishHandle>) -> Self {
        let AccountParts {
            info,
            regions,
            schedule,
            client,
            coverage,
            delivery,
            process,
        } = parts;
        let api = handle.memory().api;
        let poller = Poller::new(&info.name, client, api, process, schedule.interval);
        let (poller, own) = (Arc::new(poller), Arc::clone(&handle));
        let parts = delivery.as_ref();
        let state = AccountState::new(info, &regions, schedule, parts, coverage, poller, own);
        let region = regions.into_iter().next().unwrap_or_default();
        let operations = state.operations();
        Self {
            state: state.publish().await,
            checker: delivery.map(|parts| DeliveryChecker::new(parts, region, operations)),
            schedule,
            handle,
        }
    }

    /// Polls forever: for the first time at `first`, and then once per interval at the account's
    /// phase.
    pub async fn run(self, first: Instant) {
        let Self {
            mut state,
            checker,
            schedule,
            handle,
        } = self;
        state = state.searches_restarted().await;
        let heartbeat = handle.heartbeat();
        heartbeat.beat(schedule.late_after(first));
        sleep_until(first).await;
        let second = schedule.second_poll(state.account(), state.now());
        heartbeat.beat(schedule.late_after(second));
        let mut due = interval_at(second, schedule.interval);
        // A machine that slept polls once when it wakes, and not once for each interval it missed.
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);

        let poller = Arc::clone(state.poller());
        let mut polls = all(&poller, &mut state);
        // One round at a time, concurrent with the polls: it takes a request for each track.
        let mut details = InFlightPolls::none(1);
        let mut checks = InFlightPolls::none(MAX_CHECKS);
        // One search at a time, too. Searches have a rate limit of their own.
        let mut searches = InFlightPolls::none(1);
        loop {
            let next_check = begin_checks(&mut checks, checker.as_ref(), &poller, &mut state);
            let next_search = begin_search(&mut searches, &poller, &mut state);
            tokio::select! {
                outcome = polls.next() => {
                    let target = outcome.target;
                    state = state.poll_ended(outcome).await;
                    let due = state.due_for_details(target);
                    if !details.has_any() && !due.is_empty() {
                        details.begin(0, poller.describe(state.region(target), due));
                    }
                }
                results = details.next() => state = state.described(results).await,
                end = checks.next() => state = state.checked(end).await,
                () = next_check => {}
                end = searches.next() => state = state.searched(end).await,
                () = next_search => {}
                _ = due.tick() => {
                    let next = Instant::now() + schedule.interval;
                    heartbeat.beat(schedule.late_after(next));
                    let mut skipped = Vec::new();
                    for target in state.targets() {
                        if polls.has(target) {
                            skipped.push(target);
                        } else {
                            polls.begin(target, poll(&poller, &mut state, target));
                        }
                    }
                    // The polls that have just begun have not changed the state yet.
                    if !skipped.is_empty() {
                        state = state.polls_skipped(skipped).await;
                    }
                }
            }
        }
    }

    /// Polls every region once. Returns whether every poll succeeded.
    pub async fn poll_once(self) -> bool {
        let Self {
            mut state, checker, ..
        } = self;
        let poller = Arc::clone(state.poller());
        let mut polls = all(&poller, &mut state);
        while polls.has_any() {
            let outcome = polls.next().await;
            let target = outcome.target;
            state = state.poll_ended(outcome).await;
            let due = state.due_for_details(target);
            if !due.is_empty() {
                let results = poller.describe(state.region(target), due).await;
                state = state.described(results).await;
            }
        }
        // A search that fails is no failure of a poll.
        while let Some(job) = state.begin_search_at_once() {
            let end = search(&poller, state.region(0), job).await;
            state = state.searched(end).await;
        }
        let mut checks = InFlightPolls::none(MAX_CHECKS);
        loop {
            drop(begin_checks(
                &mut checks,
                checker.as_ref(),
                &poller,
                &mut state,
            ));
            if !checks.has_any() {
                return state.is_up();
            }
            state = state.checked(checks.next().await).await;
        }
    }
}

/// Begins the checks that are due, as far as there are places. Returns when the next check can begin.
fn begin_checks<'a>(
    checks: &mut InFlightPolls<'a, CheckEnd>,
    checker: Option<&'a DeliveryChecker>,
    poller: &'a Poller,
    state: &mut AccountState,
) -> impl Future<Output = ()> + use<> {
    let mut next = None;
    while let (Some(checker), Some(place)) = (checker, checks.free_place()) {
        let Some(job) = state.begin_check() else {
            next = state.next_check();
            break;
        };
        checks.begin(place, checker.check(job, poller));
    }
    async move {
        match next {
            Some(at) => sleep_until(at).await,
            None => pending().await,
        }
    }
}

/// Begins the search that is due, unless one is running. Returns when the next one is due.
fn begin_search<'a>(
    searches: &mut InFlightPolls<'a, SearchEnd>,
    poller: &'a Poller,
    state: &mut AccountState,
) -> impl Future<Output = ()> + use<> {
    if let Some(job) = state.begin_search() {
        searches.begin(0, search(poller, state.region(0), job));
    }
    let next = state.next_search();
    async move {
        match next {
            Some(wait) => sleep(wait).await,
            None => pending().await,
        }
    }
}

/// Begins a poll of every target.
fn all<'a>(poller: &'a Poller, state: &mut AccountState) -> InFlightPolls<'a, PollOutcome> {
    let mut polls = InFlightPolls::none(state.targets().len());
    for target in state.targets() {
        polls.begin(target, poll(poller, state, target));
    }
    polls
}

fn poll<'a>(
    poller: &'a Poller,
    state: &mut AccountState,
    target: usize,
) -> impl Future<Output = PollOutcome> + Send + use<'a> {
    let known = state.poll_begins(target);
    poller.poll(target, state.region(target), known)
}
