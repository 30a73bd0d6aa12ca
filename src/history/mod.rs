//! What was known, what a poll brought, and now: what is known next, and what has changed.
//!
//! Pure. An account's loop keeps one [`TargetHistory`] for each of its targets; [`OverviewCache`] says
//! what they come to together, and [`accrue`] what that is worth as evidence.

pub use self::changes::{Difference, TrackChange};
pub use self::evidence::{accrue, is_covered};
pub use self::overview::OverviewCache;
pub use self::target::{Retention, TargetHistory};

// One target.
mod changes;
mod target;

// All targets of an account.
mod evidence;
mod overview;
