//! The state file: what a restart must not forget.
//!
//! It is a convenience that must never become a danger: whatever is wrong with it, the exporter runs
//! on and says so. It holds no secret, and a time in it may be older than the truth, never newer.

// The file: replaced whole or not at all, by one process at a time.
pub use file::{Loaded, StateFile};
pub use seal::{MAX_BYTES, VERSION, seal, unseal};

// When it is written.
pub use policy::{Difference, FACTS_WAIT, Policy, RETRY_WAIT, TIMES_WAIT};

mod file;
mod place;
mod policy;
mod seal;
