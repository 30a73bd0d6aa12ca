//! A call of an API action. The client sends it as one request or, with retries, as several.

use std::mem::ManuallyDrop;
use std::time::Duration;

use tokio::time::Instant;

use super::observer::{Ended, Observer};
use super::reasons::timeout_failure;
use crate::clock::{Clock, Moment};
use crate::failure::Failure;

/// The limits of each call.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// The time for one request, from sending to the last byte of the response.
    pub timeout: Duration,
    /// The most requests for one call, if failures are worth a retry.
    pub attempts: u32,
}

/// A call of an API action.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) action: &'static str,
    /// `None` if the product has no regions.
    pub(super) region: Option<&'a str>,
    pub(super) body: &'a str,
    /// Whether the request is signed. An unsigned one carries a token in its body.
    pub(super) signed: bool,
    /// The parts of the body that must be redacted from the response.
    pub(super) secrets: &'a [&'a str],
    /// No attempt starts after this time.
    pub(super) retry_until: Instant,
}

/// A request that was sent and has not ended. If it is dropped because its poll was canceled or its
/// account was removed, it is reported as timed out. So the counts of sent and ended requests agree.
pub(super) struct InFlightRequest<'a> {
    pub(super) action: &'static str,
    pub(super) sent: Moment,
    pub(super) clock: &'a Clock,
    pub(super) observer: &'a dyn Observer,
}

impl InFlightRequest<'_> {
    /// Reports the end of the request.
    pub(super) fn end(self, at: Moment, failure: Option<&Failure>, clock_skew: Option<f64>) {
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

impl Drop for InFlightRequest<'_> {
    fn drop(&mut self) {
        let failure = timeout_failure("canceled before the response arrived");
        self.report(self.clock.now(), Some(&failure), None);
    }
}
