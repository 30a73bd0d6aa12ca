//! `--web.config.file`: TLS and passwords for the listener, in the file format of other
//! Prometheus exporters.
//!
//! Source: the web configuration of prometheus/exporter-toolkit (docs/web-configuration.md there).
//! As there, the file and its certificates are reloaded while the process runs. If the file becomes
//! unusable, the listener keeps the previous certificates and responds to requests with status 500.

pub use self::reloading::{Denied, WebConfig};

// The file: its keys and their values.
mod file;
mod settings;
mod suites;

// TLS, authentication and the rate limit.
mod basic_auth;
mod certificates;
mod client_auth;
mod hash;
mod rate_limit;

// The current content, and its reload.
mod reloading;
