//! Puts the parts together: the daemon, and the same parts for a single round.

pub use self::daemon::{App, Web};
pub use self::once::once;
pub use self::reload::{Load, Reloading};

// The daemon, and a single round of it.
mod daemon;
mod once;

// A changed configuration: who asks for it, and how it is taken up.
mod file_watch;
mod reload;

// What is shown, who is told, and what outlives the process.
mod exporter_state;
mod persisted;
