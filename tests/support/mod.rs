//! Code that several test programs share. Each program compiles the whole module and uses a part of
//! it.

#![allow(dead_code, reason = "a test program uses a part of it")]
#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "other processes run in real time"
)]
#![allow(unreachable_pub, reason = "a test program exports nothing")]

// Programs that tests start, and what the programs need.
pub(crate) mod address;
pub(crate) mod browser;
pub(crate) mod exporter;
pub(crate) mod parts;
pub(crate) mod pki;
pub(crate) mod process;
pub(crate) mod prometheus;
pub(crate) mod site;

// Clients of the listener.
pub(crate) mod http2;
pub(crate) mod tls;

// The cloud: scripted, simulated, literal, and behind a gateway that breaks connections.
pub(crate) mod gateway;
pub(crate) mod literal;
pub(crate) mod one_key;
pub(crate) mod recorded;
pub(crate) mod scripted;
pub(crate) mod signer;
pub(crate) mod simulated;

// Values, the text format, and the log.
pub(crate) mod changes;
pub(crate) mod judges;
pub(crate) mod log;
pub(crate) mod text_format;
pub(crate) mod tracks;
