//! Computes the next history of a target, and its changes, from the previous history and the result
//! of a poll.
//!
//! It reads no clock and does no I/O. An account keeps one [`TargetHistory`] for each of its targets.
//! [`OverviewCache`] computes the figures over all targets, and [`accrue`] the time that listings are
//! evidence for.

pub use self::changes::TrackChange;
pub use self::evidence::{accrue, is_covered};
pub use self::overview::OverviewCache;
pub use self::target::{Retention, TargetHistory};

// One target.
mod changes;
mod target;

// All targets of an account.
mod evidence;
mod overview;
