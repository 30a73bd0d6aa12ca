//! The process in its environment: signals, blocked pipes, output files and system limits.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "another process lives in real time"
)]
#![allow(unreachable_pub, reason = "a test program has no outside")]

// The binary, started and scraped, and what it polls.
mod program;

// The tests.
mod health;
mod limits;
mod output;
mod panics;
mod permissions;
mod pipes;
mod signals;
