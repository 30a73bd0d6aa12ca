//! From one configuration to the next, and through a panic: in memory, in paused time.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it is"
)]

// A fleet, its cloud, and those who look on.
mod turns;
mod world;

// The tests.
mod endpoints;
mod leaks;
mod panics;
mod pulses;
mod rates;
mod reload;
