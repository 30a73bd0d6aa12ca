//! The documentation is complete and correct.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

#[path = "../support/mod.rs"]
mod support;

mod files;
mod markdown;

// Generated references.
mod configuration;
mod metrics;
mod presence;
mod with_parts;

// Texts written by hand.
mod commands;
mod examples;
mod languages;
mod limits;
mod links;
mod mentions;
mod shell;
