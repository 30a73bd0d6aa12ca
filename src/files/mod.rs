//! Reads files that other programs write: configuration, keys, certificates, the resolver's.
//!
//! Everything that the exporter reads goes through here, so that no path can stop it. A path may
//! name a FIFO without a writer, an endless device, or a file on a mount that does not answer.
//! Therefore: regular files only, up to a limit, off the runtime, one read at a time for each
//! reader, and no longer than a time limit ([`ReadSlot`]).

pub use self::presence::{Presence, presence};
pub use self::read::{Contents, READ_TIMEOUT, ReadError, is_descriptor, read, read_once, stamp};
pub use self::slot::{MAX_READS_IN_FLIGHT, ReadSlot, Reads};

// One file, blocking.
mod presence;
mod read;

// The same off the runtime.
mod slot;
