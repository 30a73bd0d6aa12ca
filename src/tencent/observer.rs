//! Who wants to know of every call: the client tells, and keeps no numbers of its own.

use std::time::Duration;

use crate::failure::Failure;

/// Told of every call while it happens.
pub trait Observer: Send + Sync {
    /// A call is being sent.
    fn sent(&self, call: &Sent);

    /// A call has ended.
    fn ended(&self, call: &Ended<'_>);

    /// A field of an answer could not be read and is taken as absent: its path, what was expected
    /// and what was found. Each kind of field is reported once.
    fn unreadable(&self, _action: &'static str, _field: &str) {}

    /// From now on signatures are made for a time that is so many seconds ahead of our clock: the
    /// API refused them, and named its own.
    fn clock_corrected(&self, _seconds: i64) {}
}

/// A call that is being sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The API's name of the action.
    pub action: &'static str,
    /// Whether it repeats one that failed.
    pub retry: bool,
    /// How long it waited for the pacer and for a place among the calls in flight.
    pub waited: Duration,
}

/// A call that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The API's name of the action.
    pub action: &'static str,
    /// From the sending to the last byte of the answer.
    pub took: Duration,
    /// None where it succeeded.
    pub failure: Option<&'a Failure>,
    /// The server's clock minus ours, in seconds, from the `Date` header.
    pub clock_skew: Option<f64>,
}
