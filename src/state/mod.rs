//! The state file, which persists the history over a restart.
//!
//! The exporter logs every problem with the file and keeps running. The file holds no secret. A time
//! in it may be older than the last one that was served, never newer.

// The file: replaced atomically, by one process at a time.
pub use self::encoding::{MAX_BYTES, VERSION, decode, encode};
pub use self::file::{Loaded, StateFile};
pub use self::path::check_path;

// Its content.
pub use self::saved::Saved;

// When it is written, and the task that writes it.
pub use self::policy::{Difference, FACTS_WAIT, Policy, RETRY_WAIT, TIMES_WAIT};
pub use self::writer::{Known, StateWriter, Written};

mod encoding;
mod file;
mod path;

mod saved;

mod policy;
mod writer;
