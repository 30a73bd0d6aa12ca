//! Checks the storage targets of one account.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::poller::Poller;
use crate::clock::Moment;
use crate::delivery::{Ask, Due, Job, Operations, Question, Rules, TargetSettings};
use crate::snapshot::CheckCursor;
use crate::tencent::reasons::timeout_failure;
use crate::tencent::storage::cos::Depth;
use crate::tencent::storage::{CheckResult, StorageClients};

/// The most checks of one account in flight.
pub(super) const MAX_CHECKS: usize = 4;

/// What an account needs to check its storage targets.
#[derive(Clone)]
pub struct DeliveryParts {
    /// The clients of the services that store records.
    pub clients: Arc<StorageClients>,
    /// The time between two checks of a storage target.
    pub interval: Duration,
    /// An operation that is older than this should have arrived.
    pub grace: Duration,
    /// The configured APPID of the account.
    pub app_id: Option<String>,
}

impl DeliveryParts {
    pub(super) fn rules(&self) -> Rules {
        Rules {
            interval: self.interval,
            grace: self.grace,
        }
    }
}

/// The end of a check.
pub(super) struct CheckEnd {
    pub(super) job: Job,
    pub(super) result: CheckResult,
    /// The answer to the question that the result leaves.
    pub(super) due: Option<Due>,
    /// When the latest queries of operation records were sent.
    pub(super) queries: Vec<Moment>,
}

/// Checks the storage targets of one account.
pub(super) struct DeliveryChecker {
    parts: DeliveryParts,
    /// The API region that returns operation records.
    region: String,
    /// Locked during a query, so that the next one can use its result.
    operations: Mutex<Operations>,
}

impl DeliveryChecker {
    pub(super) fn new(parts: DeliveryParts, region: String, operations: Operations) -> Self {
        Self {
            parts,
            region,
            operations: Mutex::new(operations),
        }
    }

    /// Checks a storage target, and reads operation records if the result depends on them. Searches
    /// the whole bucket only if the state depends on it.
    pub(super) async fn check(&self, job: Job, poller: &Poller) -> CheckEnd {
        let until = Instant::now() + self.parts.interval;
        let cursor = job.known.cursor.as_ref();
        let mut result = match obstacle(&job, poller.owner().as_deref()) {
            Some(why) => CheckResult::Impossible { why },
            None => self.look(&job, (cursor, Depth::Tail), until, poller).await,
        };
        let mut due = self.due_since(&job, &result, poller).await;
        let rules = self.parts.rules();
        if let CheckResult::Seen {
            newest,
            cursor: place,
            ..
        } = &result
            && matches!(cursor, Some(CheckCursor::Bucket { .. }))
            && rules.needs_full_search(&job.known, &result, due.as_ref())
        {
            let full = self.look(&job, (place.as_ref(), Depth::Full), until, poller);
            result = full.await.or_newer(*newest);
            due = self.due_since(&job, &result, poller).await;
        }
        let queries = self.operations.lock().await.sent().to_vec();
        CheckEnd {
            job,
            result,
            due,
            queries,
        }
    }

    /// Checks the storage target, and continues where an earlier check ended.
    async fn look(
        &self,
        job: &Job,
        place: (Option<&CheckCursor>, Depth),
        until: Instant,
        poller: &Poller,
    ) -> CheckResult {
        let TargetSettings {
            app_id,
            tracks,
            owner,
            ..
        } = &job.settings;
        let shows_owner = job.known.target.shows_owner(owner, app_id);
        let of_track = (!app_id.is_empty()).then_some(app_id.as_str());
        let app_id = of_track.or(self.parts.app_id.as_deref());
        let tracks: Vec<&str> = tracks.iter().map(String::as_str).collect();
        let (clients, target) = (&self.parts.clients, &job.known.target);
        let observer = poller.observer();
        let check = clients.check(target, app_id, &tracks, place, until, &observer);
        let result = timeout_at(until, check).await.unwrap_or_else(|_| {
            CheckResult::Failed(timeout_failure(
                "the check timed out after one interval (delivery.interval)",
            ))
        });
        if shows_owner {
            result
        } else {
            result.of_unknown_owner(&target.kind)
        }
    }

    /// Answers the question that a result leaves. `None` if it leaves none.
    async fn due_since(&self, job: &Job, result: &CheckResult, poller: &Poller) -> Option<Due> {
        let rules = self.parts.rules();
        let question = rules.question(&job.known, job.settings.since, result)?;
        Some(self.due(question, &job.settings, poller).await)
    }

    /// Answers a question with the operation records of the account.
    async fn due(&self, question: Question, settings: &TargetSettings, poller: &Poller) -> Due {
        let rules = self.parts.rules();
        let mut operations = self.operations.lock().await;
        loop {
            let now = poller.client().clock().now();
            match operations.ask(question, &settings.recorded, &rules, now) {
                Ask::Answer(due) => return due,
                Ask::Query(query) => {
                    let records = poller.operations(&self.region, &query).await;
                    operations.enter(query, records, poller.client().clock().now());
                }
            }
        }
    }
}

/// Returns why a storage target cannot be checked with the keys of this account. `own` is the UIN of
/// the account, if known.
fn obstacle(job: &Job, own: Option<&str>) -> Option<String> {
    let TargetSettings { owner, app_id, .. } = &job.settings;
    let names_bucket = job.known.target.names_bucket(app_id);
    match own {
        _ if owner.is_empty() => None,
        Some(own) if own == owner => None,
        Some(_) => Some(format!(
            "the storage belongs to account {owner}, and keys of this account cannot check it"
        )),
        // The host of the bucket contains the APPID of its owner, so no other bucket answers.
        None if names_bucket => None,
        None => Some(format!(
            "the storage belongs to account {owner}, and the account of the key is unknown; set uin"
        )),
    }
}
