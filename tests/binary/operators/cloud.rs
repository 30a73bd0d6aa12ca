//! A cloud of this test alone: three accounts, known by their keys, and responses in literal JSON.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::support::literal::{IDENTITY, LiteralCloud, error, fill, secret_id};

/// The session token in every record of the console.
pub const TOKEN: &str = "SESSION-TOKEN-MUST-NEVER-APPEAR";

/// The access key ids in the records.
pub const CONSOLE_KEY: &str = "AKIDconsole000000000000000000000000";
pub const API_KEY: &str = "AKIDapi0000000000000000000000000000";

const TRACK: &str = r#"{"TrackId":{id},"Name":"track-{id}","ActionType":"*","ResourceType":"*","Status":{status},
 "EventNames":["*"],"CreateTime":"2026-01-05 09:12:44","Storage":{"StorageType":"cos","StorageRegion":"ap-guangzhou",
 "StorageName":"audit-log","StoragePrefix":"audit"}}"#;

/// An element of `Events`.
const EVENT: &str = r#"{"EventId":"{request}","RequestID":"{request}","EventName":"{name}","EventNameCn":"","EventTime":"{time}",
 "EventRegion":"ap-guangzhou","EventSource":"cloudaudit.ap-guangzhou.api.tencentyun.com","Username":"{user}",
 "SourceIPAddress":"203.0.113.7","SecretId":"{key}","AccountID":100000000001,"ResourceRegion":"ap-guangzhou","ResourceTypeCn":"",
 "Resources":{"ResourceType":"cloudaudit","ResourceName":""},"ErrorCode":{cam_error},"Location":"","CloudAuditEvent":{record}}"#;

/// `CloudAuditEvent`, which is a text. Parameters, response and session context are texts in it.
const RECORD: &str = r#"{"eventName":"{name}","eventType":"{call}","actionType":"Write","eventTime":{time},"eventVersion":2,
 "eventRegion":"ap-guangzhou","eventSource":"cloudaudit.ap-guangzhou.api.tencentyun.com","sourceIPAddress":"203.0.113.7",
 "requestID":"{request}","eventID":"{request}","errorCode":"{cam_error}","apiErrorCode":{api_error},"resourceType":"cloudaudit",
 "resourceName":"","resourceSet":[],"requestParameters":{parameters},"responseElements":"{\"RequestId\":\"{request}\"}",
 "userIdentity":{"type":"{type}","userName":"{user}","principalId":"100000000011","accountId":"100000000001",
 "secretId":"{key}","sessionContext":{session}}}"#;

const SESSION: &str =
    r#"{"token":"{token}","mfa":1,"expireTime":"2026-11-30 19:23:29","extraInfo":{extra}}"#;

const ROLE_SESSION: &str = r#"{"roleName":"ops","roleSessionName":"erin-at-work"}"#;

/// The attributes of every query of operation records, in this order.
const QUESTION: &str = r#"[{"AttributeKey":"ActionType","AttributeValue":"Write"},
 {"AttributeKey":"ResourceType","AttributeValue":"cloudaudit"}]"#;

/// A recorded operation.
pub struct Event {
    pub at: SystemTime,
    pub name: &'static str,
    pub user: &'static str,
    pub user_type: &'static str,
    /// `requestParameters`.
    pub parameters: &'static str,
    /// `extraInfo` of the session context.
    pub extra: &'static str,
    pub is_console: bool,
    /// The error code of CAM.
    pub cam_error: u64,
    /// The error code of the API, as JSON.
    pub api_error: &'static str,
    /// How long it takes until the record can be read.
    pub visible_after: Duration,
}

impl Event {
    /// A user does this at the console, now.
    pub fn by(user: &'static str, name: &'static str, parameters: &'static str) -> Self {
        Self {
            at: SystemTime::now(),
            name,
            user,
            user_type: "CAMUser",
            parameters,
            extra: "",
            is_console: true,
            cam_error: 0,
            api_error: "0",
            visible_after: Duration::ZERO,
        }
    }

    /// A session of a role does this, now.
    pub fn by_role(name: &'static str, parameters: &'static str) -> Self {
        Self {
            user_type: "AssumedRole",
            extra: ROLE_SESSION,
            ..Self::by("ops", name, parameters)
        }
    }

    fn json(&self, request: &str) -> String {
        let time = seconds(self.at).to_string();
        let session = fill(SESSION, &[("token", TOKEN), ("extra", &text(self.extra))]);
        let (call, key, session) = if self.is_console {
            ("ConsoleCall", CONSOLE_KEY, text(&session))
        } else {
            ("ApiCall", API_KEY, text(""))
        };
        let cam_error = self.cam_error.to_string();
        let values = [
            ("request", request),
            ("name", self.name),
            ("time", &time),
            ("user", self.user),
            ("key", key),
            ("cam_error", &cam_error),
            ("call", call),
            ("type", self.user_type),
            ("api_error", self.api_error),
            ("parameters", &text(self.parameters)),
            ("session", &session),
        ];
        let record = fill(RECORD, &values);
        fill(
            EVENT,
            &[&values[..], &[("record", &text(&record))]].concat(),
        )
    }
}

/// What an account has.
#[derive(Default)]
pub struct Account {
    /// `Status` by id.
    pub tracks: BTreeMap<u64, u64>,
    pub events: Vec<Event>,
    /// The key may not read operation records.
    pub is_denied: bool,
    /// The requests of operation records.
    pub requests: u64,
}

/// What the cloud has.
#[derive(Default)]
pub struct Accounts {
    /// By secret id.
    pub by_key: BTreeMap<&'static str, Account>,
    /// How much later it is than the clock of this machine shows.
    pub later: Duration,
}

impl Accounts {
    /// Returns the account of a key.
    pub fn of(&mut self, key: &'static str) -> &mut Account {
        self.by_key.entry(key).or_default()
    }

    fn answer(&mut self, request: &Request<Bytes>) -> String {
        let key = secret_id(request);
        let now = SystemTime::now() + self.later;
        let account = self.by_key.get_mut(key).unwrap();
        match request.headers()["x-tc-action"].to_str().unwrap() {
            "DescribeAuditTracks" => account.tracks(),
            "DescribeEvents" => account.events(request.body(), now),
            "GetCallerIdentity" => IDENTITY.to_owned(),
            action => error("InvalidAction", action),
        }
    }
}

impl Account {
    fn tracks(&self) -> String {
        let tracks = self.tracks.iter().map(|(id, status)| {
            let (id, status) = (id.to_string(), status.to_string());
            fill(TRACK, &[("id", &id), ("status", &status)])
        });
        let tracks: Vec<String> = tracks.collect();
        let (count, tracks) = (tracks.len(), tracks.join(","));
        format!(r#"{{"Tracks":[{tracks}],"TotalCount":{count},"RequestId":"r-list"}}"#)
    }

    /// Returns the records that a query asks for, newest first.
    fn events(&mut self, body: &[u8], now: SystemTime) -> String {
        self.requests += 1;
        if self.is_denied {
            return error("UnauthorizedOperation", "not for you");
        }
        let query: Value = serde_json::from_slice(body).unwrap();
        let mut attributes = query["LookupAttributes"].as_array().unwrap().clone();
        attributes.sort_by_key(ToString::to_string);
        if Value::from(attributes) != serde_json::from_str::<Value>(QUESTION).unwrap() {
            return error("InvalidParameter", "this cloud knows one question");
        }
        let [from, until] = ["StartTime", "EndTime"].map(|key| query[key].as_u64().unwrap());
        let events = self.events.iter().enumerate().rev().filter(|(_, event)| {
            event.at + event.visible_after <= now && (from..=until).contains(&seconds(event.at))
        });
        let events = events.map(|(number, event)| event.json(&format!("r-{number}")));
        let events: Vec<String> = events.collect();
        let events = events.join(",");
        format!(
            r#"{{"Events":[{events}],"ListOver":true,"NextToken":16805138109322956,"TotalCount":0,"RequestId":"r-events"}}"#
        )
    }
}

/// The cloud behind a socket.
pub type Cloud = LiteralCloud<Accounts>;

pub async fn start(accounts: Accounts) -> Cloud {
    let cloud = Cloud::start(accounts, |accounts, request| {
        let answer = accounts.answer(request);
        Response::new(format!(r#"{{"Response":{answer}}}"#).into())
    });
    cloud.await
}

/// Returns a text as JSON.
fn text(text: &str) -> String {
    Value::from(text).to_string()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}
