//! The listener over real loopback, with clients that are slow, silent, greedy or plain wrong.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

mod api;
mod changes;
mod claims;
mod connections;
mod deliveries;
mod half_requests;
mod limits;
mod listener;
mod page;
mod places;
mod problems;
mod recent;
mod rendering;
mod reports;
mod routes;
mod scenes;
mod shutdown;
mod support;
mod torture;
mod verdict;
mod verdict_states;
mod with_parts;
