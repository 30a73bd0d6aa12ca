//! The clients of the services that store records.

use tokio::time::Instant;

use super::cam::CamClient;
use super::ckafka::CkafkaClient;
use super::cls::ClsClient;
use super::cos::{CosClient, Depth};
use super::result::CheckResult;
use crate::failure::Reason;
use crate::snapshot::{CheckCursor, StorageTarget};
use crate::tencent::{CallLimits, ClientParts, Endpoint, Observer};

/// What the clients are made of. Each service has a rate limiter of its own.
#[derive(Clone)]
pub struct StorageParts {
    /// Cloud Object Storage. Each bucket has its own host. The endpoint only separates the rate limits
    /// of COS from the limits of other services.
    pub cos: ClientParts,
    /// Where requests to buckets go instead, for a simulated cloud. The signed `Host` header remains
    /// the host of the bucket.
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
    cos: CosClient,
    cls: ClsClient,
    ckafka: CkafkaClient,
    cam: CamClient,
}

impl StorageClients {
    /// Creates the clients. `limits` hold for each request.
    pub fn new(parts: StorageParts, limits: CallLimits) -> Self {
        Self {
            cos: CosClient::new(parts.cos, parts.cos_address, limits),
            cls: ClsClient::new(parts.cls, limits),
            ckafka: CkafkaClient::new(parts.ckafka, limits),
            cam: CamClient::new(parts.cam, limits),
        }
    }

    /// Checks one target. `app_id` is the APPID of the owner of a bucket, from the track or the
    /// configuration. Without an APPID, the check asks Cloud Access Management for the APPID of the
    /// account, which need not be the owner. `tracks` are the names of the tracks that deliver to the
    /// target, which may be names of folders. The cursor comes from the last check, and the depth
    /// matters only for a bucket. No request is retried after `retry_until`.
    pub async fn check(
        &self,
        target: &StorageTarget,
        app_id: Option<&str>,
        tracks: &[&str],
        (cursor, depth): (Option<&CheckCursor>, Depth),
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> CheckResult {
        if !is_region(&target.region) {
            return CheckResult::Impossible {
                why: format!("StorageRegion {:?} is not a region", target.region),
            };
        }
        match &*target.kind {
            "cos" => {
                let own = match app_id {
                    Some(app_id) => app_id.to_owned(),
                    None => match self.app_id(retry_until, observer).await {
                        Ok(app_id) => app_id,
                        Err(result) => return result,
                    },
                };
                let cos = &self.cos;
                let place = (cursor, depth);
                let check = cos.check(target, &own, tracks, place, retry_until, observer);
                check.await
            }
            "cls" => self.cls.check(target, cursor, retry_until, observer).await,
            "ckafka" => self.ckafka.check(target, retry_until, observer).await,
            kind => CheckResult::Impossible {
                why: format!("the storage type {kind:?} is unknown"),
            },
        }
    }

    async fn app_id(
        &self,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<String, CheckResult> {
        let found = self.cam.app_id(retry_until, observer).await;
        found.map_err(|failure| match failure.reason {
            Reason::Unauthorized => CheckResult::Impossible {
                why: "the APPID of the account is unknown: set appid of the account, or allow \
                      cam:GetUserAppId"
                    .to_owned(),
            },
            _ => CheckResult::Failed(failure),
        })
    }
}

/// Returns whether a text can be sent in a header and a host.
fn is_region(text: &str) -> bool {
    const LONGEST: usize = 60;
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(is_part)
}
