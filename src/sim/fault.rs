//! What goes wrong, to whom, and how often.

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

/// Something that happens to an answer: once, to the next call of anybody, unless it is said
/// otherwise.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(super) effect: Effect,
    aim: Aim,
    /// None is until cleared.
    pub(super) times: Option<u32>,
    /// One in so many of the calls that it is meant for.
    every: u32,
    /// How many of those there were since the last one.
    passed: u32,
}

#[derive(Clone, Debug, Default)]
struct Aim {
    action: Option<String>,
    uin: Option<String>,
    region: Option<String>,
    page: Option<u64>,
}

/// What a fault does to a reply.
#[derive(Clone)]
pub(super) enum Effect {
    Delay(Duration),
    Arrive(&'static str, Delivery),
    Refuse(String, String),
    Send(&'static str, StatusCode, &'static str, Bytes),
    Edit(&'static str, Arc<dyn Fn(&mut Value) + Send + Sync>),
    Afterwards(Arc<dyn Fn(&Account) + Send + Sync>),
}

/// How it goes wrong.
impl Fault {
    /// The answer takes this much longer.
    pub fn delay(delay: Duration) -> Self {
        Self::new(Effect::Delay(delay))
    }

    /// No answer ever comes, and the connection stays open.
    pub fn hang() -> Self {
        Self::new(Effect::Arrive("hang", Delivery::Never))
    }

    /// The connection is reset in place of an answer.
    pub fn reset() -> Self {
        Self::new(Effect::Arrive("reset", Delivery::Reset))
    }

    /// The connection ends in the middle of the body.
    pub fn truncated() -> Self {
        Self::new(Effect::Arrive("truncated", Delivery::Truncated))
    }

    /// The body arrives in small pieces that take so long together: never silent, never done.
    pub fn drip(over: Duration) -> Self {
        Self::new(Effect::Arrive("drip", Delivery::Dripping { over }))
    }

    /// The gateway's own page: 502, HTML.
    pub fn bad_gateway() -> Self {
        let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
                    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n\
                    </body>\r\n</html>\r\n";
        Self::send("bad_gateway", StatusCode::BAD_GATEWAY, "text/html", page)
    }

    /// 200, and the body is no JSON.
    pub fn not_json() -> Self {
        let body = "upstream connect error or disconnect/reset before headers";
        Self::send("not_json", StatusCode::OK, "text/plain", body)
    }

    /// 200 and JSON, of another shape than the API promises.
    pub fn wrong_shape() -> Self {
        let body = r#"{"Response":{"Tracks":{"TrackId":"one"},"TotalCount":"1","RequestId":7}}"#;
        Self::send("wrong_shape", StatusCode::OK, "application/json", body)
    }

    /// 200 and a body of so many bytes, JSON as far as anybody reads it.
    pub fn huge(bytes: usize) -> Self {
        let opening = r#"{"Response":{"Padding":""#;
        let mut body = Vec::from(opening);
        body.resize(bytes.max(opening.len()), b'x');
        Self::send("huge", StatusCode::OK, "application/json", body)
    }

    /// Any status and any body.
    pub fn raw(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::send("raw", status, content_type, body)
    }

    /// Throttled, though the limit was kept: others share it.
    pub fn throttled() -> Self {
        Self::refuse(&Refusal::throttled(21, 20))
    }

    /// The server's own failure.
    pub fn internal_error() -> Self {
        Self::refuse(&Refusal::internal_error())
    }

    /// CAM says no, this time.
    pub fn unauthorized() -> Self {
        let denied = Refusal::denied("UnauthorizedOperation", "cloudaudit", "DescribeAuditTracks");
        Self::refuse(&denied)
    }

    /// Any code.
    pub fn error(code: &str, message: &str) -> Self {
        Self::new(Effect::Refuse(code.to_owned(), message.to_owned()))
    }

    /// `Tracks` is null, whatever `TotalCount` says.
    pub fn null_tracks() -> Self {
        Self::named_edit("null_tracks", |answer| {
            answer["Response"]["Tracks"] = Value::Null;
        })
    }

    /// Every field of every track is null, but for `TrackId`.
    pub fn null_fields() -> Self {
        Self::named_edit("null_fields", |answer| {
            let tracks = answer["Response"]["Tracks"].as_array_mut();
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

    /// `TotalCount` is so many more than there are, or fewer if negative.
    pub fn total_off_by(difference: i64) -> Self {
        Self::named_edit("total_off_by", move |answer| {
            let total = answer["Response"]["TotalCount"].as_u64().unwrap_or(0);
            answer["Response"]["TotalCount"] = json!(total.saturating_add_signed(difference));
        })
    }

    /// Changes the JSON of a granted answer at will.
    pub fn edit(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::named_edit("edit", change)
    }

    /// Something happens to the asking account right after a granted answer was made: with
    /// [`Fault::page`], between two pages.
    pub fn afterwards(happen: impl Fn(&Account) + Send + Sync + 'static) -> Self {
        Self::new(Effect::Afterwards(Arc::new(happen)))
    }

    fn new(effect: Effect) -> Self {
        Self {
            effect,
            aim: Aim::default(),
            times: Some(1),
            every: 1,
            passed: 0,
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

/// To whom, and how often.
impl Fault {
    /// Only to calls of this action, as `AssumeRole`, or of `metadata`.
    #[must_use]
    pub fn action(mut self, name: &str) -> Self {
        self.aim.action = Some(name.to_owned());
        self
    }

    /// Only to calls of this account. What nobody signed is a call of the role's account.
    #[must_use]
    pub fn account(mut self, uin: &str) -> Self {
        self.aim.uin = Some(uin.to_owned());
        self
    }

    /// Only to calls for this region.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.aim.region = Some(region.to_owned());
        self
    }

    /// Only to calls for this page.
    #[must_use]
    pub fn page(mut self, number: u64) -> Self {
        self.aim.page = Some(number);
        self
    }

    /// So often.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// To every third, for example, of the calls that it is meant for; the others pass it by.
    #[must_use]
    pub fn every(mut self, nth: u32) -> Self {
        self.every = nth;
        self
    }

    /// Always, until it is cleared.
    #[must_use]
    pub fn until_cleared(mut self) -> Self {
        self.times = None;
        self
    }

    /// What changes a listing waits for one: a refused call does not use it up.
    pub(super) fn is_meant_for(&self, call: &Call) -> bool {
        let Aim {
            action,
            uin,
            region,
            page,
        } = &self.aim;
        let needs_listing = matches!(self.effect, Effect::Edit(..) | Effect::Afterwards(_));
        action.as_ref().is_none_or(|action| *action == call.action)
            && (uin.is_none() || *uin == call.uin)
            && region.as_ref().is_none_or(|region| *region == call.region)
            && (page.is_none() || *page == call.page)
            && (call.refused.is_none() || !needs_listing)
    }

    /// Whether this call is the one in so many.
    pub(super) fn should_fire(&mut self) -> bool {
        self.passed += 1;
        let is_turn = self.passed >= self.every;
        if is_turn {
            self.passed = 0;
        }
        is_turn
    }
}

impl Effect {
    /// What the log of calls says.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Delay(_) => "delay",
            Self::Refuse(code, _) => code,
            Self::Afterwards(_) => "afterwards",
            Self::Arrive(name, _) | Self::Send(name, ..) | Self::Edit(name, _) => name,
        }
    }

    pub(super) fn play(self, reply: &mut Reply, asker: Option<&Account>) {
        match self {
            Self::Delay(delay) => reply.wait += delay,
            Self::Arrive(_, delivery) => reply.delivery = delivery,
            Self::Refuse(code, message) => reply.refuse(&Refusal::new(code, message)),
            Self::Send(_, status, kind, body) => reply.set_body(status, kind, body),
            Self::Edit(_, change) => reply.edit(|json| change(json)),
            Self::Afterwards(happen) => asker.into_iter().for_each(|account| happen(account)),
        }
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
