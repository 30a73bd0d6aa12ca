//! Faults: what they change, for which calls, and how often.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::sim::account::Account;
use crate::sim::calls::Call;
use crate::sim::refusal::Refusal;
use crate::sim::reply::{Delivery, Reply};

/// A change to a response. By default it applies once, to the next call of any client.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(super) effect: Effect,
    target: Target,
    /// `None` until it is cleared.
    pub(super) times: Option<u32>,
    /// Applies to every nth matching call.
    every: u32,
    /// Matching calls since it last applied.
    skipped: u32,
}

#[derive(Clone, Debug, Default)]
struct Target {
    action: Option<String>,
    uin: Option<String>,
    region: Option<String>,
    page: Option<u64>,
}

/// How a fault changes a reply.
#[derive(Clone)]
pub(super) enum Effect {
    Delay(Duration),
    Arrive(&'static str, Delivery),
    Refuse(String, String),
    Send(&'static str, StatusCode, &'static str, Bytes),
    Edit(&'static str, Arc<dyn Fn(&mut Value) + Send + Sync>),
    Afterwards(Arc<dyn Fn(&Account) + Send + Sync>),
}

/// The kinds of faults.
impl Fault {
    /// Delays the response.
    pub fn delay(delay: Duration) -> Self {
        Self::new(Effect::Delay(delay))
    }

    /// Never responds, and keeps the connection open.
    pub fn hang() -> Self {
        Self::new(Effect::Arrive("hang", Delivery::Never))
    }

    /// Resets the connection instead of responding.
    pub fn reset() -> Self {
        Self::new(Effect::Arrive("reset", Delivery::Reset))
    }

    /// Closes the connection within the body.
    pub fn truncated() -> Self {
        Self::new(Effect::Arrive("truncated", Delivery::Truncated))
    }

    /// Sends the body in small pieces, spread over this time.
    pub fn drip(over: Duration) -> Self {
        Self::new(Effect::Arrive("drip", Delivery::Dripping { over }))
    }

    /// Responds with 502 and the gateway's HTML page.
    pub fn bad_gateway() -> Self {
        let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
                    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n\
                    </body>\r\n</html>\r\n";
        Self::send("bad_gateway", StatusCode::BAD_GATEWAY, "text/html", page)
    }

    /// Responds with 200 and a body that is not JSON.
    pub fn not_json() -> Self {
        let body = "upstream connect error or disconnect/reset before headers";
        Self::send("not_json", StatusCode::OK, "text/plain", body)
    }

    /// Responds with 200 and JSON of a shape that the API does not have.
    pub fn wrong_shape() -> Self {
        let body = r#"{"Response":{"Tracks":{"TrackId":"one"},"TotalCount":"1","RequestId":7}}"#;
        Self::send("wrong_shape", StatusCode::OK, "application/json", body)
    }

    /// Responds with 200 and a body of this many bytes, which begins like JSON.
    pub fn huge(bytes: usize) -> Self {
        let opening = r#"{"Response":{"Padding":""#;
        let mut body = Vec::from(opening);
        body.resize(bytes.max(opening.len()), b'x');
        Self::send("huge", StatusCode::OK, "application/json", body)
    }

    /// Responds with any status and body.
    pub fn raw(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::send("raw", status, content_type, body)
    }

    /// Throttles the call, as if other clients had used up the limit.
    pub fn throttled() -> Self {
        Self::refuse(&Refusal::throttled(21, 20))
    }

    /// Fails with `InternalError`.
    pub fn internal_error() -> Self {
        Self::refuse(&Refusal::internal_error())
    }

    /// Denies the call, as CAM does.
    pub fn unauthorized() -> Self {
        let denied = Refusal::denied("UnauthorizedOperation", "cloudaudit", "DescribeAuditTracks");
        Self::refuse(&denied)
    }

    /// Refuses the call with any code.
    pub fn error(code: &str, message: &str) -> Self {
        Self::new(Effect::Refuse(code.to_owned(), message.to_owned()))
    }

    /// Sets `Tracks` to null and leaves `TotalCount`.
    pub fn null_tracks() -> Self {
        Self::named_edit("null_tracks", |response| {
            response["Response"]["Tracks"] = Value::Null;
        })
    }

    /// Sets every field of every track to null, except `TrackId`.
    pub fn null_fields() -> Self {
        Self::named_edit("null_fields", |response| {
            let tracks = response["Response"]["Tracks"].as_array_mut();
            let tracks = tracks
                .into_iter()
                .flatten()
                .filter_map(Value::as_object_mut);
            let fields = tracks.flat_map(|track| track.iter_mut());
            for (_, value) in fields.filter(|(name, _)| *name != "TrackId") {
                *value = Value::Null;
            }
        })
    }

    /// Adds a difference to `TotalCount`.
    pub fn total_off_by(difference: i64) -> Self {
        Self::named_edit("total_off_by", move |response| {
            let total = response["Response"]["TotalCount"].as_u64().unwrap_or(0);
            response["Response"]["TotalCount"] = json!(total.saturating_add_signed(difference));
        })
    }

    /// Changes the JSON of a granted response.
    pub fn edit(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::named_edit("edit", change)
    }

    /// Changes the calling account right after a granted response was made. With [`Fault::page`],
    /// that is between two pages.
    pub fn afterwards(change: impl Fn(&Account) + Send + Sync + 'static) -> Self {
        Self::new(Effect::Afterwards(Arc::new(change)))
    }

    fn new(effect: Effect) -> Self {
        Self {
            effect,
            target: Target::default(),
            times: Some(1),
            every: 1,
            skipped: 0,
        }
    }

    fn refuse(refusal: &Refusal) -> Self {
        Self::error(&refusal.code, &refusal.message)
    }

    fn send(
        name: &'static str,
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        Self::new(Effect::Send(name, status, content_type, body.into()))
    }

    fn named_edit(name: &'static str, change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::new(Effect::Edit(name, Arc::new(change)))
    }
}

/// The calls that a fault applies to, and how often.
impl Fault {
    /// Applies only to calls of this action, such as `AssumeRole`, or of `metadata`.
    #[must_use]
    pub fn action(mut self, name: &str) -> Self {
        self.target.action = Some(name.to_owned());
        self
    }

    /// Applies only to calls of this account. A call without a signature counts for the account of
    /// the role.
    #[must_use]
    pub fn account(mut self, uin: &str) -> Self {
        self.target.uin = Some(uin.to_owned());
        self
    }

    /// Applies only to calls for this region.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.target.region = Some(region.to_owned());
        self
    }

    /// Applies only to calls for this page.
    #[must_use]
    pub fn page(mut self, number: u64) -> Self {
        self.target.page = Some(number);
        self
    }

    /// Applies this many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Applies to every nth of the matching calls.
    #[must_use]
    pub fn every(mut self, nth: u32) -> Self {
        self.every = nth;
        self
    }

    /// Applies until it is cleared.
    #[must_use]
    pub fn until_cleared(mut self) -> Self {
        self.times = None;
        self
    }

    /// Returns whether a call matches. A fault that changes a listing does not match refused calls.
    pub(super) fn matches(&self, call: &Call) -> bool {
        let Target {
            action,
            uin,
            region,
            page,
        } = &self.target;
        let needs_listing = matches!(self.effect, Effect::Edit(..) | Effect::Afterwards(_));
        action.as_ref().is_none_or(|action| *action == call.action)
            && (uin.is_none() || *uin == call.uin)
            && region.as_ref().is_none_or(|region| *region == call.region)
            && (page.is_none() || *page == call.page)
            && (call.refused.is_none() || !needs_listing)
    }

    /// Counts a matching call, and returns whether the fault applies to it.
    pub(super) fn count_match(&mut self) -> bool {
        self.skipped += 1;
        let applies = self.skipped >= self.every;
        if applies {
            self.skipped = 0;
        }
        applies
    }
}

impl Effect {
    /// Returns the name for the call log.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Delay(_) => "delay",
            Self::Refuse(code, _) => code,
            Self::Afterwards(_) => "afterwards",
            Self::Arrive(name, _) | Self::Send(name, ..) | Self::Edit(name, _) => name,
        }
    }

    pub(super) fn apply(self, reply: &mut Reply, account: Option<&Account>) {
        match self {
            Self::Delay(delay) => reply.wait += delay,
            Self::Arrive(_, delivery) => reply.delivery = delivery,
            Self::Refuse(code, message) => reply.refuse(&Refusal::new(code, message)),
            Self::Send(_, status, kind, body) => reply.set_body(status, kind, body),
            Self::Edit(_, change) => reply.edit(|json| change(json)),
            Self::Afterwards(change) => account.into_iter().for_each(|account| change(account)),
        }
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
