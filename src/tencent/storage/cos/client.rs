//! Checks buckets with one identity.

use tokio::time::Instant;

use super::bucket::{Bucket, full_name};
use super::bucket_client::BucketClient;
use super::errors;
use super::search::{Depth, Search, SearchError};
use crate::snapshot::{CheckCursor, StorageTarget};
use crate::tencent::call::CallLimits;
use crate::tencent::dispatcher::{ClientParts, Dispatcher};
use crate::tencent::observer::Observer;
use crate::tencent::signer::Endpoint;
use crate::tencent::storage::result::CheckResult;

/// Checks buckets with one identity.
pub(crate) struct CosClient {
    dispatcher: Dispatcher,
    address: Option<Endpoint>,
}

impl CosClient {
    /// Creates a client. `address` replaces the hosts of all buckets for connections.
    pub(crate) fn new(parts: ClientParts, address: Option<Endpoint>, limits: CallLimits) -> Self {
        Self {
            dispatcher: Dispatcher::new(parts, limits),
            address,
        }
    }

    /// Finds the newest object below the prefix of a target.
    pub(crate) async fn check(
        &self,
        target: &StorageTarget,
        app_id: &str,
        tracks: &[&str],
        (cursor, depth): (Option<&CheckCursor>, Depth),
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> CheckResult {
        let address = self.address.as_ref();
        let bucket = match Bucket::new(&target.name, app_id, &target.region, address) {
            Ok(bucket) => bucket,
            Err(why) => return CheckResult::Impossible { why },
        };
        // The connections end with the check, because the server closes them long before the next
        // check.
        let dispatcher = self.dispatcher.to_host(bucket.connects_to());
        let client = BucketClient {
            bucket,
            dispatcher,
            retry_until,
            observer,
        };
        let search = Search::new(&client, &target.prefix, tracks);
        match search.run(cursor, depth).await {
            Ok((found, date)) => {
                let cloud_now = date.unwrap_or_else(|| self.dispatcher.now());
                CheckResult::Seen {
                    newest: found.newest.map(|newest| newest.min(cloud_now)),
                    cloud_now,
                    cursor: found.cursor,
                    skipped: found.skipped,
                }
            }
            Err(SearchError::Failed(failure)) if errors::is_missing(&failure) => {
                let (name, region) = (full_name(&target.name, app_id), &target.region);
                CheckResult::Missing {
                    what: format!("the bucket {name} does not exist in {region}"),
                }
            }
            Err(SearchError::Failed(failure)) => CheckResult::Failed(failure),
            Err(SearchError::TooLarge(why)) => CheckResult::Exists { why },
        }
    }
}
