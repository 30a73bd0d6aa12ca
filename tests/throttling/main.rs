//! The adaptive pace: as arithmetic, as a queue, as the client uses it, and against a cloud whose
//! allowance somebody else uses too. Time is paused throughout.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails it by panicking"
)]

// The simulated cloud in memory, and who calls it.
mod cloud;
#[path = "../support/signer.rs"]
mod signer;
#[path = "../support/simulated.rs"]
mod simulated;

// The tests.
mod arithmetic;
mod client;
mod queue;
mod second_tenant;
