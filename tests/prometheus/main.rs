//! The exporter with a real Prometheus and Alertmanager: what they store, show and send.

#[path = "../support/mod.rs"]
mod support;

// The exposition.
mod demo;
mod judges;

// Rules, alerts and dashboards.
mod chain;
mod dashboards;
mod evidence;
mod receivers;
mod rules;
