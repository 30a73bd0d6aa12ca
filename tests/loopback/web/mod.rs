//! The web configuration: TLS and passwords, in the file format of other Prometheus exporters.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "other processes run in real time"
)]
#![allow(unreachable_pub, reason = "a test program exports nothing")]

// Certificates, the exporter with a web configuration, and its clients.
mod exporter;
mod listener;

// The tests.
mod frames;
mod hang_ups;
mod health;
mod hostile_files;
mod http2;
mod log_lines;
mod passwords;
mod sockets;
mod tls;
mod with_parts;
