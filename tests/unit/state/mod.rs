//! The state file: whole or not there, by one process at a time, kept aside where it cannot be
//! used, and written when it should be.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod anything;
mod changes;
mod file;
mod format;
mod golden;
mod kill;
mod links;
mod lock;
mod policy;
mod saved;
mod writer;
