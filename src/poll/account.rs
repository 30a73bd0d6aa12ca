//! The loop of one account.

use std::sync::Arc;

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::asker::{Asker, Outcome};
use super::ledger::Ledger;
use super::running::Running;
use super::schedule::Schedule;
use super::seat::{Memory, Seat};
use crate::clock::Moment;
use crate::snapshot::{AccountInfo, Report};
use crate::tencent::{Client, Observer};

/// An account that polls.
pub struct Account<P> {
    asker: Asker,
    ledger: Ledger<P>,
    schedule: Schedule,
    seat: Arc<Seat<P>>,
}

impl<P: FnMut(Report, Moment) + Send + 'static> Account<P> {
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
        let seat = Seat::new(Memory::default(), publish, Instant::now());
        let client = Arc::new(client);
        Self::seated(info, regions, schedule, client, process, Arc::new(seat))
    }

    /// The same, going on from what the seat remembers; it publishes and beats there.
    pub fn seated(
        info: Arc<AccountInfo>,
        regions: &[String],
        schedule: Schedule,
        client: Arc<Client>,
        process: Arc<dyn Observer>,
        seat: Arc<Seat<P>>,
    ) -> Self {
        let mut ledger = Ledger::new(info, regions, schedule, &client, Arc::clone(&seat));
        let api = seat.memory().api;
        let asker = Asker::new(
            Arc::clone(ledger.log()),
            client,
            api,
            process,
            schedule.interval,
        );
        ledger.publish_first(&asker);
        Self {
            asker,
            ledger,
            schedule,
            seat,
        }
    }

    /// Polls for ever: the first time at `first`, and then once per interval at the account's
    /// phase.
    pub async fn run(self, first: Instant) {
        let Self {
            asker,
            mut ledger,
            schedule,
            seat,
        } = self;
        seat.pulse().beat(schedule.late_after(first));
        sleep_until(first).await;
        let second = schedule.second_poll(ledger.account(), ledger.now());
        seat.pulse().beat(schedule.late_after(second));
        let mut due = interval_at(second, schedule.interval);
        // A machine that slept polls once when it wakes, and not once for each interval it missed.
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);

        let mut running = all(&asker, &ledger);
        // One round at a time, beside the polls: there is a call for each track in it.
        let mut details = Running::none(1);
        loop {
            tokio::select! {
                outcome = running.next() => {
                    let target = outcome.target;
                    ledger.enter(outcome);
                    ledger.publish(&asker).await;
                    let due = ledger.due_for_details(target);
                    if !details.has_any() && !due.is_empty() {
                        details.begin(0, asker.details(ledger.region(target), due));
                    }
                }
                told = details.next() => {
                    ledger.detailed(told);
                    ledger.publish(&asker).await;
                }
                _ = due.tick() => {
                    let next = Instant::now() + schedule.interval;
                    seat.pulse().beat(schedule.late_after(next));
                    let mut has_skipped = false;
                    for target in ledger.targets() {
                        if running.has(target) {
                            ledger.skipped(target);
                            has_skipped = true;
                        } else {
                            let poll = asker.poll(target, ledger.region(target), ledger.known(target));
                            running.begin(target, poll);
                        }
                    }
                    // The polls that begin have nothing to tell yet.
                    if has_skipped {
                        ledger.publish(&asker).await;
                    }
                }
            }
        }
    }

    /// Polls every region once and tells whether every poll brought a listing.
    pub async fn poll_once(self) -> bool {
        let Self {
            asker, mut ledger, ..
        } = self;
        let mut running = all(&asker, &ledger);
        while running.has_any() {
            let outcome = running.next().await;
            let target = outcome.target;
            ledger.enter(outcome);
            let due = ledger.due_for_details(target);
            if !due.is_empty() {
                ledger.detailed(asker.details(ledger.region(target), due).await);
            }
            ledger.publish(&asker).await;
        }
        ledger.is_up()
    }
}

/// A poll of every target.
fn all<'a, P: FnMut(Report, Moment)>(asker: &'a Asker, ledger: &Ledger<P>) -> Running<'a, Outcome> {
    let mut running = Running::none(ledger.targets().len());
    for target in ledger.targets() {
        let poll = asker.poll(target, ledger.region(target), ledger.known(target));
        running.begin(target, poll);
    }
    running
}
