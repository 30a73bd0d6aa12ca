//! The whole chain: a simulated cloud, the exporter, Prometheus with the shipped rules,
//! Alertmanager with the shipped configuration, and a webhook receiver. All but the cloud are real.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "other processes live in real time"
)]
#![allow(clippy::print_stdout, reason = "the figures are the point")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

// The parts of the chain.
mod alertmanager;
mod exporters;
mod prometheus;
mod receiver;
mod service;

// The simulated clouds, and the events in them.
mod estate;
mod event;
mod site;
mod worlds;

// The tests.
mod detection;
mod events;
mod inhibition;
mod planned;
mod stack;
