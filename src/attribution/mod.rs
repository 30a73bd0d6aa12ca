//! Finds the operation that made a change to a track, in the operation records of its account.
//!
//! Everything here is pure: the caller sends the requests, passes in the time, and keeps the values
//! over a restart.
//!
//! * [`attribute`] is the rule: one change and some records become an [`Attribution`].
//! * [`Lookup`] searches the records for the changes of one poll. It repeats the search for half an
//!   hour, because a record appears some time after its operation.
//! * [`Sweep`] reads the records of all write operations on CloudAudit since the last sweep. It counts
//!   the operations, and finds tracks that were switched off and on again between two polls.
//!
//! The times of records are by the cloud's clock. Every function that compares them with times of this
//! machine takes the `skew`: the cloud's clock minus this machine's, in seconds; 0 if it is unknown.
//!
//! [`Attribution`]: crate::snapshot::Attribution

pub use self::lookup::{Lookup, MAX_REQUESTS, SCHEDULE, Update};
pub use self::matching::attribute;
pub use self::query_period::Window;
pub use self::sweep::{Counts, FIRST_WAIT, MAX_SWEEP_PAGES, Sweep, Swept};
pub use self::unseen::{ListedTrack, Polls, UnseenSwitchOff};

mod lookup;
mod matching;
mod query_period;
mod remembered;
mod sweep;
mod unseen;
