//! What is fuzzed, and what must hold of it: for each target one function of any bytes, which
//! panics where something is wrong.
//!
//! Two drivers run them. `tests/unit/fuzz.rs` includes this folder, replays all seeds and every input
//! that ever broke something, and goes on with random mutations for some seconds: that is part of
//! `make test`. Under libFuzzer (`fuzz_targets/`) the same functions run for hours: that is `make
//! fuzz`.

pub use self::answer::answer;
pub use self::configuration::configuration;
pub use self::exposition::exposition;
pub use self::request::request;
pub use self::state::state;
pub use self::walk::walk;

// What comes from the cloud.
mod answer;
mod walk;

// What comes from the operator, and from an earlier process.
mod configuration;
mod state;

// What goes to Prometheus, and what comes from whoever connects.
mod exposition;
mod request;

// Bytes as choices.
mod input;
