//! Reads files that other programs write: configuration, keys, certificates, `resolv.conf`.
//!
//! The exporter reads every file through this module, so that no path can block it. A path may name a
//! FIFO without a writer, an endless device, or a file on a mount that hangs. Therefore this module
//! reads regular files only, up to a size, on a blocking thread, one read at a time per reader, and
//! with a timeout ([`ReadSlot`]).

pub use self::presence::{Presence, presence};
pub use self::read::{
    Contents, READ_TIMEOUT, ReadError, UTF_16, is_descriptor, is_utf_16, read, read_once, stamp,
};
pub use self::slot::{MAX_READS_IN_FLIGHT, ReadSlot, Reads};

// Blocking reads of one file.
mod presence;
mod read;

// Reads on a blocking thread.
mod slot;
