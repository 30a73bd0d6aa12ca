//! The cloud's API: calls become listings or failures. Knows no Prometheus and no configuration.
//!
//! A [`Client`] lists the tracks of one account. What accounts share (the [`Transport`], a
//! [`Pacer`] for each identity, the cap on calls in flight) is handed to it; what it does, it tells
//! an [`Observer`].

pub use self::aimd::{AimdLimit, SourceIpLimit};
pub use self::api_client::{ApiClient, CallLimits, ClientParts, MAX_IN_FLIGHT};
pub use self::bounded::MAX_TEXT_BYTES;
pub use self::client::{CLOUDAUDIT, CallOptions, Client};
pub use self::listing::{ListingError, MAX_LISTING_BYTES, MAX_PAGES, MAX_WALKS};
pub use self::network::Network;
pub use self::observer::{Ended, Observer, Sent};
pub use self::pacer::{LimitScope, Pace, Pacer, Permit};
pub use self::signer::{Endpoint, Service};
pub use self::skew::MAX_CORRECTION;
pub use self::transport::{
    Answer, HttpOptions, HttpTransport, MAX_ANSWER_BYTES, MAX_CA_BYTES, Transport, TransportError,
    TransportErrorKind, separate,
};

// The products: what they are asked, and what comes of it.
mod client;
mod collector;
mod details;
mod listing;
mod listing_cache;
pub mod organization;
pub mod sts;

// A call, which is made of the parts below.
mod api_client;
mod retries;

// Who may call, how often, and at what time.
mod aimd;
pub mod credentials;
mod pacer;
mod skew;

// The bytes: signed, sent, parsed, classified.
mod answers;
mod bounded;
mod connections;
mod envelope;
mod escape;
mod event_names;
mod handshake;
mod lenient;
mod names;
mod network;
pub mod reasons;
mod redactor;
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
