//! Everything that is installed or deployed: the systemd unit, the packages, the image, the chart.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "other processes run in real time"
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
