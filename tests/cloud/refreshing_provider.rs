//! Keys that expire: when and how often they are renewed, and what callers get meanwhile.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::tencent::credentials::{
    Credential, FetchFuture, Provider, RefreshingProvider, Source, Temporary,
};
use tokio::time::{Instant, sleep};

use crate::support::log::CollectedLog;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const LIFETIME: Duration = Duration::from_hours(2);

/// Issues keys that last two hours; each takes a second.
struct KeyServer {
    fetches: AtomicU32,
    /// Which of the fetches fail.
    fails: fn(u32) -> bool,
    /// The number of the key that a fetch returns.
    key: fn(u32) -> u32,
}

impl KeyServer {
    fn new(fails: fn(u32) -> bool) -> Arc<Self> {
        Arc::new(Self {
            fetches: AtomicU32::new(0),
            fails,
            key: |fetch| fetch,
        })
    }

    fn fetches(&self) -> u32 {
        self.fetches.load(Ordering::Relaxed)
    }
}

struct ServerSource(Arc<KeyServer>);

impl Source for ServerSource {
    fn name(&self) -> &'static str {
        "test"
    }

    fn identity(&self) -> String {
        "the server".to_owned()
    }

    fn fetch(&self) -> FetchFuture<'_> {
        Box::pin(async {
            let fetch = self.0.fetches.fetch_add(1, Ordering::Relaxed) + 1;
            sleep(Duration::from_secs(1)).await;
            if (self.0.fails)(fetch) {
                return Err(Failure::new(
                    Reason::Credentials,
                    format!("fetch {fetch} failed"),
                ));
            }
            Ok(temporary((self.0.key)(fetch)))
        })
    }
}

fn temporary(number: u32) -> Temporary {
    let token = Some(format!("token-{number}").into());
    let credential = Credential::new(format!("AKID{number}"), "key".into(), token).unwrap();
    Temporary {
        credential,
        expires: noon() + LIFETIME,
        lifetime: LIFETIME,
    }
}

fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(498_720)
}

fn provider_of(server: &Arc<KeyServer>) -> RefreshingProvider<ServerSource> {
    RefreshingProvider::new(ServerSource(Arc::clone(server)), Clock::virtual_at(noon()))
}

async fn id(provider: &impl Provider) -> Result<String, Failure> {
    let credential = provider.credential().await?;
    Ok(credential.secret_id().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_key_is_renewed_in_the_background_before_its_last_fifth() {
    let server = KeyServer::new(|_| false);
    let provider = provider_of(&server);
    assert_eq!(id(&provider).await.unwrap(), "AKID1");
    // A fifth is 24 minutes, plus jitter of up to a fifth of that: 91 minutes is the earliest.
    let earliest = Duration::from_mins(90);
    sleep(earliest).await;
    assert_eq!(server.fetches(), 1);
    sleep(Duration::from_mins(24).mul_f64(0.2) + 2 * MINUTE).await;
    assert_eq!(server.fetches(), 2, "renewed without a caller");
    let before = Instant::now();
    assert_eq!(id(&provider).await.unwrap(), "AKID2");
    assert_eq!(before.elapsed(), Duration::ZERO, "callers do not wait");
    let state = provider.state().unwrap();
    assert_eq!((state.refreshes, state.failures), (2, 0));
    assert!(state.changed.unwrap() > noon() + earliest);
    assert_eq!(state.expires, Some(noon() + LIFETIME));
}

#[tokio::test(start_paused = true)]
async fn keys_issued_together_are_renewed_at_different_times() {
    let servers: Vec<_> = (0..20).map(|_| KeyServer::new(|_| false)).collect();
    let providers: Vec<_> = servers.iter().map(provider_of).collect();
    for provider in &providers {
        id(provider).await.unwrap();
    }
    sleep(Duration::from_secs(5_616)).await;
    let early = servers
        .iter()
        .filter(|server| server.fetches() == 2)
        .count();
    assert!((1..20).contains(&early), "{early} of 20 in the first half");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_often_fails_costs_no_poll_in_a_day() {
    // Two of three renewals fail; the first fetch succeeds.
    let server = KeyServer::new(|fetch| fetch % 3 != 1);
    let provider = provider_of(&server);
    let begin = Instant::now();
    while begin.elapsed() < 24 * HOUR {
        id(&provider).await.unwrap();
        sleep(MINUTE).await;
    }
    let state = provider.state().unwrap();
    assert!((13..=17).contains(&state.refreshes), "{state:?}");
    assert!(state.failures >= 2 * (state.refreshes - 1), "{state:?}");
    let has_failed = server.fetches() % 3 != 1;
    assert_eq!(state.failure.is_some(), has_failed, "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn concurrent_callers_share_one_fetch() {
    let server = KeyServer::new(|_| false);
    let provider = Arc::new(provider_of(&server));
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let provider = Arc::clone(&provider);
            tokio::spawn(async move { id(&*provider).await })
        })
        .collect();
    for one in waiting {
        assert_eq!(one.await.unwrap().unwrap(), "AKID1");
    }
    assert_eq!(server.fetches(), 1);

    let failing = KeyServer::new(|_| true);
    let provider = Arc::new(provider_of(&failing));
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let provider = Arc::clone(&provider);
            tokio::spawn(async move { id(&*provider).await })
        })
        .collect();
    for one in waiting {
        let failure = one.await.unwrap().unwrap_err();
        assert_eq!(failure.message, "fetch 1 failed");
    }
    assert_eq!(failing.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_keeps_the_key_until_it_expires() {
    let log = CollectedLog::begin();
    let server = KeyServer::new(|fetch| fetch > 1);
    let provider = provider_of(&server);
    id(&provider).await.unwrap();
    sleep(Duration::from_mins(118)).await;
    assert!(server.fetches() > 10, "the renewal is retried");
    assert!(server.fetches() < 50, "with pauses");
    assert_eq!(id(&provider).await.unwrap(), "AKID1");
    sleep(2 * MINUTE).await;
    let failure = id(&provider).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Credentials);
    // One line for all failures in a row. Without a key, the polls log theirs.
    let log = log.text();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("WARN")).collect();
    let [line] = lines[..] else {
        panic!("not one line: {log}");
    };
    for part in [
        "cannot refresh the temporary key",
        r#"provider="test""#,
        r#"identity="the server""#,
        "fetch 2 failed",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_key_is_renewed_once_for_all_callers() {
    let server = KeyServer::new(|_| false);
    let provider = Arc::new(provider_of(&server));
    let first = provider.credential().await.unwrap();
    assert!(
        !provider.invalidate(&first).await,
        "a key this new is not renewed"
    );
    assert_eq!(server.fetches(), 1);

    sleep(MINUTE).await;
    let refused: Vec<_> = (0..20)
        .map(|_| {
            let (provider, first) = (Arc::clone(&provider), Arc::clone(&first));
            tokio::spawn(async move { provider.invalidate(&first).await })
        })
        .collect();
    for one in refused {
        assert!(one.await.unwrap());
    }
    assert_eq!(server.fetches(), 2);
    assert_eq!(id(&*provider).await.unwrap(), "AKID2");
}

/// Accounts share a provider, and the key may be valid for another account.
#[tokio::test(start_paused = true)]
async fn a_rejected_key_stays_until_the_next_one_arrives() {
    let server = KeyServer::new(|fetch| (2..5).contains(&fetch));
    let provider = provider_of(&server);
    let first = provider.credential().await.unwrap();
    sleep(MINUTE).await;
    assert!(!provider.invalidate(&first).await);
    assert_eq!(id(&provider).await.unwrap(), "AKID1");
    assert!(provider.state().unwrap().failure.is_some());
    sleep(2 * MINUTE).await;
    assert_eq!(id(&provider).await.unwrap(), "AKID5");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_key_that_the_source_returns_again_is_renewed_when_it_was_due() {
    let server = Arc::new(KeyServer {
        fetches: AtomicU32::new(0),
        fails: |fetch| fetch == 2,
        key: |_| 1,
    });
    let provider = provider_of(&server);
    let first = provider.credential().await.unwrap();
    sleep(MINUTE).await;
    assert!(!provider.invalidate(&first).await);
    sleep(Duration::from_mins(80)).await;
    assert_eq!(server.fetches(), 3, "one retry of the failed fetch");
    assert_eq!(id(&provider).await.unwrap(), "AKID1");
    sleep(Duration::from_mins(20)).await;
    assert!(server.fetches() > 3, "the renewal before the last fifth");
}

#[tokio::test(start_paused = true)]
async fn a_source_may_return_the_same_key_until_it_is_about_to_expire() {
    // The metadata service does so: an early request returns the current key.
    let server = Arc::new(KeyServer {
        fetches: AtomicU32::new(0),
        fails: |_| false,
        key: |fetch| fetch / 10,
    });
    let provider = provider_of(&server);
    id(&provider).await.unwrap();
    sleep(Duration::from_mins(115)).await;
    assert_eq!(
        id(&provider).await.unwrap(),
        "AKID1",
        "fetched until the key changed"
    );
    assert!(server.fetches() < 20, "{}", server.fetches());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_provider_renews_nothing() {
    let server = KeyServer::new(|_| false);
    let provider = provider_of(&server);
    id(&provider).await.unwrap();
    drop(provider);
    sleep(24 * HOUR).await;
    assert_eq!(server.fetches(), 1);
    assert_eq!(Arc::strong_count(&server), 1, "the provider is freed");
}

/// A source whose keys all have this lifetime.
struct Brief(Arc<AtomicU32>, Duration);

impl Source for Brief {
    fn name(&self) -> &'static str {
        "brief"
    }

    fn identity(&self) -> String {
        "brief".to_owned()
    }

    fn fetch(&self) -> FetchFuture<'_> {
        Box::pin(async {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Temporary {
                lifetime: self.1,
                ..temporary(number)
            })
        })
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_live_for_seconds_are_fetched_every_ten_seconds_at_most() {
    for lifetime in [0, 1, 5, 9] {
        let log = CollectedLog::begin();
        let fetches = Arc::new(AtomicU32::new(0));
        let source = Brief(Arc::clone(&fetches), Duration::from_secs(lifetime));
        let provider = RefreshingProvider::new(source, Clock::virtual_at(noon()));
        let begin = Instant::now();
        let mut reasons = BTreeSet::new();
        while begin.elapsed() < 5 * MINUTE {
            if let Err(failure) = provider.credential().await {
                reasons.insert(failure.message);
            }
            sleep(Duration::from_millis(100)).await;
        }
        let fetches = fetches.load(Ordering::Relaxed);
        assert!((20..=31).contains(&fetches), "{lifetime}: {fetches}");

        let reason = "no credentials: the temporary key has expired; \
                      the next key is fetched 10s after the last fetch";
        assert_eq!(reasons, BTreeSet::from([reason.to_owned()]), "{lifetime}");
        let log = log.text();
        let warning = "a temporary key expires before the next one may be fetched";
        let warnings = log.lines().filter(|line| line.contains(warning));
        let fetches = fetches as usize;
        assert_eq!(warnings.count(), fetches, "{lifetime}: one for each key");
        let lifetime = format!("lifetime={lifetime}");
        assert!(log.contains(&lifetime), "{log}");
    }
}

#[test]
fn an_expiry_beyond_the_range_of_the_clock_becomes_the_longest_lifetime() {
    for expired_time in [u64::MAX, 1 << 63] {
        let credential = Credential::new("AKID1".into(), "key".into(), None).unwrap();
        let temporary = Temporary::new(credential, expired_time, noon(), LIFETIME);
        assert_eq!(
            (temporary.lifetime, temporary.expires),
            (LIFETIME, noon() + LIFETIME)
        );
    }
    // This expiry is within the range, tens of thousands of years from now.
    let credential = Credential::new("AKID1".into(), "key".into(), None).unwrap();
    let temporary = Temporary::new(credential, 1 << 40, noon(), LIFETIME);
    assert_eq!(temporary.lifetime, LIFETIME);
}
