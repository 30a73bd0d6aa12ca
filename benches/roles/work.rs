//! Pieces of the exporter's work, done so many times and nothing else, for valgrind to count.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::clock::{Clock, Moment};
use cloudaudit_exporter::history::{OverviewCache, Retention, TargetHistory};
use cloudaudit_exporter::publisher::{self, Publisher};
use cloudaudit_exporter::snapshot::{AccountInfo, Listing, Report};
use cloudaudit_exporter::tencent::credentials::{Credential, FixedProvider};
use cloudaudit_exporter::tencent::{
    CallOptions, Client, ClientParts, Ended, Endpoint, MAX_IN_FLIGHT, Observer, Pacer,
    ResponseFuture, Sent, SourceIpLimit, Transport, sign as stages, wire,
};
use http::{Request, Response};
use jiff::tz::Offset;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::number;
use super::pages::page;
use crate::kit::account_name;

/// A page is as full as it can be, or has what an account has.
const FULL: usize = 100;
const USUAL: usize = 5;

/// Accounts of an exposition.
const ACCOUNTS: usize = 100;

const REGION: &str = "ap-guangzhou";
const INTERVAL: Duration = Duration::from_mins(1);
const OFFSET: Offset = Offset::constant(8);
const NOW: Duration = Duration::from_hours(500_000);

type Work = fn(u64);

/// The pieces, by name.
pub(crate) const WORK: [(&str, Work); 9] = [
    ("sign", sign),
    ("parse-100", parse),
    ("poll-unchanged-5", |times| poll(times, USUAL, 1)),
    ("poll-unchanged-100", |times| poll(times, FULL, 1)),
    ("poll-changed-100", |times| poll(times, FULL, 2)),
    ("render-unchanged-100", |times| publish(times, 1, None)),
    ("render-changed-100", |times| publish(times, 2, None)),
    ("scrape-plain", |times| publish(times, 1, Some(false))),
    ("scrape-gzip", |times| publish(times, 1, Some(true))),
];

/// Arguments: the piece of work, and how often it is done.
pub(super) fn run(arguments: &[String]) {
    let name = &arguments[0];
    let work = WORK.iter().find(|(work, _)| work == name);
    let (_, work) = work.unwrap_or_else(|| panic!("there is no work {name}"));
    work(number(arguments, 1));
}

/// A signature by a key that has been derived.
fn sign(times: u64) {
    let scope = stages::Scope::at(0, "cloudaudit");
    let secret = SecretString::from("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE");
    let key = stages::secret_service(&stages::secret_date(&secret, &scope.date), scope.service);
    let key = stages::secret_signing(&key);
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("host", "cloudaudit.intl.tencentcloudapi.com"),
    ];
    let body = wire::list_body(1, 100);
    for time in 0..times {
        let seconds = i64::try_from(time).expect("it is small");
        let scope = stages::Scope::at(seconds, "cloudaudit");
        let canonical = stages::canonical_request("POST", "", &headers, body.as_bytes());
        let to_sign = stages::string_to_sign(seconds, &scope, &canonical);
        let signature = stages::signature(&key, &to_sign);
        let signed = stages::signed_headers(&headers);
        black_box(stages::authorization("AKID", &scope, &signed, &signature));
    }
}

fn parse(times: u64) {
    let answer = whole_answer(FULL, 1);
    for _ in 0..times {
        black_box(wire::parse_page(&answer, OFFSET).expect("it is a page"));
    }
}

/// Polls of a target by the real client, over a network that takes no time: `versions` answers in
/// turn.
fn poll(times: u64, tracks: usize, versions: u8) {
    let answers = (0..versions).map(|status| whole_answer(tracks, status));
    let client = client(Turns {
        answers: answers.map(Bytes::from).collect(),
        calls: AtomicU64::default(),
    });
    in_no_time(async {
        for _ in 0..times {
            let until = Instant::now() + INTERVAL;
            let listing = client.list(REGION, until, &NoObserver).await;
            black_box(listing.expect("it is a listing"));
        }
    });
}

/// Polls of one account of many that end, each published, and scraped where asked for: `versions`
/// listings in turn.
fn publish(times: u64, versions: usize, scraped: Option<bool>) {
    let now = in_no_time(async { Clock::virtual_at(UNIX_EPOCH + NOW).now() });
    let publisher = Publisher::new();
    let accounts = (0..ACCOUNTS).map(|number| Account::new(number, &publisher, now));
    let mut accounts: Vec<Account> = accounts.collect();
    let listings = [1, 0].map(listing);
    let listings = listings.iter().take(versions).cycle().skip(1);
    for (time, listing) in (1..=times).zip(listings) {
        let now = later(now, time);
        accounts[0].listed(listing, now);
        if let Some(gzip) = scraped {
            black_box(publisher.exposition(gzip, "", now));
        }
    }
}

/// An account of one target, between its polls and the publisher.
struct Account {
    info: Arc<AccountInfo>,
    target: TargetHistory,
    way: publisher::Account,
}

impl Account {
    /// One that was polled once.
    fn new(number: usize, publisher: &Arc<Publisher>, now: Moment) -> Self {
        let info = Arc::new(AccountInfo {
            name: account_name(number),
            site: "international",
            provider: "inline",
            track_required: true,
            ..AccountInfo::default()
        });
        let retention = Retention {
            stale_after: INTERVAL * 60,
            tombstone_for: INTERVAL * 60,
            max_tracks: FULL,
        };
        let mut account = Self {
            target: TargetHistory::new(REGION.to_owned(), INTERVAL, retention),
            way: publisher.account(Arc::clone(&info)),
            info,
        };
        account.listed(&listing(1), now);
        account
    }

    fn listed(&mut self, listing: &Arc<Listing>, now: Moment) {
        let took = Duration::from_millis(100);
        self.target.listed(Arc::clone(listing), now, took);
        let report = Report {
            account: Arc::clone(&self.info),
            targets: vec![self.target.report().clone()],
            requests_per_second: 10.0,
            overviews: OverviewCache::default().overviews(&self.info, None, [self.target.report()]),
            ..Report::default()
        };
        let evidence = report.evidence;
        self.way.publish(Arc::new(report), evidence, now);
    }
}

/// The moment of a later poll.
fn later(now: Moment, polls: u64) -> Moment {
    let time = INTERVAL * u32::try_from(polls).expect("they are few");
    Moment {
        wall: now.wall + time,
        steady: now.steady + time,
    }
}

fn listing(first_status: u8) -> Arc<Listing> {
    let answer = whole_answer(FULL, first_status);
    let page = wire::parse_page(&answer, OFFSET).expect("it is a page");
    Arc::new(Listing {
        tracks: page.tracks,
        reported: page.total,
        dropped: Vec::new(),
    })
}

fn whole_answer(tracks: usize, first_status: u8) -> Vec<u8> {
    let mut answer = page(tracks, first_status);
    answer.extend_from_slice(br#"0f1e2d3c-0000-4000-8000-000000000000"}}"#);
    answer
}

/// A cloud in memory that gives its answers in turn.
struct Turns {
    answers: Vec<Bytes>,
    calls: AtomicU64,
}

impl Transport for Turns {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        black_box(request);
        let call = usize::try_from(self.calls.fetch_add(1, Ordering::Relaxed)).unwrap_or_default();
        let answer = self.answers[call % self.answers.len()].clone();
        Box::pin(std::future::ready(Ok(Response::new(answer))))
    }
}

fn client(transport: Turns) -> Client {
    let host = "cloudaudit.intl.tencentcloudapi.com";
    let credential = Credential::new("AKID".to_owned(), "key".into(), None);
    let parts = ClientParts {
        endpoint: Endpoint {
            url: format!("https://{host}").into(),
            host: host.into(),
        },
        transport: Arc::new(transport),
        provider: Arc::new(FixedProvider::new(credential.expect("it can be sent"))),
        pacer: Arc::new(Pacer::new(1_000, SourceIpLimit::default())),
        in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
        clock: in_no_time(async { Clock::virtual_at(UNIX_EPOCH + NOW) }),
    };
    let options = CallOptions {
        timeout: INTERVAL,
        attempts: 1,
        page_size: 100,
        create_time_offset: OFFSET,
        max_tracks: 10_000,
        accept_short_listings: false,
    };
    Client::new(parts, options)
}

/// An observer that looks away.
struct NoObserver;

impl Observer for NoObserver {
    fn sent(&self, _: &Sent) {}
    fn ended(&self, _: &Ended<'_>) {}
}

/// Runs a future with paused time, which advances only if every task waits: waiting costs no
/// instructions.
fn in_no_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(work)
}
