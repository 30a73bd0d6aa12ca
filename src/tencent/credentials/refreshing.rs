//! Temporary keys, which are refreshed before they expire.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::{Credential, CredentialFuture, InvalidateFuture, Provider, ProviderState, Temporary};
use crate::clock::Clock;
use crate::escape::escaped;
use crate::failure::Failure;

/// A key is refreshed when a fifth of its lifetime is left, or [`MIN_REMAINING`] if that is longer,
/// but not in the first half of its lifetime.
const REMAINING_FRACTION: u32 = 5;

/// The minimum remaining lifetime of a key at its refresh.
const MIN_REMAINING: Duration = Duration::from_mins(5);

/// The jitter of a refresh, as a fraction of the remaining lifetime. It spreads keys that were
/// fetched together.
const JITTER: f64 = 0.2;

/// The wait after a failed refresh. It doubles with each further failure.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest wait after a refresh that failed or returned the same key, without jitter.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// The minimum time between two fetched keys. A key that expires sooner is missing until the next
/// fetch.
const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(10);

/// How often the refresh loop checks whether the provider is still in use.
const USE_CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// The minimum age of a key that may be invalidated. If the API rejects a younger key, it would
/// reject another one too.
const MIN_AGE: Duration = Duration::from_secs(10);

/// The future of a fetched key.
pub type FetchFuture<'a> =
    std::pin::Pin<Box<dyn Future<Output = Result<Temporary, Failure>> + Send + 'a>>;

/// A source of temporary keys.
pub trait Source: Send + Sync + 'static {
    /// Returns the name of the source, for the label `provider`.
    fn name(&self) -> &'static str;

    /// Returns the identity that all keys of the source share.
    fn identity(&self) -> String;

    /// Fetches a key.
    ///
    /// # Errors
    ///
    /// A failure with the reason `credentials` and the code of the failed request.
    fn fetch(&self) -> FetchFuture<'_>;
}

/// Provides the keys of a source and refreshes them, one refresh at a time.
pub struct RefreshingProvider<S> {
    inner: Arc<RefreshState<S>>,
    /// Whether the refresh loop runs. The first request for a key starts it.
    started: AtomicBool,
}

struct RefreshState<S> {
    source: S,
    clock: Clock,
    /// Held during a fetch.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Generation>,
    /// The number of finished fetches.
    fetches: u64,
    /// When the latest successful fetch ended.
    fetched: Option<Instant>,
    /// The failure of the latest fetch. `None` if it succeeded.
    failure: Option<Failure>,
    /// When the next refresh is due. `None` before the first fetch.
    due: Option<Instant>,
    refreshes: u64,
    failures: u64,
    /// How many refreshes in a row failed or returned the same key.
    failed_refreshes: usize,
}

struct Generation {
    credential: Arc<Credential>,
    expires: SystemTime,
    ends: Instant,
    /// When the refresh of the key is due.
    refresh: Instant,
    obtained: SystemTime,
    since: Instant,
}

impl<S: Source> RefreshingProvider<S> {
    /// Creates a provider that fetches the first key on demand.
    pub fn new(source: S, clock: Clock) -> Self {
        Self {
            inner: Arc::new(RefreshState {
                source,
                clock,
                turn: tokio::sync::Mutex::default(),
                state: Mutex::default(),
            }),
            started: AtomicBool::new(false),
        }
    }

    fn start_refresh_loop(&self) {
        if !self.started.swap(true, Ordering::Relaxed) {
            tokio::spawn(refresh_loop(Arc::downgrade(&self.inner)));
        }
    }
}

impl<S: Source> Provider for RefreshingProvider<S> {
    fn name(&self) -> &'static str {
        self.inner.source.name()
    }

    fn identity(&self) -> Option<String> {
        Some(self.inner.source.identity())
    }

    fn credential(&self) -> CredentialFuture<'_> {
        Box::pin(async {
            self.start_refresh_loop();
            let fetches = {
                let state = self.inner.state();
                if let Some(credential) = state.valid_credential(Instant::now()) {
                    return Ok(credential);
                }
                state.fetches
            };
            self.inner.fetch_after(fetches).await
        })
    }

    fn invalidate<'a>(&'a self, credential: &'a Arc<Credential>) -> InvalidateFuture<'a> {
        Box::pin(async move {
            let now = Instant::now();
            let fetches = {
                let state = self.inner.state();
                match &state.current {
                    Some(current) if !Arc::ptr_eq(&current.credential, credential) => return true,
                    Some(current) if now - current.since < MIN_AGE => return false,
                    // The key stays until the next one arrives. Accounts share it, and it may be
                    // valid for the other accounts.
                    _ => state.fetches,
                }
            };
            let next = self.inner.fetch_after(fetches).await;
            next.is_ok_and(|next| !next.same_as(credential))
        })
    }

    fn state(&self) -> Option<ProviderState> {
        let state = self.inner.state();
        let current = state.current.as_ref();
        Some(ProviderState {
            expires: current.map(|current| current.expires),
            changed: current.map(|current| current.obtained),
            refreshes: state.refreshes,
            failures: state.failures,
            failure: state.failure.clone(),
        })
    }
}

/// Refreshes keys until the provider is dropped.
async fn refresh_loop<S: Source>(inner: Weak<RefreshState<S>>) {
    loop {
        let Some(strong) = inner.upgrade() else {
            return;
        };
        let now = Instant::now();
        let (due, fetches) = {
            let state = strong.state();
            (state.due, state.fetches)
        };
        let wait = due.map_or(USE_CHECK_INTERVAL, |due| due.saturating_duration_since(now));
        if due.is_some() && wait.is_zero() {
            // The state has the result.
            drop(strong.fetch_after(fetches).await);
            continue;
        }
        drop(strong);
        sleep(wait.min(USE_CHECK_INTERVAL)).await;
    }
}

impl<S: Source> RefreshState<S> {
    /// Returns the result of the first fetch that ends after `fetches` others. Callers that wait
    /// for the same fetch share its result.
    async fn fetch_after(&self, fetches: u64) -> Result<Arc<Credential>, Failure> {
        let _turn = self.turn.lock().await;
        {
            let state = self.state();
            if state.fetches > fetches || state.is_too_early() {
                return state.outcome();
            }
        }
        let began = Instant::now();
        let result = self.source.fetch().await;
        let mut state = self.state();
        self.log_failure(&state, &result);
        state.record(result, began, self.clock.now().wall);
        state.outcome()
    }

    /// Warns of the first of several failures in a row if the previous key is still valid. Without a
    /// valid key, polls fail, and their log lines have the failure.
    fn log_failure(&self, before: &State, result: &Result<Temporary, Failure>) {
        let Err(failure) = result else {
            return;
        };
        if before.failure.is_none() && before.valid_credential(Instant::now()).is_some() {
            warn!(
                provider = self.source.name(),
                identity = escaped(&self.source.identity()),
                error = %failure,
                "cannot refresh the temporary key; the current key is used until it expires"
            );
        }
    }

    /// It is changed by assignments that cannot panic, so a poisoned lock is consistent.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn valid_credential(&self, now: Instant) -> Option<Arc<Credential>> {
        let current = self.current.as_ref()?;
        (now < current.ends).then(|| Arc::clone(&current.credential))
    }

    fn is_too_early(&self) -> bool {
        let fetched = self.fetched.filter(|_| self.failure.is_none());
        fetched.is_some_and(|fetched| fetched.elapsed() < MIN_FETCH_INTERVAL)
    }

    /// Returns the current key if it is still valid, even if the latest fetch failed.
    fn outcome(&self) -> Result<Arc<Credential>, Failure> {
        match (self.valid_credential(Instant::now()), &self.failure) {
            (Some(credential), _) => Ok(credential),
            (None, Some(failure)) => Err(failure.clone()),
            (None, None) => Err(super::no_credentials(format!(
                "the temporary key has expired; the next key is fetched {MIN_FETCH_INTERVAL:?} after the last fetch"
            ))),
        }
    }

    fn record(&mut self, fetched: Result<Temporary, Failure>, began: Instant, wall: SystemTime) {
        self.fetches += 1;
        let now = Instant::now();
        let temporary = match fetched {
            Ok(temporary) => temporary,
            Err(failure) => {
                self.failures += 1;
                self.failure = Some(failure);
                self.due = Some(now + self.pause());
                return;
            }
        };
        self.refreshes += 1;
        self.failure = None;
        self.fetched = Some(now);
        let current = self.current.as_ref();
        if current.is_some_and(|current| current.credential.same_as(&temporary.credential)) {
            // Some sources return the same key until it is about to expire. If the key was
            // invalidated, its refresh is not due yet.
            let retry = now + self.pause().max(MIN_FETCH_INTERVAL);
            let refresh = self.current.as_ref().map(|current| current.refresh);
            self.due = refresh.max(Some(retry));
            return;
        }
        self.failed_refreshes = 0;
        if temporary.lifetime < MIN_FETCH_INTERVAL {
            let lifetime = temporary.lifetime;
            warn!(?lifetime, least = ?MIN_FETCH_INTERVAL, "a temporary key expires before the next one may be fetched");
        }
        let refresh = (began + until_refresh(temporary.lifetime)).max(now + MIN_FETCH_INTERVAL);
        self.due = Some(refresh);
        self.current = Some(Generation {
            credential: Arc::new(temporary.credential),
            expires: temporary.expires,
            ends: began + temporary.lifetime,
            refresh,
            obtained: wall,
            since: now,
        });
    }

    fn pause(&mut self) -> Duration {
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(MAX_PAUSE)
            .with_jitter()
            .without_max_times()
            .build();
        let pause = pauses.nth(self.failed_refreshes.min(MAX_DOUBLINGS));
        self.failed_refreshes += 1;
        pause.unwrap_or(MAX_PAUSE)
    }
}

/// The number of doublings after which the wait is [`MAX_PAUSE`].
const MAX_DOUBLINGS: usize = 8;

/// Returns the time from the start of a key's lifetime to its refresh.
fn until_refresh(lifetime: Duration) -> Duration {
    let left = (lifetime / REMAINING_FRACTION)
        .max(MIN_REMAINING)
        .min(lifetime / 2);
    let early = left.mul_f64(JITTER * fastrand::f64());
    lifetime.saturating_sub(left + early)
}
