//! The fuzz targets: for each a function of any bytes, which panics if a property does not hold.
//!
//! Two drivers run them. `tests/unit/fuzz.rs`, a part of `make test`, replays all seeds and all inputs that
//! once failed, and then runs random mutations for some seconds. `make fuzz` runs the same functions
//! under libFuzzer (`fuzz_targets/`) for hours.

pub use self::answer::answer;
pub use self::bucket::bucket;
pub use self::configuration::configuration;
pub use self::events::events;
pub use self::exposition::exposition;
pub use self::request::request;
pub use self::state::state;
pub use self::walk::walk;

// Input from the cloud.
mod answer;
mod bucket;
mod events;
mod walk;

// Input from the operator, and from an earlier process.
mod configuration;
mod state;

// Output to Prometheus, and input from clients of the listener.
mod exposition;
mod request;

// Choices from bytes, and helpers of the tests.
mod input;
