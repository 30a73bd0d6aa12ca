//! Checks the storage targets of one account.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::poller::Poller;
use crate::delivery::{Ask, Due, Job, Operations, Question, Rules, TargetSettings};
use crate::tencent::reasons::timeout_failure;
use crate::tencent::storage::{CheckResult, StorageClients};

/// The most checks of one account in flight.
pub(super) const MAX_CHECKS: usize = 4;

/// With what an account checks its storage targets.
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
    pub(super) fn new(parts: DeliveryParts, region: String) -> Self {
        Self {
            parts,
            region,
            operations: Mutex::default(),
        }
    }

    /// Checks a storage target, and reads operation records if the result depends on them.
    pub(super) async fn check(&self, job: Job, poller: &Poller) -> CheckEnd {
        let rules = self.parts.rules();
        let result = match obstacle(&job, poller.owner().as_deref()) {
            Some(why) => CheckResult::Impossible { why },
            None => match timeout(rules.interval, self.look(&job, poller)).await {
                Ok(result) => result,
                Err(_) => CheckResult::Failed(timeout_failure(
                    "the check timed out after one interval (delivery.interval)",
                )),
            },
        };
        let question = rules.question(&job.known, job.settings.since, &result);
        let due = match question {
            Some(question) => Some(self.due(question, &job.settings, poller).await),
            None => None,
        };
        CheckEnd { job, result, due }
    }

    async fn look(&self, job: &Job, poller: &Poller) -> CheckResult {
        let TargetSettings { app_id, tracks, .. } = &job.settings;
        let of_track = (!app_id.is_empty()).then_some(app_id.as_str());
        let tracks: Vec<&str> = tracks.iter().map(String::as_str).collect();
        let clients = &self.parts.clients;
        clients
            .check(
                &job.known.target,
                of_track.or(self.parts.app_id.as_deref()),
                &tracks,
                job.known.cursor.as_ref(),
                Instant::now() + self.parts.interval,
                &poller.observer(),
            )
            .await
    }

    /// Answers a question with the operation records of the account.
    async fn due(&self, question: Question, settings: &TargetSettings, poller: &Poller) -> Due {
        let rules = self.parts.rules();
        let mut operations = self.operations.lock().await;
        loop {
            let now = Instant::now();
            match operations.ask(question, &settings.recorded, &rules, now) {
                Ask::Answer(due) => return due,
                Ask::Query(query) => {
                    let records = poller.operations(&self.region, &query).await;
                    operations.enter(query, records, Instant::now());
                }
            }
        }
    }
}

/// Returns why a storage target cannot be checked with the keys of this account. `own` is the UIN of
/// the account, if known.
fn obstacle(job: &Job, own: Option<&str>) -> Option<String> {
    let TargetSettings { owner, app_id, .. } = &job.settings;
    let names_bucket = job.known.target.kind == "cos" && !app_id.is_empty();
    match own {
        _ if owner.is_empty() => None,
        Some(own) if own == owner => None,
        Some(_) => Some(format!(
            "the storage belongs to account {owner}; check it with the keys of that account"
        )),
        // The host of the bucket contains the APPID of its owner, so no other bucket answers.
        None if names_bucket => None,
        None => Some(format!(
            "the storage belongs to account {owner}, and the own account is unknown; set uin"
        )),
    }
}
