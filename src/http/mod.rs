//! The listener: `/metrics` for Prometheus, `/` for people, `/-/…` for supervisors.
//!
//! It knows neither the cloud's API nor how the exposition is rendered: it serves what a [`Content`]
//! returns for each request. So a scrape costs only the sending, and the listener responds even if
//! another part of the process hangs.
//!
//! Any client may connect, so every resource of a connection has a limit: its time ([`Limits`]), the
//! number of connections ([`Connections`]), the head and the body of a request.

pub use self::accept::Peer;
pub use self::connection_server::ConnectionServer;
pub use self::connections::{ConnectionPermit, Connections};
pub use self::content::{Content, Forget, Reload};
pub use self::descriptors::raise_limit as raise_descriptor_limit;
pub use self::listener::Listener;
pub use self::options::Options;
pub use self::time_limits::Limits;

// What the listener gets, and its limits.
mod content;
mod options;
mod time_limits;

// Connections: accepting, counting, tracking and serving them.
mod accept;
mod bind;
mod connection;
mod connection_server;
mod connection_state;
mod connections;
mod descriptors;
mod head_scanner;
mod instrumented_io;
mod listener;
mod throttle;

// The rows of the page and the API, filtered by a query.
mod filter_values;
mod query;
mod view;

// Requests and responses.
mod api;
mod discarded_body;
mod encoding;
mod handler;
mod rendering;
mod response;
mod response_body;
mod routes;

// The page for people.
mod page;
