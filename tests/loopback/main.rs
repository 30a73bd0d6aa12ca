//! Clients and servers over loopback, in real time.

#[path = "../support/mod.rs"]
mod support;

// The client.
mod hostile;
mod pem;
mod proxy;
mod storage;
mod transport;

// The listener.
mod http;
mod web;
