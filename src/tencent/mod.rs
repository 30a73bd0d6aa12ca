//! The cloud's API: calls become listings or failures. Knows no Prometheus and no configuration.
//!
//! A [`Client`] lists the tracks of one account. What accounts share (the [`Transport`], a
//! [`Pacer`] for each identity, the cap on calls in flight) is handed to it; what it does, it tells
//! an [`Observer`].

pub use self::authorities::{CaFile, MAX_CA_BYTES};
pub use self::bounded::MAX_TEXT_BYTES;
pub use self::brake::{AddressBrake, Brake};
pub use self::caller::{CallLimits, Caller, MAX_IN_FLIGHT, Parts};
pub use self::client::{CLOUDAUDIT, CallOptions, Client};
pub use self::listing::{ListingError, MAX_LISTING_BYTES, MAX_PAGES, MAX_WALKS};
pub use self::network::Network;
pub use self::observer::{Ended, Observer, Sent};
pub use self::pacer::{Limit, Pace, Pacer, Turn};
pub use self::signer::{Endpoint, Service};
pub use self::skew::MAX_CORRECTION;
pub use self::transport::{
    Answer, HttpOptions, HttpTransport, MAX_ANSWER_BYTES, Transport, TransportError,
    TransportErrorKind, separate,
};

// The products: what they are asked, and what comes of it.
mod client;
mod collector;
mod details;
mod listing;
pub mod organization;
mod recall;
pub mod sts;

// A call, which is made of the parts below.
mod caller;
mod retries;

// Who may call, how often, and at what time.
mod brake;
pub mod credentials;
mod pacer;
mod skew;

// The bytes: signed, sent, parsed, classified.
mod answers;
mod authorities;
mod bounded;
mod connections;
mod echo;
mod envelope;
mod escape;
mod event_names;
mod handshake;
mod lenient;
mod names;
mod network;
pub mod reasons;
mod repair;
mod resolv_conf;
mod resolver;
pub mod sign;
mod signer;
mod tls;
mod transport;
pub mod wire;

// Who is told.
mod observer;
