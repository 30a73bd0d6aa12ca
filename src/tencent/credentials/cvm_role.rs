//! Keys of the role that is bound to the machine: its metadata service hands them out, to whoever
//! asks from the machine.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use super::{Credential, FetchFuture, Source, Temporary, no_credentials, none_to_be_had};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::tencent::envelope::{JsonError, read_json};
use crate::tencent::lenient::Field;
use crate::tencent::reasons::{status_failure, timeout_failure, transport_failure};
use crate::tencent::{Endpoint, Transport};

/// Where the service tells which role there is, and below that its key.
const PATH: &str = "/latest/meta-data/cam/security-credentials/";

/// The service is on the machine or nowhere: where it does not answer at once it never does.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How often it is asked, for it is sometimes restarted.
const ATTEMPTS: u32 = 3;

/// The wait before it is asked again, once and twice.
const PAUSE: Duration = Duration::from_millis(300);

/// No key is believed to last longer.
const LONGEST_LIFE: Duration = Duration::from_hours(12);

/// The longest name of a role, in bytes.
const MAX_NAME: usize = 128;

/// The role that is bound to this machine.
pub struct CvmRole {
    /// Its name; none asks for it.
    pub name: Option<String>,
    /// Where the metadata service is.
    pub endpoint: Endpoint,
    /// The way there, which must not lead through a proxy.
    pub transport: Arc<dyn Transport>,
    /// To tell how long a key lasts.
    pub clock: Clock,
    /// Where else was looked before, in vain; for messages.
    pub before: Vec<String>,
}

impl Source for CvmRole {
    fn name(&self) -> &'static str {
        "cvm_role"
    }

    fn identity(&self) -> String {
        // A machine has one role, whatever it is called.
        format!("the role of this machine, by {}", self.endpoint.host)
    }

    fn fetch(&self) -> FetchFuture<'_> {
        Box::pin(async {
            self.key().await.map_err(|failure| match &self.before[..] {
                [] => failure,
                // The machine may have no role at all, so this is no fault of its metadata service.
                before => Failure {
                    request_id: failure.request_id,
                    ..no_credentials(format!(
                        "{}; before that, {}",
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
            none_to_be_had(&format!("the metadata service has no role {name}"), failure)
        })?;
        let unusable = |what: &str| {
            no_credentials(format!("the metadata service's key of role {name} {what}"))
        };
        let answer: Answer = read_json(answer.body()).map_err(|error| match error {
            JsonError::Syntax(_) => unusable("is not the JSON that it should be"),
            JsonError::Shape(field) => {
                unusable(&format!("is not the JSON that it should be: {field}"))
            }
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
                "the metadata service of this machine does not tell its role"
            };
            none_to_be_had(why, failure)
        })?;
        let name = std::str::from_utf8(answer.body()).map(str::trim);
        let is_name = |name: &&str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
            (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain)
        };
        match name.ok().filter(is_name) {
            Some(name) => Ok(name.to_owned()),
            None => Err(no_credentials(
                "what the metadata service tells is not the name of a role",
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
            .header(header::HOST, &self.endpoint.host)
            // Its answers have no id: a connection of its own is what ties one to its request.
            .header(header::CONNECTION, "close")
            .body(Bytes::new())
            .expect("an endpoint and the name of a role make a URL");
        let answer = timeout(TIMEOUT, self.transport.send(request)).await;
        let answer = answer
            .map_err(|_| timeout_failure(format!("no answer within {TIMEOUT:?}")))?
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
            return Err("is none: its Code is not Success".to_owned());
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
            .map_err(|part| format!("has a {part} that cannot be one"))?;
        let now = clock.now().wall;
        Ok(Temporary::new(credential, expired_time, now, LONGEST_LIFE))
    }
}
