//! One call to the API: pace, sign, send, classify, and try again where that can help.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use jiff::tz::Offset;
use secrecy::ExposeSecret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

use super::credentials::{Credential, Provider};
use super::observer::{Ended, Observer, Sent};
use super::pacer::Pacer;
use super::reasons::{status_failure, timeout_failure, transport_failure};
use super::sign;
use super::transport::Transport;
use super::wire::WireError;
use crate::clock::{Clock, Moment, unix_seconds};
use crate::failure::{Failure, Reason};

/// The service's name in a signature, whatever the host.
const SERVICE: &str = "cloudaudit";

/// The API's version.
const VERSION: &str = "2019-03-19";

/// What a call declares and signs; a library that appended a parameter would break the signature.
const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// `X-TC-RequestClient`: who calls, in the alphabet that the API allows.
const REQUEST_CLIENT: &str = concat!("cloudaudit-exporter_", env!("CARGO_PKG_VERSION"));

/// How many calls of the whole process may be in flight, those that hang for longer than a second
/// aside: its source address has a limit too.
pub const MAX_IN_FLIGHT: usize = 64;

/// How long a call counts as in flight. What hangs longer is no load on anybody any more, and must
/// not take the places of accounts that are well.
const IN_FLIGHT_TIME: Duration = Duration::from_secs(1);

/// The wait before the first retry, doubled for each further one, with jitter: the limit that was
/// hit counts seconds.
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(500);

/// No wait between two tries is longer, jitter aside.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(8);

/// The `Date` header has whole seconds; on average the clock behind it is half a second on.
const DATE_GRANULARITY: f64 = 1.0;

/// Where the API is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Scheme and authority, such as `https://cloudaudit.intl.tencentcloudapi.com`.
    pub url: String,
    /// The authority alone: the `Host` header as it is signed and sent.
    pub host: String,
}

/// How calls are made.
#[derive(Clone, Copy, Debug)]
pub struct CallOptions {
    /// The time for one call, from sending to the last byte.
    pub timeout: Duration,
    /// How often one call is tried at the most.
    pub attempts: u32,
    /// Tracks on a page, 1 to 100.
    pub page_size: u32,
    /// The time zone that `CreateTime` is taken to be in.
    pub create_time_offset: Offset,
}

/// Calls the API for one account.
pub struct Client {
    pub(super) options: CallOptions,
    endpoint: Endpoint,
    transport: Arc<dyn Transport>,
    provider: Arc<dyn Provider>,
    pacer: Arc<Pacer>,
    in_flight: Arc<Semaphore>,
    clock: Clock,
    signing_key: Mutex<Option<SigningKey>>,
}

/// The key of a credential on a day. Deriving it is most of the work of a signature.
struct SigningKey {
    credential: Arc<Credential>,
    date: String,
    key: [u8; 32],
}

/// What the accounts of a process share, and what is one account's own.
pub struct Parts {
    /// Where the API is.
    pub endpoint: Endpoint,
    /// The way there.
    pub transport: Arc<dyn Transport>,
    /// Where the keys come from.
    pub provider: Arc<dyn Provider>,
    /// Shared by all with the same identity at the same endpoint.
    pub pacer: Arc<Pacer>,
    /// Shared by the process; see [`MAX_IN_FLIGHT`].
    pub in_flight: Arc<Semaphore>,
    /// The time of day, for timestamps.
    pub clock: Clock,
}

/// A question to the API.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) action: &'static str,
    pub(super) region: &'a str,
    pub(super) body: &'a str,
    /// No further try starts after this.
    pub(super) retry_until: Instant,
}

impl Client {
    /// A client for one account.
    pub fn new(parts: Parts, options: CallOptions) -> Self {
        Self {
            options,
            endpoint: parts.endpoint,
            transport: parts.transport,
            provider: parts.provider,
            pacer: parts.pacer,
            in_flight: parts.in_flight,
            clock: parts.clock,
            signing_key: Mutex::new(None),
        }
    }

    /// The clock that its timestamps come from.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where its keys come from, for the label `provider`.
    pub fn provider_name(&self) -> &'static str {
        self.provider.name()
    }

    /// Whether there is a key to call with.
    pub fn has_credentials(&self) -> bool {
        self.provider.identity().is_some()
    }

    /// The ceiling of the pacer, in calls a second.
    pub fn requests_per_second(&self) -> f64 {
        self.pacer.per_second()
    }

    /// Calls until there is an answer that `parse` takes, or a failure that another try would not
    /// mend, or no try is left.
    pub(super) async fn call<T>(
        &self,
        call: Call<'_>,
        observer: &dyn Observer,
        parse: impl Fn(&[u8]) -> Result<T, WireError>,
    ) -> Result<T, Failure> {
        let mut delays = ExponentialBuilder::new()
            .with_min_delay(FIRST_RETRY_DELAY)
            .with_max_delay(MAX_RETRY_DELAY)
            .with_jitter()
            .without_max_times()
            .build();
        let mut failed: Option<Failure> = None;
        let mut was_not_json = false;
        let mut tries_left = self.options.attempts;
        loop {
            tries_left = tries_left.saturating_sub(1);
            let (failure, retry) = match self.attempt(call, failed, observer, &parse).await {
                Ok(answer) => return Ok(answer),
                Err(WireError::NotJson(failure)) => {
                    let first = !std::mem::replace(&mut was_not_json, true);
                    (failure, first)
                }
                Err(WireError::Answer(failure)) => {
                    let passing = matches!(failure.reason, Reason::Throttled | Reason::Unavailable);
                    (failure, passing)
                }
            };
            let at = Instant::now() + delays.next().unwrap_or(MAX_RETRY_DELAY);
            if !retry || tries_left == 0 || at > call.retry_until {
                return Err(failure);
            }
            sleep_until(at).await;
            failed = Some(failure);
        }
    }

    /// One try. Each is paced, timed, signed and counted by itself. `failed` is what came of the one
    /// before; it stands where the queue took so long that it is too late for another.
    async fn attempt<T>(
        &self,
        call: Call<'_>,
        failed: Option<Failure>,
        observer: &dyn Observer,
        parse: impl Fn(&[u8]) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        // Before the queue: whoever has no key must not hold up those who have one.
        let credential = self
            .provider
            .credential()
            .await
            .map_err(WireError::Answer)?;
        let queued = Instant::now();
        let turn = self.pacer.turn().await;
        let place = self.place_in_flight().await;
        let retry = failed.is_some();
        if let Some(failure) = failed
            && Instant::now() > call.retry_until
        {
            return Err(WireError::Answer(failure));
        }
        turn.take();

        let sent = self.clock.now();
        observer.sent(&Sent {
            action: call.action,
            retry,
            waited: sent.steady - queued,
        });
        let request = self.request(call, &credential, sent);
        let answer = self.exchange(request, place).await;
        let ended = self.clock.now();
        let clock_skew = answer
            .as_ref()
            .ok()
            .and_then(|answer| skew(answer.headers(), sent, ended));
        let result = answer.map_err(WireError::Answer).and_then(|answer| {
            if answer.status() == StatusCode::OK {
                parse(answer.body())
            } else {
                Err(WireError::Answer(status_failure(answer.status())))
            }
        });
        observer.ended(&Ended {
            action: call.action,
            took: ended.steady - sent.steady,
            failure: match &result {
                Ok(_) => None,
                Err(WireError::NotJson(failure) | WireError::Answer(failure)) => Some(failure),
            },
            clock_skew,
        });
        result
    }

    async fn place_in_flight(&self) -> OwnedSemaphorePermit {
        let places = Arc::clone(&self.in_flight);
        places
            .acquire_owned()
            .await
            .expect("the semaphore is never closed")
    }

    /// Sends a request and waits for its answer, as long as the options allow.
    async fn exchange(
        &self,
        request: Request<Bytes>,
        place: OwnedSemaphorePermit,
    ) -> Result<Response<Bytes>, Failure> {
        let answer = timeout(self.options.timeout, self.transport.send(request));
        tokio::pin!(answer);
        let early = timeout(IN_FLIGHT_TIME, answer.as_mut()).await;
        drop(place);
        let answer = match early {
            Ok(answer) => answer,
            Err(_) => answer.await,
        };
        match answer {
            Ok(answer) => answer.map_err(|error| transport_failure(&error)),
            Err(_) => Err(timeout_failure(format!(
                "no whole answer within {:?} (poll.timeout)",
                self.options.timeout
            ))),
        }
    }

    fn request(&self, call: Call<'_>, credential: &Arc<Credential>, now: Moment) -> Request<Bytes> {
        let timestamp = now.unix_seconds();
        let authorization = self.authorization(call.body, credential, timestamp);
        let mut request = Request::new(Bytes::copy_from_slice(call.body.as_bytes()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = format!("{}/", self.endpoint.url)
            .parse()
            .expect("an endpoint is a scheme and an authority");
        let headers = request.headers_mut();
        headers.insert(header::HOST, value(&self.endpoint.host));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::AUTHORIZATION, sensitive(&authorization));
        headers.insert("x-tc-action", HeaderValue::from_static(call.action));
        headers.insert("x-tc-version", HeaderValue::from_static(VERSION));
        headers.insert("x-tc-timestamp", HeaderValue::from(timestamp));
        headers.insert("x-tc-region", value(call.region));
        headers.insert("x-tc-language", HeaderValue::from_static("en-US"));
        headers.insert(
            "x-tc-requestclient",
            HeaderValue::from_static(REQUEST_CLIENT),
        );
        if let Some(token) = credential.token() {
            headers.insert("x-tc-token", sensitive(token.expose_secret()));
        }
        request
    }

    /// Signs the two headers that the official SDKs sign.
    fn authorization(&self, body: &str, credential: &Arc<Credential>, timestamp: i64) -> String {
        let scope = sign::Scope::at(timestamp, SERVICE);
        let headers = [
            ("content-type", CONTENT_TYPE),
            ("host", &self.endpoint.host),
        ];
        let canonical = sign::canonical_request("POST", "", &headers, body.as_bytes());
        let to_sign = sign::string_to_sign(timestamp, &scope, &canonical);
        let signature = sign::signature(&self.signing_key(credential, &scope), &to_sign);
        let signed_headers = sign::signed_headers(&headers);
        sign::authorization(credential.secret_id(), &scope, &signed_headers, &signature)
    }

    fn signing_key(&self, credential: &Arc<Credential>, scope: &sign::Scope<'_>) -> [u8; 32] {
        let mut cached = self
            .signing_key
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = cached.as_ref()
            && cached.date == scope.date
            && Arc::ptr_eq(&cached.credential, credential)
        {
            return cached.key;
        }
        let date = sign::secret_date(credential.secret_key(), &scope.date);
        let key = sign::secret_signing(&sign::secret_service(&date, scope.service));
        *cached = Some(SigningKey {
            credential: Arc::clone(credential),
            date: scope.date.clone(),
            key,
        });
        key
    }
}

/// The server's clock minus ours, in seconds. The server wrote its `Date` somewhere between our
/// sending and our receiving.
fn skew(headers: &HeaderMap, sent: Moment, received: Moment) -> Option<f64> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::parse(date)
        .ok()?
        .timestamp()
        .as_second();
    let ours = f64::midpoint(unix_seconds(sent.wall), unix_seconds(received.wall));
    Some(theirs as f64 + DATE_GRANULARITY / 2.0 - ours)
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text)
        .expect("endpoints, regions and credentials are header-safe by their types")
}

fn sensitive(text: &str) -> HeaderValue {
    let mut value = value(text);
    value.set_sensitive(true);
    value
}
