//! Keys of an account without `uin`: the history of one Tencent Cloud account never continues with
//! the key of another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::warn;

use super::key_log::KeyLog;
use super::{
    Credential, CredentialFuture, FixedProvider, InvalidateFuture, Provider, ProviderState,
    verified::is_denied,
};
use crate::failure::{Failure, Reason};
use crate::tencent::reasons::{escaped, timeout_failure};
use crate::tencent::sts::Sts;

/// How long STS may take to say whose a key is. The poll waits meanwhile.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a key is used unverified before STS is asked again, if STS did not answer. If it denied
/// the call, it is not asked again.
const ASK_AGAIN: Duration = Duration::from_mins(5);

/// Lets keys through as long as they belong to the account that the history belongs to. STS is
/// asked once about each key.
pub struct PinnedProvider {
    inner: Arc<dyn Provider>,
    sts: Arc<Sts>,
    /// The name of the account in the configuration, for the log.
    account: String,
    /// Whether STS is asked about the first key too, even if no account id is known yet.
    asks_first: bool,
    state: Mutex<State>,
    /// Held while STS is asked.
    turn: tokio::sync::Mutex<()>,
    log: KeyLog,
}

#[derive(Default)]
struct State {
    /// The account that the history belongs to, once known.
    owner: Option<String>,
    passed: Option<Passed>,
    /// The id of a key that belongs to another account, and that account.
    refused: Option<(String, String)>,
    /// The key that STS is being asked about. If the poll is cut meanwhile, it stays.
    asking: Option<Arc<Credential>>,
    is_warned: bool,
}

/// The last key that was let through.
struct Passed {
    credential: Arc<Credential>,
    /// When to ask STS about it again; `None` if it has answered, or will not.
    ask_again: Option<Instant>,
}

/// Why there is no key.
enum Refusal {
    /// The provider has none.
    NoKey(Failure),
    OtherAccount(Failure),
}

impl PinnedProvider {
    /// Lets the keys of `inner` through for `account`. `asks_first`: whether STS is asked about the
    /// first key too; otherwise it is asked only if the account id of the history is known.
    pub fn new(inner: Arc<dyn Provider>, account: String, sts: Arc<Sts>, asks_first: bool) -> Self {
        Self {
            inner,
            sts,
            account,
            asks_first,
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            log: KeyLog::default(),
        }
    }

    /// Pins the keys to the account that an earlier history belongs to.
    pub fn expect(&self, owner: String) {
        self.state().owner = Some(owner);
    }

    /// The account that the history belongs to, or else the key in use. Asks STS if that is not
    /// known; `None` if STS does not answer.
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
            // Its result is in the state.
            drop(self.ask(&credential).await);
        }
        self.owner()
    }

    /// Whether the key that is there now belongs to another account than the history.
    pub async fn has_new_owner(&self) -> bool {
        self.asks() && matches!(self.pass().await, Err(Refusal::OtherAccount(_)))
    }

    async fn pass(&self) -> Result<Arc<Credential>, Refusal> {
        let credential = self.inner.credential().await.map_err(Refusal::NoKey)?;
        if !self.asks() {
            return Ok(credential);
        }
        let mut verdict = self.known(&credential);
        if verdict.is_none() {
            let _turn = self.turn.lock().await;
            verdict = self.known(&credential);
            if verdict.is_none() {
                self.ask_about_previous(&credential).await;
                verdict = Some(self.ask(&credential).await);
            }
        }
        match verdict {
            Some(Err(failure)) => Err(Refusal::OtherAccount(failure)),
            _ => Ok(credential),
        }
    }

    fn asks(&self) -> bool {
        self.asks_first || self.state().owner.is_some()
    }

    /// What is known of a key without asking.
    fn known(&self, credential: &Credential) -> Option<Result<(), Failure>> {
        let state = self.state();
        let id = credential.secret_id();
        if let (Some((refused, uin)), Some(owner)) = (&state.refused, &state.owner)
            && refused == id
        {
            return Some(Err(other_account(uin, owner)));
        }
        let passed = state.passed.as_ref();
        let passed = passed.filter(|passed| passed.credential.secret_id() == id)?;
        let is_due = passed.ask_again.is_some_and(|at| at <= Instant::now());
        (!is_due).then_some(Ok(()))
    }

    /// Learns the account of the history with the previous key, if STS did not say it in time.
    async fn ask_about_previous(&self, next: &Credential) {
        let previous = {
            let state = self.state();
            let passed = state.passed.as_ref().filter(|passed| {
                state.owner.is_none()
                    && passed.ask_again.is_some()
                    && passed.credential.secret_id() != next.secret_id()
            });
            passed.map(|passed| Arc::clone(&passed.credential))
        };
        if let Some(previous) = previous {
            // Its result is in the state.
            drop(self.ask(&previous).await);
        }
    }

    /// Asks STS whose a key is.
    async fn ask(&self, credential: &Arc<Credential>) -> Result<(), Failure> {
        let was_interrupted = {
            let mut state = self.state();
            let before = state.asking.replace(Arc::clone(credential));
            before.is_some_and(|before| before.secret_id() == credential.secret_id())
        };
        let asked = if was_interrupted {
            Err(timeout_failure("the poll ended before STS answered"))
        } else {
            let fixed = Arc::new(FixedProvider::of(Arc::clone(credential)));
            let sts = self.sts.with(fixed);
            let asked = timeout(ASK_TIMEOUT, sts.caller_identity()).await;
            let late = || timeout_failure(format!("no answer within {ASK_TIMEOUT:?}"));
            asked.unwrap_or_else(|_| Err(late()))
        };
        let mut state = self.state();
        state.asking = None;
        let mut ask_again = None;
        let uin = match asked {
            Ok(identity) => {
                let owner = state.owner.get_or_insert_with(|| identity.uin.clone());
                if *owner != identity.uin {
                    let failure = other_account(&identity.uin, owner);
                    state.refused = Some((credential.secret_id().to_owned(), identity.uin));
                    return Err(failure);
                }
                state.is_warned = false;
                Some(identity.uin)
            }
            Err(failure) => {
                ask_again = (!is_denied(&failure)).then(|| Instant::now() + ASK_AGAIN);
                // A key that is not accepted at all fails the poll, which says so.
                if failure.reason != Reason::Unauthenticated && !state.is_warned {
                    state.is_warned = true;
                    self.warn(&failure);
                }
                None
            }
        };
        state.passed = Some(Passed {
            credential: Arc::clone(credential),
            ask_again,
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

    /// Changed by assignments that cannot panic half-way.
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
            self.pass().await.map_err(|refusal| match refusal {
                Refusal::NoKey(failure) | Refusal::OtherAccount(failure) => failure,
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
