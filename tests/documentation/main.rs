//! What is documented exists, and what exists is documented.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it is"
)]

#[path = "../support/mod.rs"]
mod support;

mod files;
mod markdown;

// References that are written by the code.
mod configuration;
mod metrics;
mod with_parts;

// What people are told.
mod commands;
mod examples;
mod languages;
mod links;
mod mentions;
