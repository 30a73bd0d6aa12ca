//! What runs on a Linux machine without a container: the unit, the packages, and what comes with
//! them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it is"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "another process lives in real time"
)]

#[path = "../support/mod.rs"]
mod support;

// Helpers.
mod packages;
mod run;

// The tests.
mod completions;
mod confined;
mod deb;
mod kube;
mod manual;
mod names;
mod release;
mod revision;
mod rpm;
mod scripts;
mod unit;
mod versions;
