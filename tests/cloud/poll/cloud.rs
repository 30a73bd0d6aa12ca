//! A cloud that follows a script.

use std::fmt::Write;
use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use cloudaudit_exporter::tencent::{ResponseFuture, Transport};
use http::{Request, Response};
use tokio::time::{Instant, sleep};

/// A call as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) at: Instant,
    pub(crate) region: String,
    pub(crate) page: u64,
}

/// The script's reply to a call.
pub(crate) enum Reply {
    /// A body, with status 200.
    Body(String),
    /// A body after a delay.
    Late(Duration, String),
    /// No response, ever.
    Silence,
}

type Script = Box<dyn FnMut(&Call) -> Reply + Send>;

pub(crate) struct Cloud {
    script: Mutex<Script>,
    calls: Mutex<Vec<Call>>,
}

impl Cloud {
    pub(crate) fn new(script: impl FnMut(&Call) -> Reply + Send + 'static) -> Self {
        Self {
            script: Mutex::new(Box::new(script)),
            calls: Mutex::default(),
        }
    }

    /// Replaces the script.
    pub(crate) fn play(&self, script: impl FnMut(&Call) -> Reply + Send + 'static) {
        *self.script.lock().expect("no script panics") = Box::new(script);
    }

    /// Returns when each poll of the region began.
    pub(crate) fn polls_of(&self, region: &str) -> Vec<Instant> {
        let calls = self.calls_of(region).into_iter();
        calls.filter(|it| it.page == 1).map(|it| it.at).collect()
    }

    pub(crate) fn calls_of(&self, region: &str) -> Vec<Call> {
        let calls = self.calls.lock().expect("no script panics");
        let calls = calls.iter().filter(|call| call.region == region);
        calls.cloned().collect()
    }
}

impl Transport for Cloud {
    fn send(&self, request: Request<Bytes>) -> ResponseFuture<'_> {
        let body: serde_json::Value =
            serde_json::from_slice(request.body()).expect("a call's body is JSON");
        let region = request.headers()["x-tc-region"].to_str();
        let call = Call {
            at: Instant::now(),
            region: region.expect("a region is ASCII").to_owned(),
            page: body["PageNumber"].as_u64().expect("pages have numbers"),
        };
        let reply = self.script.lock().expect("no script panics")(&call);
        self.calls.lock().expect("no script panics").push(call);
        Box::pin(async move {
            match reply {
                Reply::Body(body) => Ok(Response::new(Bytes::from(body))),
                Reply::Late(wait, body) => {
                    sleep(wait).await;
                    Ok(Response::new(Bytes::from(body)))
                }
                Reply::Silence => pending().await,
            }
        })
    }
}

/// Returns all tracks on one page.
pub(crate) fn listing(tracks: &[&str]) -> Reply {
    Reply::Body(page(tracks.len() as u64, tracks))
}

/// One page of `total` tracks.
pub(crate) fn page(total: u64, tracks: &[&str]) -> String {
    let mut body = String::from(r#"{"Response":{"Tracks":["#);
    body.push_str(&tracks.join(","));
    write!(body, r#"],"TotalCount":{total},"RequestId":"5f2d"}}}}"#)
        .expect("writing to a String succeeds");
    body
}

pub(crate) fn error(code: &str) -> Reply {
    let message = r"it is\nso";
    Reply::Body(format!(
        r#"{{"Response":{{"Error":{{"Code":"{code}","Message":"{message}"}},"RequestId":"ed93"}}}}"#
    ))
}

pub(crate) const AUDIT_ALL: &str = r#"{"TrackId":7,"Name":"audit-all","ActionType":"*",
"ResourceType":"*","Status":1,"EventNames":["*"],"Storage":{"StorageType":"cos",
"StorageRegion":"ap-guangzhou","StorageName":"audit-log","StoragePrefix":"trail"},
"CreateTime":"2021-01-14 14:43:38"}"#;

pub(crate) const AUDIT_ALL_OFF: &str = r#"{"TrackId":7,"Name":"audit-all","ActionType":"*",
"ResourceType":"*","Status":0,"EventNames":["*"],"Storage":{"StorageType":"cos",
"StorageRegion":"ap-guangzhou","StorageName":"audit-log","StoragePrefix":"trail"},
"CreateTime":"2021-01-14 14:43:38"}"#;

pub(crate) const WRITES: &str = r#"{"TrackId":8,"Name":"wri\ntes","Status":1}"#;
