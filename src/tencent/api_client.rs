//! One call to the API: pace, sign, send, classify, and try again where that can help.

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

use super::credentials::{Credential, Provider};
use super::envelope::WireError;
use super::observer::{Ended, Observer, Sent};
use super::pacer::Pacer;
use super::reasons::{self, status_failure, timeout_failure, transport_failure};
use super::redactor::Redactor;
use super::retries::{Retries, Retry};
use super::signer::{Endpoint, Service, Signer};
use super::skew::{Correction, skew};
use super::transport::Transport;
use crate::clock::{Clock, Moment};
use crate::failure::{Failure, Reason};

/// How many calls to one endpoint may be in flight, those that hang for longer than a second
/// aside: the endpoint limits the source address too.
pub const MAX_IN_FLIGHT: usize = 64;

/// How long a call counts as in flight. What hangs longer is no load on anybody any more, and must
/// not take the places of accounts that are well.
const IN_FLIGHT_TIME: Duration = Duration::from_secs(1);

/// The most kinds of unreadable fields that one caller reports.
const MAX_NOTED: usize = 32;

/// How long and how often one call is tried.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// The time for one call, from sending to the last byte.
    pub timeout: Duration,
    /// How often one call is tried at the most, for what may pass by itself.
    pub attempts: u32,
}

/// What the accounts of a process share, and what is one account's own.
#[derive(Clone)]
pub struct ClientParts {
    /// Where the API is.
    pub endpoint: Endpoint,
    /// The way there.
    pub transport: Arc<dyn Transport>,
    /// Where the keys come from.
    pub provider: Arc<dyn Provider>,
    /// Shared by all with the same identity at the same endpoint.
    pub pacer: Arc<Pacer>,
    /// Shared by all callers of the endpoint; see [`MAX_IN_FLIGHT`].
    pub in_flight: Arc<Semaphore>,
    /// The time of day, for timestamps.
    pub clock: Clock,
}

/// Calls one product of the API with one identity.
pub struct ApiClient {
    limits: CallLimits,
    signer: Signer,
    parts: ClientParts,
    correction: Correction,
    /// The kinds of unreadable fields that were reported to the observer.
    noted: Mutex<BTreeSet<String>>,
}

/// A question to the API.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) action: &'static str,
    /// None where the product has no regions.
    pub(super) region: Option<&'a str>,
    pub(super) body: &'a str,
    /// Whether it carries a signature; a token in the body stands for it where not.
    pub(super) signed: bool,
    /// What of the body no log may show, should it come back in an answer.
    pub(super) secrets: &'a [&'a str],
    /// No further try starts after this.
    pub(super) retry_until: Instant,
}

/// One try that brought nothing.
struct Failed {
    failure: Failure,
    retry: Retry,
}

impl ApiClient {
    /// A caller of a product.
    pub fn new(service: Service, parts: ClientParts, limits: CallLimits) -> Self {
        Self {
            limits,
            signer: Signer::new(parts.endpoint.clone(), service),
            parts,
            correction: Correction::default(),
            noted: Mutex::default(),
        }
    }

    /// Reports fields that could not be read, each kind of field once in the life of the caller.
    pub(super) fn note(&self, action: &'static str, notes: Vec<String>, observer: &dyn Observer) {
        for note in notes {
            let digits = |c: char| c.is_ascii_digit();
            let kind = note.replace(digits, "");
            // A set that only grows is whole whenever its lock is free.
            let mut told = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            if told.len() < MAX_NOTED && told.insert(kind) {
                observer.unreadable(action, &note);
            }
        }
    }

    /// What it calls with.
    pub fn parts(&self) -> &ClientParts {
        &self.parts
    }

    /// Calls until there is an answer that `parse` takes, or a failure that another try would not
    /// mend, or no try is left.
    pub(super) async fn call<T>(
        &self,
        call: Call<'_>,
        observer: &dyn Observer,
        parse: impl Fn(&[u8], &Redactor) -> Result<T, WireError>,
    ) -> Result<T, Failure> {
        let mut retries = Retries::of(self.limits.attempts);
        let mut before = None;
        loop {
            let Failed { failure, retry } = match self.attempt(call, before, observer, &parse).await
            {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let Some(wait) = retries.wait(retry) else {
                return Err(failure);
            };
            let at = Instant::now() + wait;
            if at > call.retry_until {
                return Err(failure);
            }
            sleep_until(at).await;
            before = Some(failure);
        }
    }

    /// One try. Each is paced, timed, signed and counted by itself. `before` is what came of the
    /// one before it, and of this one where the queue took so long that it is too late.
    async fn attempt<T>(
        &self,
        call: Call<'_>,
        before: Option<Failure>,
        observer: &dyn Observer,
        parse: impl Fn(&[u8], &Redactor) -> Result<T, WireError>,
    ) -> Result<T, Failed> {
        // Before the queue: whoever has no key must not hold up those who have one.
        let credential = if call.signed {
            Some(self.parts.provider.credential().await.map_err(not_sent)?)
        } else {
            None
        };
        let queued = Instant::now();
        let permit = self.parts.pacer.acquire().await;
        let place = self.place_in_flight().await;
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
        let unended = Unended {
            action: call.action,
            sent,
            clock: &self.parts.clock,
            observer,
        };
        let corrected_by = self.correction.seconds();
        let timestamp = sent.unix_seconds() + corrected_by;
        let request = self.signer.request(call, credential.as_ref(), timestamp);
        let redactor = Redactor::for_request(credential.as_deref(), call.secrets, &request);
        let answer = self.exchange(request, place).await;
        let ended = self.parts.clock.now();
        let clock_skew = answer
            .as_ref()
            .ok()
            .and_then(|answer| skew(answer.headers(), sent, ended));
        let result = answer
            .map_err(WireError::Answer)
            .and_then(|answer| parse(content(&answer)?, &redactor));
        let failure = match &result {
            Ok(_) => None,
            Err(WireError::NotJson(failure) | WireError::Answer(failure)) => Some(failure),
        };
        unended.end(ended, failure, clock_skew);
        match result {
            Ok(answer) => Ok(answer),
            Err(WireError::NotJson(failure)) => Err(Failed {
                failure,
                retry: Retry::LaterOnce,
            }),
            Err(WireError::Answer(failure)) => {
                let retry = if reasons::is_about_the_key(&failure) {
                    self.renewed(credential.as_ref()).await
                } else {
                    self.mend(&failure, corrected_by, clock_skew, observer)
                };
                Err(Failed { failure, retry })
            }
        }
    }

    /// Asks for another credential in the place of one that was refused. There is one for a
    /// temporary key that has ended, and for one that was replaced where it is kept.
    async fn renewed(&self, refused: Option<&Arc<Credential>>) -> Retry {
        match refused {
            Some(refused) if self.parts.provider.refused(refused).await => Retry::AtOnce,
            _ => Retry::Never,
        }
    }

    /// Does what can be done about a failed call, and tells what another try is good for after
    /// that.
    fn mend(
        &self,
        failure: &Failure,
        corrected_by: i64,
        clock_skew: Option<f64>,
        observer: &dyn Observer,
    ) -> Retry {
        match failure.reason {
            Reason::Throttled => {
                self.parts.pacer.throttled(reasons::limit(failure));
                Retry::Later
            }
            Reason::Unavailable => Retry::Later,
            Reason::Unauthenticated if reasons::is_about_time(failure) => {
                let Some(corrected) = self.correction.after_expiry(corrected_by, clock_skew) else {
                    return Retry::Never;
                };
                if corrected.is_news {
                    observer.clock_corrected(corrected.seconds);
                }
                Retry::AtOnce
            }
            // The others wait for the next poll: even a denial may be the cloud's passing fault,
            // and asking again at once has never helped against one.
            _ => Retry::Never,
        }
    }

    async fn place_in_flight(&self) -> OwnedSemaphorePermit {
        let places = Arc::clone(&self.parts.in_flight);
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
        let answer = timeout(self.limits.timeout, self.parts.transport.send(request));
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
                self.limits.timeout
            ))),
        }
    }
}

/// A call that was sent and has not ended. If it is dropped, because its poll was cut or its account
/// has left, it ends as one that timed out, so that counts of sent and ended calls always agree.
struct Unended<'a> {
    action: &'static str,
    sent: Moment,
    clock: &'a Clock,
    observer: &'a dyn Observer,
}

impl Unended<'_> {
    fn end(self, at: Moment, failure: Option<&Failure>, clock_skew: Option<f64>) {
        ManuallyDrop::new(self).report(at, failure, clock_skew);
    }

    fn report(&self, at: Moment, failure: Option<&Failure>, clock_skew: Option<f64>) {
        self.observer.ended(&Ended {
            action: self.action,
            took: at.steady - self.sent.steady,
            failure,
            clock_skew,
        });
    }
}

impl Drop for Unended<'_> {
    fn drop(&mut self) {
        let failure = timeout_failure("cut before there was an answer");
        self.report(self.clock.now(), Some(&failure), None);
    }
}

/// The failure of a try that was not sent.
fn not_sent(failure: Failure) -> Failed {
    Failed {
        failure,
        retry: Retry::Never,
    }
}

/// The body of an answer, where it may be read.
fn content(answer: &Response<Bytes>) -> Result<&[u8], WireError> {
    if answer.status() != StatusCode::OK {
        return Err(WireError::Answer(status_failure(answer.status())));
    }
    if is_encoded(answer.headers()) {
        let message = "the answer is compressed, and we have not offered to take that";
        return Err(WireError::NotJson(Failure::new(Reason::Malformed, message)));
    }
    Ok(answer.body())
}

/// Whether the body has to be decoded to be read. We do not: a few bytes may become any number.
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).into_iter();
    encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}
