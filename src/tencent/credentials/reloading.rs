//! Keys that stand in files and are read again before every call, so that nothing is asked with a
//! key that its file no longer holds.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use super::{
    Credential, CredentialFuture, InvalidateFuture, Provider, ProviderState, no_credentials,
};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::files::{READ_TIMEOUT, ReadSlot, Reads};

/// What is new has to read the same twice, so far apart: one look might find half of a write.
pub(super) const SETTLE_DELAY: Duration = Duration::from_millis(20);

/// An id that came without its key, or a key without its id, is half of a change, and so is a file
/// that is empty, absent or cut. The other half is waited for so long; then they are taken for what
/// they are.
pub(super) const HALF_CHANGE_WAIT: Duration = Duration::from_secs(1);

/// Files that never read the same twice are waited for no longer.
const MAX_CHANGE_WAIT: Duration = Duration::from_secs(3);

/// Where keys are inner.
pub trait CredentialFile: Send + Sync + 'static {
    /// Its name, for the label `provider`.
    fn name(&self) -> &'static str;

    /// Where the keys are, for messages.
    fn location(&self) -> String;

    /// What is there now. It may block.
    ///
    /// # Errors
    ///
    /// What is missing or cannot be a key, and where; never what it is.
    fn read(&self) -> Result<Credential, String>;
}

impl CredentialFile for Box<dyn CredentialFile> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn location(&self) -> String {
        (**self).location()
    }

    fn read(&self) -> Result<Credential, String> {
        (**self).read()
    }
}

/// A provider that looks on a shelf each time.
pub struct ReloadingProvider<S> {
    file: Arc<S>,
    slot: ReadSlot,
    clock: Clock,
    state: Mutex<State>,
    /// Held by whoever waits for something new to settle.
    turn: tokio::sync::Mutex<()>,
    identity: OnceLock<String>,
}

#[derive(Default)]
struct State {
    current: Option<(Arc<Credential>, SystemTime)>,
    refreshes: u64,
    failures: u64,
    /// Why the shelf could not be read at last, after the wait for another half.
    broken: Option<String>,
}

impl<S: CredentialFile> ReloadingProvider<S> {
    /// Reads nothing yet.
    pub fn new(file: S, clock: Clock) -> Self {
        Self {
            file: Arc::new(file),
            slot: ReadSlot::default(),
            clock,
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            identity: OnceLock::new(),
        }
    }

    /// Shares a cap on the reads in flight with other providers.
    #[must_use]
    pub fn sharing(mut self, reads: &Reads) -> Self {
        self.slot = reads.slot();
        self
    }

    /// Looks once, for the identity. What is not there yet may come.
    pub async fn identify(&self) {
        if let Ok(Ok(found)) = self.read().await {
            // It stays what it was at first.
            let _ = self.identity.set(found.secret_id().to_owned());
        }
    }

    /// What is on the shelf, the same value as long as it is the same.
    async fn load(&self) -> Result<Arc<Credential>, Failure> {
        let mut found = self.read().await.map_err(|why| self.failed(why))?;
        if let Ok(found) = &found
            && let Some(current) = self.current_if(found)
        {
            return Ok(current);
        }
        let _turn = self.turn.lock().await;
        let began = Instant::now();
        loop {
            sleep(SETTLE_DELAY).await;
            let again = self.read().await.map_err(|why| self.failed(why))?;
            let has_waited = began.elapsed() >= HALF_CHANGE_WAIT;
            match &again {
                Ok(credential) => {
                    if let Some(current) = self.current_if(credential) {
                        return Ok(current);
                    }
                    let is_settled = found.is_ok_and(|found| credential.same_as(&found));
                    let is_whole = has_waited || !self.is_half_of_a_change(credential);
                    if is_settled && is_whole {
                        return again.map(|it| self.accept(it)).map_err(no_credentials);
                    }
                }
                Err(why) if has_waited || self.is_known(why) => {
                    return Err(self.failed(why.clone()));
                }
                Err(_) => {}
            }
            if began.elapsed() >= MAX_CHANGE_WAIT {
                return Err(self.failed("its files do not stop changing".to_owned()));
            }
            found = again;
        }
    }

    /// What the shelf says now: no answer in time is the outer error.
    async fn read(&self) -> Result<Result<Credential, String>, String> {
        let place = Arc::clone(&self.file);
        let read = self.slot.run(READ_TIMEOUT, move || place.read()).await;
        read.map_err(|error| format!("{} cannot be read: {error}", self.file.location()))
    }

    fn failed(&self, why: String) -> Failure {
        let mut state = self.state();
        state.failures += 1;
        let failure = no_credentials(&why);
        state.broken = Some(why);
        failure
    }

    /// Whether another half was waited for already.
    fn is_known(&self, why: &str) -> bool {
        self.state().broken.as_deref() == Some(why)
    }

    fn current_if(&self, found: &Credential) -> Option<Arc<Credential>> {
        let mut state = self.state();
        let (current, _) = state.current.as_ref()?;
        let current = current.same_as(found).then(|| Arc::clone(current))?;
        state.broken = None;
        Some(current)
    }

    fn is_half_of_a_change(&self, found: &Credential) -> bool {
        let state = self.state();
        let Some((current, _)) = &state.current else {
            return false;
        };
        let same_id = current.secret_id() == found.secret_id();
        let same_key = current.has_the_key_of(found);
        // A token belongs to its key: a new one beside an old key is half of a change, too.
        let have_tokens = current.token().is_some() && found.token().is_some();
        let same_token = current.has_the_token_of(found);
        same_id != same_key || (have_tokens && same_token != same_key)
    }

    fn accept(&self, found: Credential) -> Arc<Credential> {
        let mut state = self.state();
        let credential = Arc::new(found);
        state.refreshes += 1;
        state.broken = None;
        let _ = self.identity.set(credential.secret_id().to_owned());
        state.current = Some((Arc::clone(&credential), self.clock.now().wall));
        credential
    }

    /// Changed by assignments that cannot panic half-way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: CredentialFile> Provider for ReloadingProvider<S> {
    fn name(&self) -> &'static str {
        self.file.name()
    }

    fn identity(&self) -> Option<String> {
        self.identity.get().cloned()
    }

    fn credential(&self) -> CredentialFuture<'_> {
        Box::pin(self.load())
    }

    fn invalidate<'a>(&'a self, credential: &'a Arc<Credential>) -> InvalidateFuture<'a> {
        Box::pin(async move {
            let now = self.load().await;
            now.is_ok_and(|now| !now.same_as(credential))
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

    fn location(&self) -> Option<String> {
        Some(self.file.location())
    }
}
