//! The time limits of connections.

use std::time::Duration;

/// The time limits of a listener and its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From a request's first byte to the end of its headers, and again from there to the end of
    /// its body.
    pub headers: Duration,
    /// Without a byte of a request: between two requests, or before the first.
    pub idle: Duration,
    /// How long a client may read no byte of a response that waits to be sent. Over HTTP/2 any sent
    /// byte counts, the reply to a PING too, so a client that keeps pinging reaches the next limit
    /// instead.
    pub write_stall: Duration,
    /// From the end of a request's headers to the end of its response, even if the client keeps
    /// reading.
    pub response: Duration,
    /// For requests in flight when the listener stops.
    pub drain: Duration,
}

impl Limits {
    /// [`Limits::headers`] by default.
    pub const HEADERS: Duration = Duration::from_secs(10);
    /// [`Limits::idle`] by default: longer than the usual scrape intervals, so that Prometheus keeps
    /// its connection.
    pub const IDLE: Duration = Duration::from_mins(2);
    /// [`Limits::write_stall`] by default.
    pub const WRITE_STALL: Duration = Duration::from_secs(30);
    /// [`Limits::response`] by default: longer than any sensible scrape timeout.
    pub const RESPONSE: Duration = Duration::from_mins(5);
    /// [`Limits::drain`] by default.
    pub const DRAIN: Duration = Duration::from_secs(5);
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            headers: Self::HEADERS,
            idle: Self::IDLE,
            write_stall: Self::WRITE_STALL,
            response: Self::RESPONSE,
            drain: Self::DRAIN,
        }
    }
}
