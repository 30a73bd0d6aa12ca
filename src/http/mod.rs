//! The listener: `/metrics` for Prometheus, `/` for people, `/-/…` for supervisors.
//!
//! It knows neither the cloud's API nor how the exposition is made: it shows what a [`Content`]
//! returns for each request. So a scrape costs what sending costs, and the listener answers even if
//! another part of the process hangs.
//!
//! A stranger can open connections, so everything a connection can hold on to has a limit:
//! its time ([`Limits`]), its place ([`Connections`]), its head and its body.

pub use self::accept::Peer;
pub use self::connection_server::ConnectionServer;
pub use self::connections::{ConnectionPermit, Connections};
pub use self::content::{Content, Reload};
pub use self::descriptors::raise_limit as raise_descriptor_limit;
pub use self::limits::Limits;
pub use self::listener::Listener;
pub use self::options::Options;

// What it is given, and how long and how many.
mod content;
mod limits;
mod options;

// Sockets: accepting them, counting them, and knowing what each is at.
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

// What is shown of the reports, filtered by a query.
mod query;
mod view;

// Requests and responses.
mod api;
mod body;
mod encoding;
mod rendering;
mod response;
mod routes;

// The page for people.
mod html;
mod page;
mod table;
mod track;
