//! The alert rules: sound by promtool, true to their tests and to our conventions, and every trap
//! that a rule could fall into shown to be one that a test guards.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it is"
)]

// Rules as values, and promtool as their judge.
mod promtool;
pub(crate) mod rule;

// What is judged.
mod conventions;
mod editions;
mod examples;
mod runbooks;
mod traps;
