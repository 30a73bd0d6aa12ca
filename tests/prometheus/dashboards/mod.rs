//! The dashboards: sound by Grafana's own types and by our rules, and every query of theirs
//! answered by a real Prometheus with what the simulated cloud has. There is no Grafana here to
//! draw them.

#![allow(
    clippy::disallowed_methods,
    reason = "Prometheus and the demo go by the real clock, and so do the questions"
)]

// A board as Grafana would read it, and its queries as Grafana would send them.
mod board;

// What is judged without data.
mod lint;
mod metrics;
mod schema;

// What is asked of a Prometheus.
mod answers;
mod prometheus;
mod shards;
mod stage;
