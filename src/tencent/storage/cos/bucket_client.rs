//! Requests the pages of a listing of one bucket.

use std::time::SystemTime;

use bytes::Bytes;
use http::{Response, StatusCode};
use tokio::time::Instant;

use super::bucket::{Bucket, ListQuery};
use super::errors;
use super::listing::{Page, parse_page};
use crate::failure::{Failure, Reason};
use crate::tencent::call::Call;
use crate::tencent::dispatcher::Dispatcher;
use crate::tencent::envelope::WireError;
use crate::tencent::observer::Observer;
use crate::tencent::redactor::Redactor;
use crate::tencent::skew::accepted_date;

/// The name that CAM and the metrics give the request that lists objects.
pub const GET_BUCKET: &str = "GetBucket";

/// A bucket, and how one check calls it.
pub(super) struct BucketClient<'a> {
    pub(super) bucket: Bucket,
    pub(super) dispatcher: Dispatcher,
    pub(super) retry_until: Instant,
    pub(super) observer: &'a dyn Observer,
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
            let page = parse_page(body, self.bucket.name(), query.prefix);
            let malformed = |why| WireError::NotJson(Failure::new(Reason::Malformed, why));
            let date = accepted_date(response.headers(), self.dispatcher.now());
            Ok((page.map_err(malformed)?, date))
        };
        self.dispatcher.send(call, self.observer, make, read).await
    }
}
