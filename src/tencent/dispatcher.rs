//! Sends the requests of one client: gets the credential, waits for the pacer, sends, reports, and
//! retries if that can help. It knows neither the form of the requests nor the form of the responses.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

use super::call::{Call, CallLimits, InFlightRequest};
use super::credential::Credential;
use super::envelope::WireError;
use super::observer::{Observer, Sent};
use super::pacer::Pacer;
use super::provider::Provider;
use super::reasons::{self, timeout_failure, transport_failure};
use super::redactor::Redactor;
use super::retries::{Retries, Retry};
use super::signer::Endpoint;
use super::skew::{Correction, skew};
use super::transport::{Transport, separate};
use crate::clock::{Clock, shifted};
use crate::failure::{Failure, Reason};

/// The most requests to one endpoint that may be in flight, not counting those that take longer than
/// a second: the endpoint limits the source IP too.
pub const MAX_IN_FLIGHT: usize = 64;

/// How long a request counts as in flight. A slower request puts no load on the endpoint and must not
/// delay healthy accounts.
const IN_FLIGHT_TIME: Duration = Duration::from_secs(1);

/// What a client is made of. The accounts of a process share some of it.
#[derive(Clone)]
pub struct ClientParts {
    /// The endpoint of the API.
    pub endpoint: Endpoint,
    /// Sends the requests.
    pub transport: Arc<dyn Transport>,
    /// Provides the credentials.
    pub provider: Arc<dyn Provider>,
    /// Shared by all clients with the same identity at the same endpoint.
    pub pacer: Arc<Pacer>,
    /// Shared by all clients of the endpoint; see [`MAX_IN_FLIGHT`].
    pub in_flight: Arc<Semaphore>,
    /// The time of day, for timestamps.
    pub clock: Clock,
}

/// Sends requests with one identity.
pub(super) struct Dispatcher {
    limits: CallLimits,
    parts: ClientParts,
    /// Shared with the dispatchers to other hosts of the service.
    correction: Arc<Correction>,
}

/// A failed attempt.
struct AttemptError {
    failure: Failure,
    retry: Retry,
}

impl Dispatcher {
    pub(super) fn new(parts: ClientParts, limits: CallLimits) -> Self {
        Self {
            limits,
            parts,
            correction: Arc::default(),
        }
    }

    /// Returns a dispatcher to another host of the service, with connections of its own.
    pub(super) fn to_host(&self, host: &str) -> Self {
        let parts = self.parts.clone();
        Self {
            limits: self.limits,
            parts: ClientParts {
                transport: separate(&parts.transport, host),
                ..parts
            },
            correction: Arc::clone(&self.correction),
        }
    }

    /// Returns the time of day, corrected as in signatures.
    pub(super) fn now(&self) -> SystemTime {
        shifted(self.parts.clock.now().wall, self.correction.seconds())
    }

    pub(super) fn parts(&self) -> &ClientParts {
        &self.parts
    }

    /// Sends requests until `read` accepts a response, a retry cannot help, or no attempt is left.
    /// `make` returns the request for a credential and a Unix time.
    pub(super) async fn send<T>(
        &self,
        call: Call<'_>,
        observer: &dyn Observer,
        make: impl Fn(Option<&Arc<Credential>>, i64) -> Request<Bytes>,
        read: impl Fn(&Response<Bytes>, &Redactor) -> Result<T, WireError>,
    ) -> Result<T, Failure> {
        let mut retries = Retries::new(self.limits.attempts);
        let mut before = None;
        loop {
            let AttemptError { failure, retry } =
                match self.attempt(call, before, observer, &make, &read).await {
                    Ok(parsed) => return Ok(parsed),
                    Err(error) => error,
                };
            let Some(delay) = retries.delay(retry) else {
                return Err(failure);
            };
            let at = Instant::now() + delay;
            if at > call.retry_until {
                return Err(failure);
            }
            sleep_until(at).await;
            before = Some(failure);
        }
    }

    /// Sends one request, paced and counted by itself. `before` is the failure of the attempt before
    /// it, which is also the result if the retry waited too long for the pacer.
    async fn attempt<T>(
        &self,
        call: Call<'_>,
        before: Option<Failure>,
        observer: &dyn Observer,
        make: impl Fn(Option<&Arc<Credential>>, i64) -> Request<Bytes>,
        read: impl Fn(&Response<Bytes>, &Redactor) -> Result<T, WireError>,
    ) -> Result<T, AttemptError> {
        // Before the queue: a client that waits for a credential must not delay the others.
        let credential = if call.signed {
            Some(self.parts.provider.credential().await.map_err(not_sent)?)
        } else {
            None
        };
        let queued = Instant::now();
        let permit = self.parts.pacer.acquire().await;
        let in_flight = self.in_flight_permit().await;
        let retry = before.is_some();
        if let Some(failure) = before
            && Instant::now() > call.retry_until
        {
            return Err(not_sent(failure));
        }
        permit.consume();

        let sent = self.parts.clock.now();
        observer.sent(&Sent {
            action: call.action,
            retry,
            waited: sent.steady - queued,
        });
        let request_in_flight = InFlightRequest {
            action: call.action,
            sent,
            clock: &self.parts.clock,
            observer,
        };
        let correction = self.correction.seconds();
        let timestamp = sent.unix_seconds() + correction;
        let request = make(credential.as_ref(), timestamp);
        let redactor = Redactor::for_request(credential.as_deref(), call.secrets, &request);
        let response = self.exchange(request, in_flight).await;
        let ended = self.parts.clock.now();
        let clock_skew = response
            .as_ref()
            .ok()
            .and_then(|response| skew(response.headers(), sent, ended));
        let result = response
            .map_err(WireError::Api)
            .and_then(|response| read(&response, &redactor));
        let failure = match &result {
            Ok(_) => None,
            Err(WireError::NotJson(failure) | WireError::Api(failure)) => Some(failure),
        };
        request_in_flight.end(ended, failure, clock_skew);
        match result {
            Ok(parsed) => Ok(parsed),
            Err(WireError::NotJson(failure)) => Err(AttemptError {
                failure,
                retry: Retry::LaterOnce,
            }),
            Err(WireError::Api(failure)) => {
                let retry = if reasons::is_about_the_key(&failure) {
                    self.replace_credential(credential.as_ref()).await
                } else {
                    self.recover(&failure, correction, clock_skew, observer)
                };
                Err(AttemptError { failure, retry })
            }
        }
    }

    /// Requests another credential after one was refused. There is one if a temporary key expired, or
    /// if a key was replaced at its source.
    async fn replace_credential(&self, refused: Option<&Arc<Credential>>) -> Retry {
        match refused {
            Some(refused) if self.parts.provider.invalidate(refused).await => Retry::AtOnce,
            _ => Retry::Never,
        }
    }

    /// Does what can be done about a failed attempt, and returns whether a retry can help after that.
    fn recover(
        &self,
        failure: &Failure,
        correction: i64,
        clock_skew: Option<f64>,
        observer: &dyn Observer,
    ) -> Retry {
        match failure.reason {
            Reason::Throttled => {
                self.parts.pacer.throttled(reasons::limit_scope(failure));
                Retry::Later
            }
            Reason::Unavailable => Retry::Later,
            Reason::Unauthenticated if reasons::is_about_time(failure) => {
                let Some(corrected) = self.correction.after_expiry(correction, clock_skew) else {
                    return Retry::Never;
                };
                if corrected.is_news {
                    observer.clock_corrected(corrected.seconds);
                }
                Retry::AtOnce
            }
            // The next poll retries the others. A denial may be a passing fault of the cloud, but an
            // immediate retry does not help against it.
            _ => Retry::Never,
        }
    }

    async fn in_flight_permit(&self) -> OwnedSemaphorePermit {
        let permits = Arc::clone(&self.parts.in_flight);
        permits
            .acquire_owned()
            .await
            .expect("the semaphore is never closed")
    }

    /// Sends a request and waits for its response within the time limit.
    async fn exchange(
        &self,
        request: Request<Bytes>,
        in_flight: OwnedSemaphorePermit,
    ) -> Result<Response<Bytes>, Failure> {
        let response = timeout(self.limits.timeout, self.parts.transport.send(request));
        tokio::pin!(response);
        let early = timeout(IN_FLIGHT_TIME, response.as_mut()).await;
        drop(in_flight);
        let response = match early {
            Ok(response) => response,
            Err(_) => response.await,
        };
        match response {
            Ok(response) => response.map_err(|error| transport_failure(&error)),
            Err(_) => Err(timeout_failure(format!(
                "no complete response within {:?} (poll.timeout)",
                self.limits.timeout
            ))),
        }
    }
}

/// Returns the failure of a request that was not sent.
fn not_sent(failure: Failure) -> AttemptError {
    AttemptError {
        failure,
        retry: Retry::Never,
    }
}
