//! Keys whose account is verified before anything else is signed with them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::warn;

use super::{Credential, FixedProvider, Provided, Provider, ProviderState, Renewed};
use crate::failure::{Failure, Reason};
use crate::tencent::reasons::escaped;
use crate::tencent::sts::{CallerIdentity, Sts};

/// Lets through only the keys of one account: a key file that was swapped must never be polled
/// under another account's name.
pub struct Verified {
    inner: Arc<dyn Provider>,
    uin: String,
    sts: Arc<Sts>,
    proof: Proof,
    has_warned: AtomicBool,
    /// The last key that was accepted.
    last: Mutex<Option<Arc<Credential>>>,
    /// Held by whoever asks.
    turn: tokio::sync::Mutex<()>,
}

/// What is done with a key if STS does not allow it to ask whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is refused: nothing else says whose it is.
    Required,
    /// It is accepted with one warning: the ARN of its role names the account.
    WhereAllowed,
}

impl Verified {
    /// Lets through the keys of `inner` that belong to `uin`, as `sts` says.
    pub fn new(inner: Arc<dyn Provider>, uin: String, sts: Arc<Sts>, proof: Proof) -> Self {
        Self {
            inner,
            uin,
            sts,
            proof,
            has_warned: AtomicBool::new(false),
            last: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    async fn verify(&self) -> Result<Arc<Credential>, Failure> {
        let credential = self.inner.credential().await?;
        if self.is_verified(&credential) {
            return Ok(credential);
        }
        let _turn = self.turn.lock().await;
        if self.is_verified(&credential) {
            return Ok(credential);
        }
        let Err(failure) = self.check(&credential).await? else {
            return Ok(credential);
        };
        // A role's key of another account is an answer that belongs to another request, so the
        // provider discards it and fetches another key.
        if !self.inner.refused(&credential).await {
            return Err(failure);
        }
        let credential = self.inner.credential().await?;
        self.check(&credential).await??;
        Ok(credential)
    }

    /// Asks STS which account owns the key. The inner error is the key of another account.
    async fn check(&self, credential: &Arc<Credential>) -> Result<Result<(), Failure>, Failure> {
        let fixed = Arc::new(FixedProvider::of(Arc::clone(credential)));
        let verdict = match self.sts.with(fixed).caller_identity().await {
            Ok(identity) => must_be_of(&identity, &self.uin),
            Err(failure) if self.proof == Proof::WhereAllowed && is_refusal(&failure) => {
                self.warn(&failure);
                Ok(())
            }
            Err(failure) => {
                return Err(Failure {
                    message: format!(
                        "not polled, because it is not known whether the key belongs to account {} (uin): {}",
                        self.uin, failure.message
                    ),
                    ..failure
                });
            }
        };
        if verdict.is_ok() {
            *self.last() = Some(Arc::clone(credential));
        }
        Ok(verdict)
    }

    fn warn(&self, failure: &Failure) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            warn!(
                uin = self.uin,
                code = &*failure.code,
                error = failure.message,
                "polled with keys whose account is not verified; allow sts:GetCallerIdentity for the role"
            );
        }
    }

    fn is_verified(&self, credential: &Arc<Credential>) -> bool {
        let verified = self.last();
        verified
            .as_ref()
            .is_some_and(|verified| Arc::ptr_eq(verified, credential) || verified.is(credential))
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Arc<Credential>>> {
        // It is replaced as a whole, and so is whole.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether STS has refused the call itself. It says nothing of the key.
fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.reason, Reason::Unauthorized | Reason::Rejected)
}

/// Takes a key only as that of the account `uin`.
///
/// # Errors
///
/// Whose it is, with the reason `credentials`.
pub fn must_be_of(identity: &CallerIdentity, uin: &str) -> Result<(), Failure> {
    if identity.uin == uin {
        return Ok(());
    }
    let message = format!(
        "not polled: the key is of account {}, and uin says {uin}; one of the two is wrong",
        escaped(&identity.uin)
    );
    Err(Failure::new(Reason::Credentials, message))
}

impl Provider for Verified {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn identity(&self) -> Option<String> {
        self.inner.identity()
    }

    fn credential(&self) -> Provided<'_> {
        Box::pin(self.verify())
    }

    fn refused<'a>(&'a self, credential: &'a Arc<Credential>) -> Renewed<'a> {
        self.inner.refused(credential)
    }

    fn state(&self) -> Option<ProviderState> {
        self.inner.state()
    }
}
