//! The state file: what a restart must not forget.
//!
//! It is a convenience that must never become a danger: whatever is wrong with it, the exporter
//! runs on and says so. It holds no secret, and a time in it may be older than the truth, never
//! newer.

// The file: replaced whole or not at all, by one process at a time.
pub use self::encoding::{MAX_BYTES, VERSION, decode, encode};
pub use self::file::{Loaded, StateFile};

// What is in it.
pub use self::saved::Saved;

// When it is written, and the task that writes.
pub use self::policy::{Difference, FACTS_WAIT, Policy, RETRY_WAIT, TIMES_WAIT};
pub use self::writer::{StateWriter, Written};

mod encoding;
mod file;
mod path;

mod saved;
mod time;

mod policy;
mod writer;
