//! The client of the Tencent Cloud API: requests become listings or failures. It knows neither
//! Prometheus nor the configuration.
//!
//! A [`Client`] lists the tracks of one account. The caller passes in what accounts share: the
//! [`Transport`], a [`Pacer`] for each identity, the cap on requests in flight. The client reports
//! each request to an [`Observer`].

pub use self::aimd::SourceIpLimit;
pub use self::api_client::{ApiClient, ClientParts, MAX_IN_FLIGHT};
pub use self::authorities::{CaFile, MAX_CA_BYTES};
pub use self::bounded::MAX_TEXT_BYTES;
pub use self::call::CallLimits;
pub use self::client::{CLOUDAUDIT, CallOptions, Client};
pub use self::events::{
    ATTRIBUTE_ACTION_TYPE, ATTRIBUTE_RESOURCE_TYPE, Events, EventsQuery, MAX_EVENT_PAGES,
    parse_events,
};
pub use self::http_transport::{HttpOptions, HttpTransport};
pub use self::listing::ListingError;
pub use self::network::Network;
pub use self::observer::{Ended, Observer, Sent};
pub use self::pace::LimitScope;
pub use self::pacer::{Pacer, Permit};
pub use self::paging::MAX_WALKS;
pub use self::signer::{Endpoint, Service};
pub use self::skew::MAX_CORRECTION;
pub use self::track_walk::{MAX_LISTING_BYTES, MAX_PAGES};
pub use self::transport::{
    MAX_RESPONSE_BYTES, ResponseFuture, Transport, TransportError, TransportErrorKind, separate,
};

// The products: their actions and the values that these return.
mod client;
mod collector;
mod details;
mod events;
mod listing;
mod listing_cache;
mod operation_record;
pub mod organization;
mod paging;
mod request_parameters;
pub mod storage;
pub mod sts;
mod sts_wire;
mod track_walk;

// One call, made of the parts below.
mod api_client;
mod call;
mod dispatcher;
mod retries;

// Credentials, rate limits and the clock correction.
mod aimd;
mod credential;
pub mod credentials;
mod pace;
mod pacer;
mod provider;
mod skew;

// The bytes: sign, send, parse, classify.
mod authorities;
mod bounded;
mod by_host;
mod connections;
mod descriptors;
mod dns_resolver;
mod envelope;
mod event_names;
mod handshake;
mod http_transport;
mod lenient;
mod name_servers;
mod nested;
mod network;
pub mod reasons;
mod recent_responses;
mod redactor;
mod repair;
mod resolv_conf;
mod shared_limit;
pub mod sign;
mod signer;
mod tls;
mod transport;
pub mod wire;
mod wire_storage;

// Reports of requests.
mod observer;
