//! Values, files and text: what needs neither the cloud nor a client.

#[path = "../support/mod.rs"]
mod support;

// What the exporter knows, keeps and shows.
mod attribution;
mod changes;
mod delivery;
mod exposition;
mod history;
mod publisher;
mod state;

// Files, and the accounts of a shard.
mod division;
mod files;

// Any input at all.
mod fuzz;

// The sources and the tests themselves.
mod circles;
mod language;
mod layers;
mod programs;
