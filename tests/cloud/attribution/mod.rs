//! Attribution of changes to operators: accounts search the operation records of the simulated
//! cloud, in memory and in paused time.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod labels;
mod lookups;
mod restarts;
mod scene;
mod secrets;
mod slow_polls;
mod sweeps;
