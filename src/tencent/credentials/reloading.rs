//! Keys in files, which are reloaded before every request. A key that its file no longer contains
//! is never used.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use super::{
    Credential, CredentialFuture, InvalidateFuture, Provider, ProviderState, no_credentials,
};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::files::{READ_TIMEOUT, ReadSlot, Reads};

/// The time between two reads of a changed file. Both must return the same, because the first may
/// be incomplete.
pub(super) const SETTLE_DELAY: Duration = Duration::from_millis(20);

/// How long a reload waits for the other half of a change: an id without its key, a key without its
/// id, or an empty, absent or truncated file. After that, the files are used as they are.
pub(super) const HALF_CHANGE_WAIT: Duration = Duration::from_secs(1);

/// How long a reload waits for files that keep changing.
const MAX_CHANGE_WAIT: Duration = Duration::from_secs(3);

/// The files that contain a key.
pub trait CredentialFile: Send + Sync + 'static {
    /// Returns the name of the provider, for the label `provider`.
    fn name(&self) -> &'static str;

    /// Returns the paths of the files, for messages.
    fn location(&self) -> String;

    /// Reads the key. May block the thread.
    ///
    /// # Errors
    ///
    /// What is missing or invalid, and in which file, without the content.
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

/// Provides the key in the files, and reads it again for each request.
pub struct ReloadingProvider<S> {
    file: Arc<S>,
    slot: ReadSlot,
    clock: Clock,
    state: Mutex<State>,
    /// Held while a change settles.
    turn: tokio::sync::Mutex<()>,
    identity: OnceLock<String>,
}

#[derive(Default)]
struct State {
    current: Option<(Arc<Credential>, SystemTime)>,
    refreshes: u64,
    failures: u64,
    /// Why the files cannot be used, after [`HALF_CHANGE_WAIT`].
    broken: Option<String>,
}

impl<S: CredentialFile> ReloadingProvider<S> {
    /// Creates a provider that has not read the files yet.
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

    /// Shares the limit of concurrent reads with other providers.
    #[must_use]
    pub fn sharing(mut self, reads: &Reads) -> Self {
        self.slot = reads.slot();
        self
    }

    /// Reads the identity once. The files may still be absent.
    pub async fn identify(&self) {
        if let Ok(Ok(found)) = self.read().await {
            // Only the first call sets the identity.
            let _ = self.identity.set(found.secret_id().to_owned());
        }
    }

    /// Returns the key in the files. An unchanged key is the same allocation.
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
                return Err(self.failed("its files keep changing".to_owned()));
            }
            found = again;
        }
    }

    /// Reads the files. The outer error is a timeout.
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

    /// Returns whether the wait for the other half has already ended with this error.
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
        let same_key = current.has_same_key(found);
        // A token belongs to its key, so a new token with an old key is half of a change.
        let have_tokens = current.token().is_some() && found.token().is_some();
        let same_token = current.has_same_token(found);
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

    /// It is changed by assignments that cannot panic, so a poisoned lock is consistent.
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
            failure: None,
        })
    }

    fn location(&self) -> Option<String> {
        Some(self.file.location())
    }
}
