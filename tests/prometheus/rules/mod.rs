//! The alert rules: promtool accepts them, their tests pass, and they follow our conventions. For
//! every known mistake in a rule, a mutation proves that a test catches it.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

// The rules as values, and promtool, which checks them.
pub(crate) mod promtool;
pub(crate) mod rule;

// The tests.
mod conventions;
mod editions;
mod examples;
mod languages;
mod runbooks;
mod traps;
