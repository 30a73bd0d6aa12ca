//! Temporary keys of the role that is bound to the CVM instance, from its metadata service.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use super::{Credential, FetchFuture, Source, Temporary, credentials_failure, no_credentials};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::tencent::envelope::{JsonError, read_json};
use crate::tencent::lenient::Field;
use crate::tencent::reasons::{status_failure, timeout_failure, transport_failure};
use crate::tencent::{Endpoint, Transport};

/// The path that returns the name of the role. Followed by the name, it returns a key.
const PATH: &str = "/latest/meta-data/cam/security-credentials/";

/// The timeout of a request. A metadata service answers at once, or does not exist.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How often a request is attempted, because the service may be restarting.
const ATTEMPTS: u32 = 3;

/// The wait before the second attempt. It doubles before the third.
const PAUSE: Duration = Duration::from_millis(300);

/// A longer lifetime of a key is cut to this one.
const MAX_LIFETIME: Duration = Duration::from_hours(12);

/// The maximum length of a role name, in bytes.
const MAX_NAME: usize = 128;

/// The role that is bound to this machine.
pub struct CvmRole {
    /// The name of the role. `None`: the metadata service returns it.
    pub name: Option<String>,
    /// The endpoint of the metadata service.
    pub endpoint: Endpoint,
    /// The transport to the endpoint, without a proxy.
    pub transport: Arc<dyn Transport>,
    /// The clock that determines how long a key is valid.
    pub clock: Clock,
    /// Why each earlier source of the default chain has no credentials, for messages.
    pub before: Vec<String>,
}

impl Source for CvmRole {
    fn name(&self) -> &'static str {
        "cvm_role"
    }

    fn identity(&self) -> String {
        // A machine has one role, so its name does not matter.
        format!("the role of this machine, by {}", self.endpoint.host)
    }

    fn fetch(&self) -> FetchFuture<'_> {
        Box::pin(async {
            self.key().await.map_err(|failure| match &self.before[..] {
                [] => failure,
                // The machine may have no role. So the message also names the other sources.
                before => Failure {
                    request_id: failure.request_id,
                    ..no_credentials(format!(
                        "{}; earlier sources: {}",
                        failure.message.trim_start_matches("no credentials: "),
                        before.join("; ")
                    ))
                },
            })
        })
    }
}

impl CvmRole {
    async fn key(&self) -> Result<Temporary, Failure> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => self.bound_role().await?,
        };
        let answer = self.get(&name).await.map_err(|failure| {
            credentials_failure(&format!("the metadata service has no role {name}"), failure)
        })?;
        let unusable = |what: &str| {
            no_credentials(format!("the metadata service's key of role {name} {what}"))
        };
        let answer: Answer = read_json(answer.body()).map_err(|error| match error {
            JsonError::Syntax(_) => unusable("is not valid JSON"),
            JsonError::Shape(field) => unusable(&format!("is not the expected JSON: {field}")),
        })?;
        answer
            .into_temporary(&self.clock)
            .map_err(|why| unusable(&why))
    }

    async fn bound_role(&self) -> Result<String, Failure> {
        let answer = self.get("").await.map_err(|failure| {
            let why = if failure.code == "http_404" {
                "no role is bound to this machine"
            } else {
                "cannot read the name of the role from the metadata service"
            };
            credentials_failure(why, failure)
        })?;
        let name = std::str::from_utf8(answer.body()).map(str::trim);
        let is_name = |name: &&str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
            (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain)
        };
        match name.ok().filter(is_name) {
            Some(name) => Ok(name.to_owned()),
            None => Err(no_credentials(
                "the metadata service returned an invalid role name",
            )),
        }
    }

    async fn get(&self, below: &str) -> Result<Response<Bytes>, Failure> {
        let mut attempt = 1;
        loop {
            let answer = self.get_once(below).await;
            let lasts = |failure: &Failure| failure.code.starts_with("http_4");
            match answer {
                Err(failure) if attempt < ATTEMPTS && !lasts(&failure) => {
                    sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn get_once(&self, below: &str) -> Result<Response<Bytes>, Failure> {
        let request = Request::get(format!("{}{PATH}{below}", self.endpoint.url))
            .header(header::HOST, &*self.endpoint.host)
            // The responses have no id, so a separate connection ties each one to its request.
            .header(header::CONNECTION, "close")
            .body(Bytes::new())
            .expect("an endpoint and the name of a role make a URL");
        let answer = timeout(TIMEOUT, self.transport.send(request)).await;
        let answer = answer
            .map_err(|_| timeout_failure(format!("no response within {TIMEOUT:?}")))?
            .map_err(|error| transport_failure(&error))?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            status => Err(status_failure(status)),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    code: Option<String>,
    tmp_secret_id: Option<String>,
    tmp_secret_key: Option<SecretString>,
    token: Option<SecretString>,
    #[serde(default)]
    expired_time: Field<u64>,
}

impl Answer {
    fn into_temporary(self, clock: &Clock) -> Result<Temporary, String> {
        if self.code.as_deref().is_some_and(|code| code != "Success") {
            return Err("is missing: its Code is not Success".to_owned());
        }
        let lacks = "lacks one of TmpSecretId, TmpSecretKey, Token and ExpiredTime";
        let (Some(id), Some(key), Some(token)) =
            (self.tmp_secret_id, self.tmp_secret_key, self.token)
        else {
            return Err(lacks.to_owned());
        };
        let expired_time = match self.expired_time {
            Field::Given(time) => time,
            Field::Absent => return Err(lacks.to_owned()),
            Field::Unreadable(found) => return Err(format!("has {found} as ExpiredTime")),
        };
        let credential = Credential::new(id, key, Some(token))
            .map_err(|part| format!("has an invalid {part}"))?;
        let now = clock.now().wall;
        Ok(Temporary::new(credential, expired_time, now, MAX_LIFETIME))
    }
}
