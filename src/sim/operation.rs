//! Operation records, and the JSON in which `DescribeEvents` returns them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::tz::Offset;
use serde_json::{Value, json};

use crate::sim::uuid::uuid;

/// The token in the session context of every console operation. No client may ever show it.
pub const SESSION_TOKEN: &str = "sessiontoken-must-never-appear-0123456789abcdef";

/// Who makes an operation, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    kind: &'static str,
    name: String,
    principal_id: String,
    role_session: Option<String>,
    secret_id: String,
    source_ip: String,
    uses_console: bool,
}

impl Operator {
    /// Returns the root user of the account, at the console.
    pub fn root(uin: &str) -> Self {
        Self::new("Root", "root", uin)
    }

    /// Creates a sub-user with this id, at the console.
    pub fn user(name: &str, principal_id: &str) -> Self {
        Self::new("CAMUser", name, principal_id)
    }

    /// Creates a session of a role, at the console.
    pub fn role(role: &str, session: &str) -> Self {
        Self {
            role_session: Some(session.to_owned()),
            ..Self::new("AssumedRole", role, "4611686018427397919")
        }
    }

    /// Calls the API with a key instead of using the console.
    #[must_use]
    pub fn through_api(mut self, secret_id: &str) -> Self {
        secret_id.clone_into(&mut self.secret_id);
        self.uses_console = false;
        self
    }

    /// Sets the source address.
    #[must_use]
    pub fn from_ip(mut self, address: &str) -> Self {
        address.clone_into(&mut self.source_ip);
        self
    }

    fn new(kind: &'static str, name: &str, principal_id: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            principal_id: principal_id.to_owned(),
            role_session: None,
            secret_id: "AKIDconsole000000000000000000000000".to_owned(),
            source_ip: "203.0.113.7".to_owned(),
            uses_console: true,
        }
    }

    fn identity(&self, uin: &str) -> Value {
        json!({
            "type": self.kind,
            "userName": self.name,
            "principalId": self.principal_id,
            "accountId": uin,
            "secretId": self.secret_id,
            "sessionContext": self.session_context(uin),
        })
    }

    /// JSON in a text, with JSON in a text; empty for a call with a permanent key.
    fn session_context(&self, uin: &str) -> String {
        if !self.uses_console && self.role_session.is_none() {
            return String::new();
        }
        let extra = self.role_session.as_ref().map_or_else(String::new, |name| {
            let extra = json!({ "roleName": self.name, "roleSessionName": name });
            extra.to_string()
        });
        json!({
            "token": SESSION_TOKEN,
            "mfa": 1,
            "ownerUin": uin,
            "expireTime": "2023-04-03 19:23:29",
            "extraInfo": extra,
        })
        .to_string()
    }
}

/// How an operation is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordForm {
    /// JSON encoded in JSON strings, as in the documentation.
    #[default]
    Documented,
    /// Objects instead of texts, and numbers as text.
    Objects,
    /// Times as text in UTC+8.
    LocalTimes,
    /// `***` in place of the id and the name of the track.
    Masked,
    /// A record that is not JSON, as in one of the official examples.
    Unparsable,
}

/// One recorded operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// Its number in the account, from 1.
    pub(super) number: u64,
    pub(super) at: SystemTime,
    pub(super) visible_from: SystemTime,
    pub(super) event: String,
    pub(super) action_type: &'static str,
    pub(super) region: String,
    pub(super) request_id: String,
    pub(super) parameters: Value,
    pub(super) response: Value,
    /// The error code of CAM; 0 if it was allowed.
    pub(super) cam_error: i64,
    /// The error code of the API; empty if it succeeded.
    pub(super) api_error: String,
    pub(super) operator: Operator,
    pub(super) form: RecordForm,
}

impl Operation {
    pub(super) fn seconds(&self) -> u64 {
        let since = self.at.duration_since(UNIX_EPOCH);
        since.unwrap_or(Duration::ZERO).as_secs()
    }

    /// Returns whether the record has this attribute of `LookupAttributes`.
    pub(super) fn has(&self, key: &str, value: &str) -> bool {
        match key {
            "RequestId" => self.request_id == value,
            "EventName" => self.event == value,
            "ActionType" => self.action_type == value,
            "PrincipalId" => self.operator.principal_id == value,
            "ResourceType" => value == "cloudaudit",
            "AccessKeyId" => self.operator.secret_id == value,
            "SourceIPAddress" => self.operator.source_ip == value,
            "ApiErrorCode" => self.api_error == value,
            "CamErrorCode" => self.cam_error.to_string() == value,
            _ => false,
        }
    }

    /// Returns the element of `Events`.
    pub(super) fn json(&self, uin: &str) -> Value {
        let time = self.seconds();
        let time_text = match self.form {
            RecordForm::LocalTimes => local_time(time),
            _ => time.to_string(),
        };
        json!({
            "EventId": self.request_id,
            "RequestID": self.request_id,
            "EventName": self.event,
            "EventNameCn": "修改跟踪集",
            "EventTime": time_text,
            "EventRegion": self.region,
            "EventSource": self.source(),
            "Username": self.operator.name,
            "SourceIPAddress": self.operator.source_ip,
            "SecretId": self.operator.secret_id,
            "AccountID": uin.parse::<u64>().unwrap_or_default(),
            "ResourceRegion": self.region,
            "ResourceTypeCn": "操作审计",
            "Resources": { "ResourceType": "cloudaudit", "ResourceName": "" },
            "ErrorCode": self.cam_error,
            "Location": "",
            "CloudAuditEvent": self.record(uin, &time_text),
        })
    }

    /// Returns `CloudAuditEvent`.
    fn record(&self, uin: &str, time_text: &str) -> Value {
        let is_flat = self.form == RecordForm::Objects;
        let nested = |value: Value| {
            if is_flat {
                value
            } else {
                json!(value.to_string())
            }
        };
        let api_error = if self.api_error.is_empty() && !is_flat {
            json!(0)
        } else {
            json!(self.api_error)
        };
        let kind = if self.operator.uses_console {
            "ConsoleCall"
        } else {
            "ApiCall"
        };
        let record = json!({
            "eventName": self.event,
            "eventType": kind,
            "actionType": self.action_type,
            "eventTime": self.record_time(time_text),
            "eventVersion": 2,
            "eventRegion": self.region,
            "eventSource": self.source(),
            "userAgent": "simulated",
            "httpMethod": "POST",
            "apiVersion": "2019-03-19",
            "requestID": self.request_id,
            "eventID": self.request_id,
            "resourceType": "cloudaudit",
            "resourceName": "",
            "resourceSet": [],
            "resources": "",
            "sensitiveAction": "1",
            "errorCode": self.cam_error.to_string(),
            "errorMessage": "",
            "apiErrorCode": api_error,
            "apiErrorMessage": "",
            "sourceIPAddress": self.operator.source_ip,
            "requestParameters": nested(self.shown(&self.parameters)),
            "responseElements": nested(self.shown(&self.response)),
            "userIdentity": self.operator.identity(uin),
        });
        match self.form {
            RecordForm::Objects => record,
            // The inner quotes lose their escapes.
            RecordForm::Unparsable => json!(record.to_string().replace('\\', "")),
            _ => json!(record.to_string()),
        }
    }

    fn record_time(&self, text: &str) -> Value {
        match self.form {
            RecordForm::LocalTimes | RecordForm::Objects => json!(text),
            _ => json!(self.seconds()),
        }
    }

    fn shown(&self, fields: &Value) -> Value {
        let mut shown = fields.clone();
        if self.form == RecordForm::Masked {
            for field in ["TrackId", "Name", "AuditName"] {
                if let Some(value) = shown.get_mut(field) {
                    *value = json!("***");
                }
            }
        }
        if self.form == RecordForm::Objects
            && let Some(id) = shown.get_mut("TrackId")
        {
            *id = json!(id.to_string());
        }
        shown
    }

    fn source(&self) -> String {
        format!("cloudaudit.{}.api.tencentyun.com", self.region)
    }
}

/// Returns a request id, the same in every run.
pub(super) fn request_id(uin: &str, number: u64) -> String {
    uuid(format!("{uin} {number}").as_bytes())
}

fn local_time(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or_default();
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    let local = Offset::constant(8).to_datetime(time);
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
