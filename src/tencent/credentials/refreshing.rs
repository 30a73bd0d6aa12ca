//! Keys that end and are renewed before they do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::{Credential, CredentialFuture, InvalidateFuture, Provider, ProviderState, Temporary};
use crate::clock::Clock;
use crate::failure::Failure;

/// A key is renewed when a fifth of its life is left, and not later than [`LEAST_LEFT`] before its
/// end, but never in the first half of it.
const LAST_PART: u32 = 5;

/// What is left of a key's life at its renewal, at the least.
const LEAST_LEFT: Duration = Duration::from_mins(5);

/// A renewal is made up to so much of what is then left earlier, so that keys that came together do
/// not go together.
const JITTER: f64 = 0.2;

/// The wait after a failed renewal, doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// No wait between two renewals that fail, or bring what there was already, is longer; jitter
/// aside.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The shortest time between two keys that are fetched. A key that lives shorter is missing until
/// the next fetch.
const LEAST_BETWEEN: Duration = Duration::from_secs(10);

/// How long the keeper sleeps at the most before it looks whether anybody needs it.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A key that is so young is not renewed because it was refused: another would be refused alike.
const MIN_AGE: Duration = Duration::from_secs(10);

/// A key that is on its way.
pub type FetchFuture<'a> =
    std::pin::Pin<Box<dyn Future<Output = Result<Temporary, Failure>> + Send + 'a>>;

/// Where temporary keys come from.
pub trait Source: Send + Sync + 'static {
    /// Its name, for the label `provider`.
    fn name(&self) -> &'static str;

    /// Who its keys speak for, whichever they are.
    fn identity(&self) -> String;

    /// A key.
    ///
    /// # Errors
    ///
    /// With the reason `credentials`, and the code of the call that failed.
    fn fetch(&self) -> FetchFuture<'_>;
}

/// A provider that renews the keys of a source, one renewal at a time.
pub struct RefreshingProvider<S> {
    inner: Arc<RefreshState<S>>,
    /// Whether somebody looks after the renewals. Nobody does before the first key is wanted.
    started: AtomicBool,
}

struct RefreshState<S> {
    source: S,
    clock: Clock,
    /// Held by whoever fetches.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Generation>,
    /// How many fetches have ended.
    fetches: u64,
    /// When the last fetch that brought a key ended.
    fetched: Option<Instant>,
    /// Why the last of them brought nothing.
    failure: Option<Failure>,
    /// When the next one is due; none before the first.
    due: Option<Instant>,
    refreshes: u64,
    failures: u64,
    /// How many in a row have failed, or brought what there was already.
    failed_refreshes: usize,
}

struct Generation {
    credential: Arc<Credential>,
    expires: SystemTime,
    ends: Instant,
    obtained: SystemTime,
    since: Instant,
}

impl<S: Source> RefreshingProvider<S> {
    /// Nothing is fetched before the first key is wanted.
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
                if let Some(credential) = state.living(Instant::now()) {
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
                let mut state = self.inner.state();
                match &state.current {
                    Some(current) if !Arc::ptr_eq(&current.credential, credential) => return true,
                    Some(current) if now - current.since < MIN_AGE => return false,
                    // Whoever comes next waits for a better one.
                    _ => state.current = None,
                }
                state.fetches
            };
            let renewed = self.inner.fetch_after(fetches).await;
            renewed.is_ok_and(|renewed| !renewed.same_as(credential))
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
        })
    }
}

/// Renews until nobody uses the provider any more.
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
        let wait = due.map_or(LOOK_EVERY, |due| due.saturating_duration_since(now));
        if due.is_some() && wait.is_zero() {
            // What comes of it is in the state.
            drop(strong.fetch_after(fetches).await);
            continue;
        }
        drop(strong);
        sleep(wait.min(LOOK_EVERY)).await;
    }
}

impl<S: Source> RefreshState<S> {
    /// What a fetch brings that ends after so many others. Whoever waits for one that is under way
    /// takes what it brings.
    async fn fetch_after(&self, fetches: u64) -> Result<Arc<Credential>, Failure> {
        let _turn = self.turn.lock().await;
        {
            let state = self.state();
            if state.fetches > fetches || state.is_too_early() {
                return state.outcome();
            }
        }
        let began = Instant::now();
        let brought = self.source.fetch().await;
        let mut state = self.state();
        state.enter(brought, began, self.clock.now().wall);
        state.outcome()
    }

    /// Changed by assignments that cannot panic half-way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn living(&self, now: Instant) -> Option<Arc<Credential>> {
        let current = self.current.as_ref()?;
        (now < current.ends).then(|| Arc::clone(&current.credential))
    }

    fn is_too_early(&self) -> bool {
        let fetched = self.fetched.filter(|_| self.failure.is_none());
        fetched.is_some_and(|fetched| fetched.elapsed() < LEAST_BETWEEN)
    }

    /// What whoever asked for a fetch goes on with: a key that still lives, however the fetch
    /// ended.
    fn outcome(&self) -> Result<Arc<Credential>, Failure> {
        match (self.living(Instant::now()), &self.failure) {
            (Some(credential), _) => Ok(credential),
            (None, Some(failure)) => Err(failure.clone()),
            (None, None) => Err(super::no_credentials(format!(
                "the key that was given has ended; the next one is fetched {LEAST_BETWEEN:?} after it"
            ))),
        }
    }

    fn enter(&mut self, fetched: Result<Temporary, Failure>, began: Instant, wall: SystemTime) {
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
            // Some sources hand out one key until it is near its end.
            self.due = Some(now + self.pause().max(LEAST_BETWEEN));
            return;
        }
        self.failed_refreshes = 0;
        if temporary.lifetime < LEAST_BETWEEN {
            let lifetime = temporary.lifetime;
            warn!(?lifetime, least = ?LEAST_BETWEEN, "a temporary key ends before the next one may be fetched");
        }
        self.due = Some((began + until_renewal(temporary.lifetime)).max(now + LEAST_BETWEEN));
        self.current = Some(Generation {
            credential: Arc::new(temporary.credential),
            expires: temporary.expires,
            ends: began + temporary.lifetime,
            obtained: wall,
            since: now,
        });
    }

    fn pause(&mut self) -> Duration {
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_jitter()
            .without_max_times()
            .build();
        let pause = pauses.nth(self.failed_refreshes.min(MOST_DOUBLINGS));
        self.failed_refreshes += 1;
        pause.unwrap_or(LONGEST_PAUSE)
    }
}

/// After so many the longest pause is reached.
const MOST_DOUBLINGS: usize = 8;

/// From the beginning of a key's life to its renewal.
fn until_renewal(lifetime: Duration) -> Duration {
    let left = (lifetime / LAST_PART).max(LEAST_LEFT).min(lifetime / 2);
    let early = left.mul_f64(JITTER * fastrand::f64());
    lifetime.saturating_sub(left + early)
}
