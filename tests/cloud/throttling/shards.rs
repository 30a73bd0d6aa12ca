//! The rate limits of the organization and of STS, which all shards of the largest organization
//! share. Each shard knows only its own pacer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloudaudit_exporter::config::Config;
use cloudaudit_exporter::shard::Shard;
use cloudaudit_exporter::tencent::organization::{MAX_MEMBERS, ORGANIZATION_PER_SECOND};
use cloudaudit_exporter::tencent::sts::STS_PER_SECOND;
use cloudaudit_exporter::tencent::{LimitScope, Pacer, SourceIpLimit};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const SHARDS: u32 = 32;

/// The most members on a page of `DescribeOrganizationMembers`.
const PAGE_SIZE: usize = 50;

/// The limit of `DescribeOrganizationMembers` for each key, in requests per second.
const LISTS_PER_SECOND: usize = 20;

/// A limit of `AssumeRole` for each key, in requests per second. STS allows 600; the test leaves the
/// other 500 to other programs.
const ROLES_PER_SECOND: usize = 100;

const SECOND: Duration = Duration::from_secs(1);

/// The latency of the request with this number: 30 to 60 ms.
fn latency(request: usize) -> Duration {
    Duration::from_millis(30 + (request as u64 * 7) % 31)
}

/// A limit of the API: at most `per_second` requests in any second.
#[derive(Clone)]
struct Limit {
    per_second: usize,
    allowed: Arc<Mutex<VecDeque<Instant>>>,
    refused: Arc<Mutex<usize>>,
}

impl Limit {
    fn new(per_second: usize) -> Self {
        Self {
            per_second,
            allowed: Arc::default(),
            refused: Arc::default(),
        }
    }

    fn allows(&self, now: Instant) -> bool {
        let mut allowed = self.allowed.lock().unwrap();
        while allowed.front().is_some_and(|at| now - *at >= SECOND) {
            allowed.pop_front();
        }
        let has_room = allowed.len() < self.per_second;
        if has_room {
            allowed.push_back(now);
        } else {
            *self.refused.lock().unwrap() += 1;
        }
        has_room
    }

    fn refused(&self) -> usize {
        *self.refused.lock().unwrap()
    }
}

/// Sends requests one after another, and repeats each refused request.
async fn send(requests: usize, pacer: Pacer, limit: Limit) {
    for request in 0..requests {
        loop {
            pacer.acquire().await.consume();
            sleep(latency(request) / 2).await;
            let is_allowed = limit.allows(Instant::now());
            sleep(latency(request) / 2).await;
            if is_allowed {
                break;
            }
            pacer.throttled(LimitScope::Identity);
        }
    }
}

/// Lets every shard send its requests. Returns the time until the last one is answered.
async fn send_from_all(
    per_second: u32,
    requests: impl Fn(Shard) -> usize,
    limit: &Limit,
) -> Duration {
    let start = Instant::now();
    let mut shards = JoinSet::new();
    for ordinal in 0..SHARDS {
        let shard = Shard::new(ordinal, SHARDS).unwrap();
        let pacer = Pacer::new(shard.share(per_second), SourceIpLimit::default());
        let (requests, limit) = (requests(shard), limit.clone());
        shards.spawn(async move {
            sleep(shard.stagger(shard.startup_delay())).await;
            send(requests, pacer, limit).await;
        });
    }
    shards.join_all().await;
    start.elapsed()
}

fn default_refresh() -> Duration {
    let text = "organizations: {all: {role_name: audit-reader, credentials: {secret_id: AKIDEXAMPLE, secret_key: EXAMPLE}}}";
    let config = Config::parse("config.yaml", text, &BTreeMap::new()).unwrap();
    config.organizations[0].refresh
}

#[tokio::test(start_paused = true)]
async fn every_shard_lists_the_largest_organization_within_the_default_refresh() {
    let limit = Limit::new(LISTS_PER_SECOND);
    let pages = MAX_MEMBERS / PAGE_SIZE;
    let took = send_from_all(ORGANIZATION_PER_SECOND, |_| pages, &limit).await;
    let refused = limit.refused();
    println!("{took:?}, {refused} of {} refused", pages * SHARDS as usize);
    assert!(took <= default_refresh(), "{took:?}");
    assert!(
        refused * 100 <= pages * SHARDS as usize,
        "{refused} refused"
    );
}

#[tokio::test(start_paused = true)]
async fn roles_of_a_hundred_thousand_accounts_are_assumed_within_twenty_minutes() {
    let limit = Limit::new(ROLES_PER_SECOND);
    let mut accounts = vec![0; SHARDS as usize];
    for uin in 0..MAX_MEMBERS {
        let key = format!(
            "qcs::cam::uin/{}:roleName/AuditExporter",
            200_000_000_000 + uin
        );
        let owns = |ordinal: &u32| Shard::new(*ordinal, SHARDS).unwrap().owns(&key);
        let owner = (0..SHARDS).find(owns).unwrap();
        accounts[owner as usize] += 1;
    }
    let (least, most) = (accounts.iter().min(), accounts.iter().max());
    let of_shard = |shard: Shard| accounts[shard.ordinal() as usize];
    let took = send_from_all(STS_PER_SECOND, of_shard, &limit).await;
    println!(
        "{took:?}, {} refused, {least:?} to {most:?} accounts",
        limit.refused()
    );
    assert!(took <= 20 * 60 * SECOND, "{took:?}");
    assert_eq!(limit.refused(), 0);
}
