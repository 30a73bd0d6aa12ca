//! Assembles the daemon, and the same parts for `once`.

pub use self::daemon::{App, Web};
pub use self::once::once;
pub use self::reload::{Load, Reloading};

// The daemon, and one poll of everything.
mod daemon;
mod once;

// Reloading of the configuration.
mod file_watch;
mod reload;

// The state of the exporter, and the part of it that is persisted.
mod exporter_state;
mod persisted;
