//! Keys that end: when they are renewed, how often, and what becomes of those who want one
//! meanwhile.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::failure::{Failure, Reason};
use cloudaudit_exporter::tencent::credentials::{
    Credential, FetchFuture, Provider, RefreshingProvider, Source, Temporary,
};
use tokio::time::{Instant, sleep};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const LIFETIME: Duration = Duration::from_hours(2);

/// A source of keys that last two hours; each comes after a second.
struct Well {
    fetches: AtomicU32,
    /// Which of the fetches fail.
    fails: fn(u32) -> bool,
    /// Which key a fetch brings.
    key: fn(u32) -> u32,
}

impl Well {
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

struct Tap(Arc<Well>);

impl Source for Tap {
    fn name(&self) -> &'static str {
        "tap"
    }

    fn identity(&self) -> String {
        "the well".to_owned()
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

fn of(well: &Arc<Well>) -> RefreshingProvider<Tap> {
    RefreshingProvider::new(Tap(Arc::clone(well)), Clock::virtual_at(noon()))
}

async fn id(provider: &impl Provider) -> Result<String, Failure> {
    let credential = provider.credential().await?;
    Ok(credential.secret_id().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_key_is_renewed_in_the_background_before_its_last_fifth() {
    let well = Well::new(|_| false);
    let provider = of(&well);
    assert_eq!(id(&provider).await.unwrap(), "AKID1");
    // A fifth is 24 minutes; up to a fifth of that may be jitter: 91 minutes are the earliest.
    let earliest = Duration::from_mins(90);
    sleep(earliest).await;
    assert_eq!(well.fetches(), 1);
    sleep(Duration::from_mins(24).mul_f64(0.2) + 2 * MINUTE).await;
    assert_eq!(well.fetches(), 2, "nobody asked, and it was renewed");
    let before = Instant::now();
    assert_eq!(id(&provider).await.unwrap(), "AKID2");
    assert_eq!(before.elapsed(), Duration::ZERO, "nobody waits for it");
    let state = provider.state().unwrap();
    assert_eq!((state.refreshes, state.failures), (2, 0));
    assert!(state.changed.unwrap() > noon() + earliest);
    assert_eq!(state.expires, Some(noon() + LIFETIME));
}

#[tokio::test(start_paused = true)]
async fn keys_that_came_together_do_not_go_together() {
    let wells: Vec<_> = (0..20).map(|_| Well::new(|_| false)).collect();
    let providers: Vec<_> = wells.iter().map(of).collect();
    for provider in &providers {
        id(provider).await.unwrap();
    }
    sleep(Duration::from_secs(5_616)).await;
    let early = wells.iter().filter(|well| well.fetches() == 2).count();
    assert!((1..20).contains(&early), "{early} of 20 in the first half");
}

#[tokio::test(start_paused = true)]
async fn a_day_of_polls_and_a_source_that_fails_now_and_then() {
    // Two of three renewals fail, the first key excepted.
    let well = Well::new(|fetch| fetch % 3 != 1);
    let provider = of(&well);
    let begin = Instant::now();
    while begin.elapsed() < 24 * HOUR {
        id(&provider).await.unwrap();
        sleep(MINUTE).await;
    }
    let state = provider.state().unwrap();
    assert!((13..=17).contains(&state.refreshes), "{state:?}");
    assert!(state.failures >= 2 * (state.refreshes - 1), "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn everybody_waits_for_one_fetch() {
    let well = Well::new(|_| false);
    let provider = Arc::new(of(&well));
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let provider = Arc::clone(&provider);
            tokio::spawn(async move { id(&*provider).await })
        })
        .collect();
    for one in waiting {
        assert_eq!(one.await.unwrap().unwrap(), "AKID1");
    }
    assert_eq!(well.fetches(), 1);

    let dry = Well::new(|_| true);
    let provider = Arc::new(of(&dry));
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
    assert_eq!(dry.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_keeps_the_key_until_it_ends() {
    let well = Well::new(|fetch| fetch > 1);
    let provider = of(&well);
    id(&provider).await.unwrap();
    sleep(Duration::from_mins(118)).await;
    assert!(well.fetches() > 10, "it was tried again and again");
    assert!(well.fetches() < 50, "and not all the time");
    assert_eq!(id(&provider).await.unwrap(), "AKID1");
    sleep(2 * MINUTE).await;
    let failure = id(&provider).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Credentials);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_renewed_once_for_all_who_had_it() {
    let well = Well::new(|_| false);
    let provider = Arc::new(of(&well));
    let first = provider.credential().await.unwrap();
    assert!(
        !provider.invalidate(&first).await,
        "another would be refused alike"
    );
    assert_eq!(well.fetches(), 1);

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
    assert_eq!(well.fetches(), 2);
    assert_eq!(id(&*provider).await.unwrap(), "AKID2");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_not_used_again_where_there_is_no_other() {
    let well = Well::new(|fetch| fetch > 1);
    let provider = of(&well);
    let first = provider.credential().await.unwrap();
    sleep(MINUTE).await;
    assert!(!provider.invalidate(&first).await);
    assert!(id(&provider).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_gives_the_same_key_until_it_is_near_its_end() {
    // The metadata service does: whoever asks early gets what there was.
    let well = Arc::new(Well {
        fetches: AtomicU32::new(0),
        fails: |_| false,
        key: |fetch| fetch / 10,
    });
    let provider = of(&well);
    id(&provider).await.unwrap();
    sleep(Duration::from_mins(115)).await;
    assert_eq!(
        id(&provider).await.unwrap(),
        "AKID1",
        "asked until it changed"
    );
    assert!(well.fetches() < 20, "{}", well.fetches());
}

#[tokio::test(start_paused = true)]
async fn where_nobody_uses_it_any_more_nothing_is_renewed() {
    let well = Well::new(|_| false);
    let provider = of(&well);
    id(&provider).await.unwrap();
    drop(provider);
    sleep(24 * HOUR).await;
    assert_eq!(well.fetches(), 1);
    assert_eq!(Arc::strong_count(&well), 1, "and nothing is left of it");
}

/// A source whose keys all end within seconds, or at a time that no clock can show.
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
        let fetches = Arc::new(AtomicU32::new(0));
        let source = Brief(Arc::clone(&fetches), Duration::from_secs(lifetime));
        let provider = RefreshingProvider::new(source, Clock::virtual_at(noon()));
        let begin = Instant::now();
        while begin.elapsed() < 5 * MINUTE {
            drop(provider.credential().await);
            sleep(Duration::from_millis(100)).await;
        }
        let fetches = fetches.load(Ordering::Relaxed);
        assert!((20..=31).contains(&fetches), "{lifetime}: {fetches}");
    }
}

#[test]
fn an_end_that_no_clock_can_show_is_the_longest_lifetime() {
    for expired_time in [u64::MAX, 1 << 63] {
        let credential = Credential::new("AKID1".into(), "key".into(), None).unwrap();
        let temporary = Temporary::new(credential, expired_time, noon(), LIFETIME);
        assert_eq!(
            (temporary.lifetime, temporary.expires),
            (LIFETIME, noon() + LIFETIME)
        );
    }
}
