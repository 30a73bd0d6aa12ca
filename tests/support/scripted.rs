//! A cloud in memory that returns the responses of a closure, in literal JSON. It shares no type
//! with the client, so it cannot share the client's mistakes.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cloudaudit_exporter::clock::Clock;
use cloudaudit_exporter::failure::Failure;
use cloudaudit_exporter::tencent::credentials::{Credential, FixedProvider};
use cloudaudit_exporter::tencent::{
    CallOptions, ClientParts, Ended, Endpoint, MAX_IN_FLIGHT, Observer, Pacer, ResponseFuture,
    Sent, SourceIpLimit, Transport,
};
use http::{Request, Response};
use jiff::tz::Offset;
use tokio::sync::Semaphore;

/// The key of the documentation's example, which the published signatures use.
pub(crate) const SECRET_ID: &str = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE";
pub(crate) const SECRET_KEY: &str = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE";
pub(crate) const HOST: &str = "cloudaudit.intl.tencentcloudapi.com";

/// The wall clock of every test begins here: a minute before midnight UTC.
pub(crate) const EVENING: u64 = 1_551_139_140; // 2019-02-25 23:59:00

/// Responds by the number and the size of the requested page.
struct Scripted<F>(F);

/// Returns a transport that responds as `script` does.
pub(crate) fn scripted<F>(script: F) -> Arc<dyn Transport>
where
    F: Fn(u64, u64, &Request<Bytes>) -> ResponseFuture<'static> + Send + Sync + 'static,
{
    Arc::new(Scripted(script))
}

impl<F> Transport for Scripted<F>
where
    F: Fn(u64, u64, &Request<Bytes>) -> ResponseFuture<'static> + Send + Sync,
{
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        let number = |field: &str| body[field].as_u64().unwrap();
        (self.0)(number("PageNumber"), number("PageSize"), &request)
    }
}

/// Returns a response of the API: status 200, regardless of the body.
pub(crate) fn answer(body: impl Into<Bytes>) -> ResponseFuture<'static> {
    Box::pin(std::future::ready(Ok(Response::new(body.into()))))
}

/// Returns a page of tracks with these ids.
pub(crate) fn page(ids: &[u64], total: u64) -> String {
    let tracks: Vec<String> = ids
        .iter()
        .map(|id| format!(r#"{{"TrackId":{id},"Name":"track-{id}","Status":1}}"#))
        .collect();
    let tracks = tracks.join(",");
    format!(r#"{{"Response":{{"Tracks":[{tracks}],"TotalCount":{total},"RequestId":"r-page"}}}}"#)
}

/// Returns a response with an error of the API.
pub(crate) fn api_error(code: &str) -> String {
    format!(
        r#"{{"Response":{{"Error":{{"Code":"{code}","Message":"a message"}},"RequestId":"r-error"}}}}"#
    )
}

/// Returns the parts of a client, with a fast rate limit. A test replaces the parts it needs.
pub(crate) fn parts(transport: Arc<dyn Transport>) -> ClientParts {
    let credential =
        Credential::new(SECRET_ID.to_owned(), SECRET_KEY.into(), None).expect("it can be sent");
    ClientParts {
        endpoint: Endpoint {
            url: format!("https://{HOST}").into(),
            host: HOST.into(),
        },
        transport,
        provider: Arc::new(FixedProvider::new(credential)),
        pacer: Arc::new(Pacer::new(100, SourceIpLimit::default())),
        in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
        clock: Clock::virtual_at(evening()),
    }
}

fn evening() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(EVENING)
}

/// Returns the call options for this page size.
pub(crate) fn options(page_size: u32) -> CallOptions {
    CallOptions {
        timeout: Duration::from_secs(10),
        attempts: 3,
        page_size,
        create_time_offset: Offset::constant(8),
        max_tracks: 10_000,
        accept_short_listings: false,
    }
}

/// An observer that records what it sees.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) sent: Mutex<Vec<Sent>>,
    pub(crate) ended: Mutex<Vec<Result<(), Failure>>>,
}

impl Notes {
    /// Returns how many calls were sent, succeeded and failed.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let sent = self.sent.lock().unwrap().len();
        let ended = self.ended.lock().unwrap();
        let bad = ended.iter().filter(|ended| ended.is_err()).count();
        (sent, ended.len() - bad, bad)
    }
}

impl Observer for Notes {
    fn sent(&self, call: &Sent) {
        self.sent.lock().unwrap().push(*call);
    }

    fn ended(&self, call: &Ended<'_>) {
        let ended = call.failure.cloned().map_or(Ok(()), Err);
        self.ended.lock().unwrap().push(ended);
    }
}
