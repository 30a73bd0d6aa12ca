//! The state file: what outlives a restart.
//!
//! Whatever is wrong with the file, the exporter runs on and logs it. The file holds no secret. A time
//! in it may be older than the truth, never newer.

// The file: replaced atomically, by one process at a time.
pub use self::encoding::{MAX_BYTES, VERSION, decode, encode};
pub use self::file::{Loaded, StateFile};

// Its content.
pub use self::saved::Saved;

// When it is written, and the task that writes it.
pub use self::policy::{Difference, FACTS_WAIT, Policy, RETRY_WAIT, TIMES_WAIT};
pub use self::writer::{StateWriter, Written};

mod encoding;
mod file;
mod path;

mod saved;
mod time;

mod policy;
mod writer;
