//! From a report to text: every metric of the accounts is named here, once.
//!
//! The text format needs all samples of a metric in one place, and accounts change one by one. So an
//! account is rendered to [`Fragment`]s, which keep their samples by metric, and the publisher joins
//! fragments. A [`TimedFragment`] is a fragment with the time in which it may be shown: what is too
//! old disappears on time even if the task that should withdraw it is dead.

pub use self::fragment::{Fragment, FragmentWriter};
pub use self::metric::{Kind, Metric};
pub use self::render::Renderer;
pub use self::timed_fragment::{NextChange, TimedFragment};

// The table of metrics.
mod metric;

// The samples of one account.
mod account;
mod attribution;
mod delivery;
mod listing;
mod past;
mod render;
mod target;
mod totals;

// What is not rendered again.
mod cached;

// The text format, and the time in which a text may be shown.
mod fragment;
mod timed_fragment;
