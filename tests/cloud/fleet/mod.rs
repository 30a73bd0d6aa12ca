//! Reloads and panics of a fleet, in memory and in paused time.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

// A fleet, its cloud and its observer.
mod fairness;
mod world;

// The tests.
mod endpoints;
mod heartbeats;
mod leaks;
mod panics;
mod rates;
mod reload;
