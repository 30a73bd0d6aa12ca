//! Values, files and text: tests that need neither the cloud nor a client.

#[path = "../support/mod.rs"]
mod support;

// Observed, saved and exposed state.
mod attribution;
mod changes;
mod delivery;
mod exposition;
mod history;
mod publisher;
mod state;

// Files, and the accounts of a shard.
mod files;
mod sharding;

// Arbitrary input.
mod fuzz;

// The sources and the tests themselves.
mod cycles;
mod language;
mod layers;
mod programs;
