//! Temporary keys of a role that is assumed with other keys.

use std::sync::Arc;

use super::key_log::KeyLog;
use super::{FetchFuture, Source, credentials_failure};
use crate::tencent::sts::{Role, Sts};

/// A role that is assumed through STS.
pub struct AssumedRole {
    role: Role,
    sts: Arc<Sts>,
    log: KeyLog,
}

impl AssumedRole {
    /// Assumes `role` with the keys that `sts` signs with.
    pub fn new(role: Role, sts: Arc<Sts>) -> Self {
        Self {
            role,
            sts,
            log: KeyLog::default(),
        }
    }
}

impl Source for AssumedRole {
    fn name(&self) -> &'static str {
        "assume_role"
    }

    fn identity(&self) -> String {
        self.role.arn.clone()
    }

    fn fetch(&self) -> FetchFuture<'_> {
        Box::pin(async {
            let provider = self.sts.provider();
            if provider.location().is_some()
                && let Ok(credential) = provider.credential().await
            {
                self.log.note(&**provider, &credential, None);
            }
            let key = self.sts.assume_role(&self.role).await;
            key.map_err(|failure| {
                credentials_failure(&format!("cannot assume {}", self.role.arn), failure)
            })
        })
    }
}
