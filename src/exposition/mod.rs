//! From a report to text: every metric of the accounts is named here, once.
//!
//! The text format wants all samples of a metric in one place, and accounts change one by one. So
//! an account is rendered to [`Fragment`]s, which keep their samples by metric, and the publisher
//! joins fragments. A [`TimedFragment`] is a fragment with the time in which it may be shown: what is too
//! old disappears on time even if the task that should withdraw it is dead.

pub use self::fragment::{Fragment, FragmentWriter};
pub use self::metric::{Kind, Metric};
pub use self::render::Renderer;
pub use self::timed_fragment::{NextChange, TimedFragment};

// What there is to say.
mod metric;

// How it is said of one account.
mod account;
mod listing;
mod past;
mod render;
mod target;

// What is not said anew.
mod cached;

// The text format, and until when a text is true.
mod fragment;
mod timed_fragment;
