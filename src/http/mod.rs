//! The listener: `/metrics` for Prometheus, `/` for people, `/-/…` for those who look after the
//! process.
//!
//! It knows neither the cloud's API nor how the exposition is made: it shows what a [`Content`]
//! gives it, asked anew for each request. So a scrape costs what sending costs, and whatever hangs
//! elsewhere, this answers.
//!
//! A stranger can open connections, so everything a connection can hold on to has a limit:
//! its time ([`Limits`]), its place ([`Connections`]), its head and its body.

pub use self::connection::serve_connection;
pub use self::connections::Connections;
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
mod connection_state;
mod connections;
mod descriptors;
mod head_scanner;
mod listener;
mod throttle;
mod tls;

// What is shown of the reports, and what of it somebody wants.
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
