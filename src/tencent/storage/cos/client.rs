//! Lists the objects of a bucket, page by page.

use std::time::SystemTime;

use bytes::Bytes;
use http::{Response, StatusCode};
use tokio::time::Instant;

use super::bucket::{Bucket, ListQuery};
use super::errors;
use super::listing::{Page, parse_page};
use super::search::{Search, SearchError};
use crate::failure::{Failure, Reason};
use crate::snapshot::{CheckCursor, StorageTarget};
use crate::tencent::call::{Call, CallLimits};
use crate::tencent::dispatcher::{ClientParts, Dispatcher};
use crate::tencent::envelope::WireError;
use crate::tencent::observer::Observer;
use crate::tencent::redactor::Redactor;
use crate::tencent::signer::Endpoint;
use crate::tencent::skew::date;
use crate::tencent::storage::result::CheckResult;

/// The name that CAM and the metrics give the request that lists objects.
pub const GET_BUCKET: &str = "GetBucket";

/// Lists buckets with one identity.
pub(crate) struct CosClient {
    dispatcher: Dispatcher,
    address: Option<Endpoint>,
}

/// A bucket and how it is called during one check.
pub(super) struct BucketClient<'a> {
    bucket: Bucket,
    dispatcher: Dispatcher,
    retry_until: Instant,
    observer: &'a dyn Observer,
}

impl CosClient {
    /// Creates a client. `address` replaces the hosts of all buckets for connections.
    pub(crate) fn new(parts: ClientParts, address: Option<Endpoint>, limits: CallLimits) -> Self {
        Self {
            dispatcher: Dispatcher::new(parts, limits),
            address,
        }
    }

    /// Looks for the newest object below the prefix of a target.
    pub(crate) async fn check(
        &self,
        target: &StorageTarget,
        app_id: &str,
        tracks: &[&str],
        cursor: Option<&CheckCursor>,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> CheckResult {
        let address = self.address.as_ref();
        let bucket = match Bucket::new(&target.name, app_id, &target.region, address) {
            Ok(bucket) => bucket,
            Err(why) => return CheckResult::Impossible { why },
        };
        // The connections end with the check: the next one comes long after the server closes them.
        let dispatcher = self.dispatcher.to_host(bucket.connects_to());
        let client = BucketClient {
            bucket,
            dispatcher,
            retry_until,
            observer,
        };
        let search = Search::new(&client, &target.prefix, tracks);
        match search.run(cursor).await {
            Ok((found, date)) => {
                let cloud_now = date.unwrap_or_else(|| self.dispatcher.now());
                CheckResult::Seen {
                    newest: found.newest.map(|newest| newest.min(cloud_now)),
                    cloud_now,
                    cursor: found.cursor,
                }
            }
            Err(SearchError::Failed(failure)) if errors::is_missing(&failure) => {
                let (name, region) = (&target.name, &target.region);
                CheckResult::Missing {
                    what: format!("the bucket {name}-{app_id} does not exist in {region}"),
                }
            }
            Err(SearchError::Failed(failure)) => CheckResult::Failed(failure),
            Err(SearchError::TooLarge(why)) => CheckResult::Impossible { why },
        }
    }
}

impl BucketClient<'_> {
    /// Returns a page of a listing, and the time of the response by the server's clock.
    pub(super) async fn list(
        &self,
        query: ListQuery<'_>,
    ) -> Result<(Page, Option<SystemTime>), Failure> {
        let call = Call {
            action: GET_BUCKET,
            region: None,
            body: "",
            signed: true,
            secrets: &[],
            retry_until: self.retry_until,
        };
        let make =
            |credential: Option<&_>, timestamp| self.bucket.request(query, credential, timestamp);
        let read = |response: &Response<Bytes>, redactor: &Redactor| {
            let (status, body) = (response.status(), response.body());
            if status != StatusCode::OK {
                return Err(WireError::Api(errors::failure(status, body, redactor)));
            }
            let page = parse_page(body, query.prefix);
            let malformed = |why| WireError::NotJson(Failure::new(Reason::Malformed, why));
            Ok((page.map_err(malformed)?, date(response.headers())))
        };
        self.dispatcher.send(call, self.observer, make, read).await
    }
}
