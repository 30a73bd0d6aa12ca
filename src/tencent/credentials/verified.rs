//! Keys whose owner is verified before they sign a request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::warn;

use super::key_log::KeyLog;
use super::{
    Credential, CredentialFuture, FixedProvider, InvalidateFuture, Provider, ProviderState,
};
use crate::escape::escaped;
use crate::failure::{Failure, Reason};
use crate::tencent::provider::replacement;
use crate::tencent::sts::{CallerIdentity, Sts};

/// The account that a key must belong to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The UIN of the account.
    pub uin: String,
    /// Whether the configuration requires the verification. Otherwise the UIN comes from the ARN of
    /// a role, and a role that must not call STS may poll unverified.
    pub is_required: bool,
}

/// Provides only the keys of one account. A key file that was swapped must not be polled under the
/// name of another account.
pub struct VerifiedProvider {
    inner: Arc<dyn Provider>,
    owner: Owner,
    sts: Arc<Sts>,
    /// The latest verified key.
    last: Mutex<Option<Arc<Credential>>>,
    /// Whether the log says that STS denies the verification.
    is_denial_logged: AtomicBool,
    /// Held during a verification.
    turn: tokio::sync::Mutex<()>,
    log: KeyLog,
}

impl VerifiedProvider {
    /// Provides the keys of `inner` that belong to `owner`, as verified by `sts`.
    pub fn new(inner: Arc<dyn Provider>, owner: Owner, sts: Arc<Sts>) -> Self {
        Self {
            inner,
            owner,
            sts,
            last: Mutex::default(),
            is_denial_logged: AtomicBool::new(false),
            turn: tokio::sync::Mutex::default(),
            log: KeyLog::default(),
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
        let Some(credential) = replacement(&*self.inner, &credential).await? else {
            return Err(failure);
        };
        self.check(&credential).await??;
        Ok(credential)
    }

    /// Verifies the owner of the key through STS. The inner error is a key of another account.
    async fn check(&self, credential: &Arc<Credential>) -> Result<Result<(), Failure>, Failure> {
        let fixed = Arc::new(FixedProvider::of(Arc::clone(credential)));
        let verdict = match self.sts.with(fixed).caller_identity().await {
            Ok(identity) => {
                self.log
                    .note(&*self.inner, credential, Some(&escaped(&identity.uin)));
                must_be_of(&identity, &self.owner.uin)
            }
            Err(failure) if !self.owner.is_required && is_denied(&failure) => {
                self.log_denial(&failure);
                Ok(())
            }
            Err(failure) => return Err(self.unknown(failure)),
        };
        if verdict.is_ok() {
            *self.last() = Some(Arc::clone(credential));
        }
        Ok(verdict)
    }

    fn unknown(&self, failure: Failure) -> Failure {
        let uin = &self.owner.uin;
        Failure {
            message: format!(
                "not polled: cannot verify that the key belongs to account {uin} (uin): {}",
                failure.message
            ),
            ..failure
        }
    }

    /// Warns once, because the role denies the verification of each of its keys.
    fn log_denial(&self, failure: &Failure) {
        if !self.is_denial_logged.swap(true, Ordering::Relaxed) {
            warn!(
                uin = self.owner.uin,
                role = self.inner.identity(),
                error = %failure,
                "cannot verify the account of the key; allow the role to call sts:GetCallerIdentity"
            );
        }
    }

    fn is_verified(&self, credential: &Arc<Credential>) -> bool {
        let verified = self.last();
        verified.as_ref().is_some_and(|verified| {
            Arc::ptr_eq(verified, credential) || verified.same_as(credential)
        })
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Arc<Credential>>> {
        // The value is replaced as a whole, so a poisoned lock is consistent.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether STS denied the request for a reason that would deny a retry too.
pub fn is_denied(failure: &Failure) -> bool {
    matches!(failure.reason, Reason::Unauthorized | Reason::Rejected)
}

/// Checks that a key belongs to the account `uin`.
///
/// # Errors
///
/// The actual owner, with the reason `credentials`.
pub fn must_be_of(identity: &CallerIdentity, uin: &str) -> Result<(), Failure> {
    if identity.uin == uin {
        return Ok(());
    }
    let message = format!(
        "not polled: the key belongs to account {}, but uin is {uin}; correct one of the two",
        escaped(&identity.uin)
    );
    Err(Failure::new(Reason::Credentials, message))
}

impl Provider for VerifiedProvider {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn identity(&self) -> Option<String> {
        self.inner.identity()
    }

    fn credential(&self) -> CredentialFuture<'_> {
        Box::pin(self.verify())
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
        Some(self.owner.uin.clone())
    }
}
