//! Keys that stand in files and are read again before every call, so that nothing is asked with a
//! key that its file no longer holds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use super::{Credential, Provided, Provider, ProviderState, Renewed, no_credentials};
use crate::clock::Clock;
use crate::failure::Failure;

/// What is new has to read the same twice, so far apart: one look might find half of a write.
const LOOK_TWICE: Duration = Duration::from_millis(20);

/// An id that came without its key, or a key without its id, is half of a change. The other half is
/// waited for so long; then the two are taken for what they are.
const OTHER_HALF: Duration = Duration::from_secs(1);

/// Where keys are kept.
pub trait Shelf: Send + Sync + 'static {
    /// Its name, for the label `provider`.
    fn name(&self) -> &'static str;

    /// What is there now. It may block.
    ///
    /// # Errors
    ///
    /// What is missing or cannot be a key, and where; never what it is.
    fn read(&self) -> Result<Credential, String>;
}

/// A provider that looks on a shelf each time.
pub struct Rereading<S> {
    shelf: Arc<S>,
    clock: Clock,
    state: Mutex<State>,
    /// Held by whoever waits for something new to settle.
    turn: tokio::sync::Mutex<()>,
    identity: Option<String>,
}

#[derive(Default)]
struct State {
    current: Option<(Arc<Credential>, SystemTime)>,
    refreshes: u64,
    failures: u64,
}

impl<S: Shelf> Rereading<S> {
    /// Looks once, for the identity. What is not there yet may come.
    pub fn new(shelf: S, clock: Clock) -> Self {
        let identity = shelf.read().ok();
        Self {
            shelf: Arc::new(shelf),
            clock,
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            identity: identity.map(|credential| credential.secret_id().to_owned()),
        }
    }

    /// What is on the shelf, the same value as long as it is the same.
    async fn look(&self) -> Result<Arc<Credential>, Failure> {
        let mut found = self.read().await?;
        if let Some(current) = self.current_if(&found) {
            return Ok(current);
        }
        let _turn = self.turn.lock().await;
        let began = Instant::now();
        loop {
            sleep(LOOK_TWICE).await;
            let again = self.read().await?;
            if let Some(current) = self.current_if(&again) {
                return Ok(current);
            }
            let is_settled = again.is(&found);
            let is_whole = !self.is_half_of_a_change(&again) || began.elapsed() >= OTHER_HALF;
            if is_settled && is_whole {
                return Ok(self.take_up(again));
            }
            found = again;
        }
    }

    async fn read(&self) -> Result<Credential, Failure> {
        let place = Arc::clone(&self.shelf);
        let read = tokio::task::spawn_blocking(move || place.read()).await;
        let read = read.unwrap_or_else(|_| Err("reading them panicked".to_owned()));
        read.map_err(|why| {
            self.state().failures += 1;
            no_credentials(why)
        })
    }

    fn current_if(&self, found: &Credential) -> Option<Arc<Credential>> {
        let state = self.state();
        let (current, _) = state.current.as_ref()?;
        current.is(found).then(|| Arc::clone(current))
    }

    fn is_half_of_a_change(&self, found: &Credential) -> bool {
        let state = self.state();
        let Some((current, _)) = &state.current else {
            return false;
        };
        (current.secret_id() == found.secret_id()) != current.has_the_key_of(found)
    }

    fn take_up(&self, found: Credential) -> Arc<Credential> {
        let mut state = self.state();
        let credential = Arc::new(found);
        state.refreshes += 1;
        state.current = Some((Arc::clone(&credential), self.clock.now().wall));
        credential
    }

    /// Changed by assignments that cannot panic half-way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Shelf> Provider for Rereading<S> {
    fn name(&self) -> &'static str {
        self.shelf.name()
    }

    fn identity(&self) -> Option<String> {
        self.identity.clone()
    }

    fn credential(&self) -> Provided<'_> {
        Box::pin(self.look())
    }

    fn refused<'a>(&'a self, credential: &'a Arc<Credential>) -> Renewed<'a> {
        Box::pin(async move {
            let now = self.look().await;
            now.is_ok_and(|now| !now.is(credential))
        })
    }

    fn state(&self) -> Option<ProviderState> {
        let state = self.state();
        Some(ProviderState {
            expires: None,
            changed: state.current.as_ref().map(|(_, changed)| *changed),
            refreshes: state.refreshes,
            failures: state.failures,
        })
    }
}
