//! `--web.config.file`: TLS and passwords for the listener, in the file that other Prometheus
//! exporters take.
//!
//! Source: the web configuration of prometheus/exporter-toolkit (docs/web-configuration.md there).
//! Its behaviour too: the file and the certificates that it names are read again while the process
//! runs, and a file that breaks keeps the old certificates and is answered with 500.

pub use self::config::{Denied, WebConfig};

// The file: its keys, and what they may say.
mod file;
mod settings;
mod suites;

// What becomes of it.
mod basic_auth;
mod certificates;
mod client_auth;
mod hash;
mod rate_limit;

// The file as it is now.
mod config;
