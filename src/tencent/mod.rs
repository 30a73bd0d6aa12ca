//! The cloud's API: calls become listings or failures. Knows no Prometheus and no configuration.
//!
//! A [`Client`] lists the tracks of one account. What accounts share (the [`Transport`], a [`Pacer`]
//! for each identity, the cap on calls in flight) is handed to it; what it does, it tells an
//! [`Observer`].

pub use self::brake::{AddressBrake, Brake};
pub use self::client::{CallOptions, Client, Endpoint, MAX_IN_FLIGHT, Parts};
pub use self::listing::MAX_PAGES;
pub use self::observer::{Ended, Observer, Sent};
pub use self::pacer::{Limit, Pace, Pacer, Turn};
pub use self::transport::{
    Answer, HttpOptions, HttpTransport, MAX_ANSWER_BYTES, Transport, TransportError,
    TransportErrorKind,
};

// A listing is made of calls, and a call of the parts below.
mod client;
mod listing;

// Who may call, and how often.
mod brake;
pub mod credentials;
mod pacer;

// The bytes: signed, sent, parsed, classified.
pub mod reasons;
pub mod sign;
mod transport;
pub mod wire;

// Who is told.
mod observer;
