//! The interface through which the client reports its requests. The client keeps no counts itself.

use std::time::Duration;

use crate::failure::Failure;

/// Receives a report of every request.
pub trait Observer: Send + Sync {
    /// A request is being sent.
    fn sent(&self, call: &Sent);

    /// A request has ended.
    fn ended(&self, call: &Ended<'_>);

    /// A field of a response is unreadable and counts as absent. `field` holds its path, the expected
    /// type and the found one. Each kind of field is reported once.
    fn unreadable(&self, _action: &'static str, _field: &str) {}

    /// From now on, signatures add `seconds` to the machine's clock, because the API refused one as
    /// expired.
    fn clock_corrected(&self, _seconds: i64) {}
}

/// A request that is being sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The API's name of the action.
    pub action: &'static str,
    /// Whether it is a retry.
    pub retry: bool,
    /// How long it waited for the pacer and the cap on requests in flight.
    pub waited: Duration,
}

/// A request that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The API's name of the action.
    pub action: &'static str,
    /// From sending to the last byte of the response.
    pub took: Duration,
    /// `None` if it succeeded.
    pub failure: Option<&'a Failure>,
    /// The server's clock minus the machine's, in seconds, from the `Date` header.
    pub clock_skew: Option<f64>,
}
