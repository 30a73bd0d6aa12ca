//! Keys of an account without `uin`. The history of one Tencent Cloud account must not continue
//! with the key of another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::warn;

use super::key_log::KeyLog;
use super::{
    Credential, CredentialFuture, FixedProvider, InvalidateFuture, Provider, ProviderState,
    verified::is_denied,
};
use crate::escape::escaped;
use crate::failure::{Failure, Reason};
use crate::tencent::provider::replacement;
use crate::tencent::reasons::timeout_failure;
use crate::tencent::sts::Sts;

/// How long a poll waits for STS to identify a key.
const STS_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a key is used unverified before the next request, if STS did not answer. If STS denied
/// the request, there is no next one.
const STS_RETRY: Duration = Duration::from_mins(5);

/// Provides keys that belong to the same account as the history. STS identifies each key once.
pub struct PinnedProvider {
    inner: Arc<dyn Provider>,
    sts: Arc<Sts>,
    /// The name of the account in the configuration, for the log.
    account: String,
    /// Whether to identify the first key, even if the owner of the history is unknown.
    verifies_first_key: bool,
    state: Mutex<State>,
    /// Held during a request to STS.
    turn: tokio::sync::Mutex<()>,
    log: KeyLog,
}

#[derive(Default)]
struct State {
    /// The account that the history belongs to, once known.
    owner: Option<String>,
    passed: Option<Passed>,
    /// The id of a key that belongs to another account, and that account.
    rejected: Option<(String, String)>,
    /// The key that STS is identifying. It stays if the poll is aborted meanwhile.
    in_progress: Option<Arc<Credential>>,
    is_warned: bool,
}

/// The latest key that was accepted.
#[derive(Clone)]
struct Passed {
    credential: Arc<Credential>,
    /// Whether STS has named its account.
    is_identified: bool,
    /// When to identify the key again. `None` if STS answered, or denied the request.
    retry_at: Option<Instant>,
}

/// Why there is no key.
enum Rejection {
    /// The inner provider has no key.
    NoKey(Failure),
    OtherAccount(Failure),
}

impl PinnedProvider {
    /// Provides the keys of `inner` to `account`. `verifies_first_key`: whether to identify the first key
    /// even if the owner of the history is unknown.
    pub fn new(
        inner: Arc<dyn Provider>,
        account: String,
        sts: Arc<Sts>,
        verifies_first_key: bool,
    ) -> Self {
        Self {
            inner,
            sts,
            account,
            verifies_first_key,
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            log: KeyLog::default(),
        }
    }

    /// Sets the account that the restored history belongs to.
    pub fn expect(&self, owner: String) {
        self.state().owner = Some(owner);
    }

    /// Resumes from what STS has told another provider of the same keys, so that it need not identify
    /// them again. A key that STS has not identified is identified again.
    pub fn resume(&self, other: &Self) {
        let learned = {
            let other = other.state();
            let passed = other.passed.clone();
            State {
                owner: other.owner.clone(),
                passed: passed.filter(|passed| passed.is_identified),
                rejected: other.rejected.clone(),
                ..State::default()
            }
        };
        *self.state() = learned;
        self.log.resume(&other.log);
    }

    /// Returns the account that the history belongs to, or else the owner of the current key. Asks
    /// STS if necessary. `None` if STS does not answer.
    pub async fn identify(&self) -> Option<String> {
        if let Some(owner) = self.owner() {
            return Some(owner);
        }
        let passed = {
            let state = self.state();
            let passed = state.passed.as_ref();
            passed.map(|passed| Arc::clone(&passed.credential))
        };
        let credential = match passed {
            Some(credential) => credential,
            None => self.inner.credential().await.ok()?,
        };
        let _turn = self.turn.lock().await;
        if self.known(&credential).is_none() {
            // The state has the result.
            drop(self.identify_key(&credential).await);
        }
        self.owner()
    }

    /// Returns whether the current key belongs to another account than the history.
    pub async fn has_new_owner(&self) -> bool {
        self.verifies() && matches!(self.pass().await, Err(Rejection::OtherAccount(_)))
    }

    async fn pass(&self) -> Result<Arc<Credential>, Rejection> {
        let credential = self.inner.credential().await.map_err(Rejection::NoKey)?;
        let Err(failure) = self.verdict(&credential).await else {
            return Ok(credential);
        };
        let other = replacement(&*self.inner, &credential).await;
        let Some(credential) = other.map_err(Rejection::NoKey)? else {
            return Err(Rejection::OtherAccount(failure));
        };
        let verdict = self.verdict(&credential).await;
        verdict.map_err(Rejection::OtherAccount)?;
        Ok(credential)
    }

    /// Returns whether a key may be used. The error is a key of another account.
    async fn verdict(&self, credential: &Arc<Credential>) -> Result<(), Failure> {
        if !self.verifies() {
            return Ok(());
        }
        if let Some(verdict) = self.known(credential) {
            return verdict;
        }
        let _turn = self.turn.lock().await;
        if let Some(verdict) = self.known(credential) {
            return verdict;
        }
        self.identify_previous(credential).await;
        self.identify_key(credential).await
    }

    fn verifies(&self) -> bool {
        self.verifies_first_key || self.state().owner.is_some()
    }

    /// Returns the verdict about a key, if no request is necessary.
    fn known(&self, credential: &Credential) -> Option<Result<(), Failure>> {
        let state = self.state();
        let id = credential.secret_id();
        if let (Some((rejected, uin)), Some(owner)) = (&state.rejected, &state.owner)
            && rejected == id
        {
            return Some(Err(other_account(uin, owner)));
        }
        let passed = state.passed.as_ref();
        let passed = passed.filter(|passed| passed.credential.secret_id() == id)?;
        let is_due = passed.retry_at.is_some_and(|at| at <= Instant::now());
        (!is_due).then_some(Ok(()))
    }

    /// Identifies the previous key if STS did not answer in time, to learn the owner of the
    /// history.
    async fn identify_previous(&self, next: &Credential) {
        let previous = {
            let state = self.state();
            let passed = state.passed.as_ref().filter(|passed| {
                state.owner.is_none()
                    && passed.retry_at.is_some()
                    && passed.credential.secret_id() != next.secret_id()
            });
            passed.map(|passed| Arc::clone(&passed.credential))
        };
        if let Some(previous) = previous {
            // The state has the result.
            drop(self.identify_key(&previous).await);
        }
    }

    /// Identifies a key through STS.
    async fn identify_key(&self, credential: &Arc<Credential>) -> Result<(), Failure> {
        let was_interrupted = {
            let mut state = self.state();
            let before = state.in_progress.replace(Arc::clone(credential));
            before.is_some_and(|before| before.secret_id() == credential.secret_id())
        };
        let result = if was_interrupted {
            Err(timeout_failure("the poll ended before STS answered"))
        } else {
            let fixed = Arc::new(FixedProvider::of(Arc::clone(credential)));
            let sts = self.sts.with(fixed);
            let result = timeout(STS_TIMEOUT, sts.caller_identity()).await;
            let late = || timeout_failure(format!("no response within {STS_TIMEOUT:?}"));
            result.unwrap_or_else(|_| Err(late()))
        };
        let mut state = self.state();
        state.in_progress = None;
        let mut retry_at = None;
        let uin = match result {
            Ok(identity) => {
                let owner = state.owner.get_or_insert_with(|| identity.uin.clone());
                if *owner != identity.uin {
                    let failure = other_account(&identity.uin, owner);
                    state.rejected = Some((credential.secret_id().to_owned(), identity.uin));
                    return Err(failure);
                }
                state.is_warned = false;
                Some(identity.uin)
            }
            Err(failure) => {
                retry_at = (!is_denied(&failure)).then(|| Instant::now() + STS_RETRY);
                // If the key is rejected, the poll fails and reports it.
                if failure.reason != Reason::Unauthenticated && !state.is_warned {
                    state.is_warned = true;
                    self.warn(&failure);
                }
                None
            }
        };
        state.passed = Some(Passed {
            credential: Arc::clone(credential),
            is_identified: uin.is_some(),
            retry_at,
        });
        drop(state);
        self.log.note(&*self.inner, credential, uin.as_deref());
        Ok(())
    }

    fn warn(&self, failure: &Failure) {
        warn!(
            account = self.account,
            error = %failure,
            "polling without knowing which account the key belongs to; allow sts:GetCallerIdentity or set uin"
        );
    }

    /// It is changed by assignments that cannot panic, so a poisoned lock is consistent.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn other_account(uin: &str, owner: &str) -> Failure {
    let (uin, owner) = (escaped(uin), escaped(owner));
    let message = format!(
        "not polled: the key belongs to account {uin}, but the history of this account belongs to {owner}; put a key \
         of {owner} back, or reload to start a new history with {uin} (after a restart only with uin: \"{uin}\")"
    );
    Failure::new(Reason::Credentials, message)
}

impl Provider for PinnedProvider {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn identity(&self) -> Option<String> {
        self.inner.identity()
    }

    fn credential(&self) -> CredentialFuture<'_> {
        Box::pin(async {
            self.pass().await.map_err(|rejection| match rejection {
                Rejection::NoKey(failure) | Rejection::OtherAccount(failure) => failure,
            })
        })
    }

    fn invalidate<'a>(&'a self, credential: &'a Arc<Credential>) -> InvalidateFuture<'a> {
        self.inner.invalidate(credential)
    }

    fn state(&self) -> Option<ProviderState> {
        self.inner.state()
    }

    fn location(&self) -> Option<String> {
        self.inner.location()
    }

    fn owner(&self) -> Option<String> {
        self.state().owner.clone()
    }
}
