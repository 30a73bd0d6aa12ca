//! The clients of the services that store records.

use tokio::time::Instant;

use super::result::CheckResult;
use crate::snapshot::{CheckCursor, StorageTarget};
use crate::tencent::{CallLimits, ClientParts, Endpoint, Observer};

/// Stands for the hosts of all buckets in the endpoint of [`StorageParts::cos`].
pub const COS_HOST: &str = "myqcloud.com";

/// What the clients are made of. Each service has a rate limiter of its own.
#[derive(Clone)]
pub struct StorageParts {
    /// Cloud Object Storage. Each bucket has its own host, so the endpoint only tells the rate
    /// limits of COS from those of other services.
    pub cos: ClientParts,
    /// Where requests to buckets go instead, for a simulated cloud. The signed `Host` header stays
    /// the bucket's.
    pub cos_address: Option<Endpoint>,
    /// Cloud Log Service.
    pub cls: ClientParts,
    /// `CKafka`.
    pub ckafka: ClientParts,
    /// Cloud Access Management, which knows the APPID of the account.
    pub cam: ClientParts,
}

/// Checks the storage targets of one account.
pub struct StorageClients {
    parts: StorageParts,
    limits: CallLimits,
}

impl StorageClients {
    /// Creates the clients. `limits` hold for each request.
    pub fn new(parts: StorageParts, limits: CallLimits) -> Self {
        Self { parts, limits }
    }

    /// Checks one target. `app_id` is the APPID of the owner of a bucket, from the track or the
    /// configuration; without one, the check asks Cloud Access Management for that of the account.
    /// `tracks` are the names of the tracks that deliver to the target, which may be names of
    /// folders. No request is retried after `retry_until`.
    pub async fn check(
        &self,
        target: &StorageTarget,
        app_id: Option<&str>,
        tracks: &[&str],
        cursor: Option<&CheckCursor>,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> CheckResult {
        let _ = (
            &self.parts,
            self.limits,
            target,
            app_id,
            tracks,
            cursor,
            retry_until,
            observer,
        );
        CheckResult::Impossible {
            why: "storage targets cannot be checked yet".to_owned(),
        }
    }
}
