//! The dashboards: they conform to Grafana's own types and to our rules, and a real Prometheus
//! evaluates every query with data of the simulated cloud. No Grafana renders them here.

#![allow(
    clippy::disallowed_methods,
    reason = "Prometheus and the demo go by the real clock, and so do the questions"
)]

// A board as Grafana would read it, and its queries as Grafana would send them.
mod board;

// Checks that need no data.
mod languages;
mod lint;
mod metrics;
mod schema;

// Queries that a Prometheus evaluates.
mod answers;
mod prometheus;
mod shards;
mod stage;
